"""Rows by what they hold, so that duplicates are known: a hash of 64 bits a row, and how often each stands there."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from engine.profiles.levels import estimated
from engine.profiles.model import NUMERIC, FeatureKind
from engine.profiles.texts import level_of, moment_of, number_of
from engine.tables.model import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout
    from engine.tables.model import Chunk, Column

MOST_HASHES = 1 << 16
"""So many different rows are counted, each exactly; of more, those with the least hashes."""

_MISSING = 0x9AE16A3B2F90404F
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class RowCounts:
    """How often rows were seen.

    Args:
        rows: Rows in all.
        hashes: Of different rows, rising, uint64; all there are or the `MOST_HASHES` least.
        counts: How often each was seen, int64.
    """

    rows: int
    hashes: NDArray[Any]
    counts: NDArray[Any]

    @property
    def distinct(self) -> tuple[int, int]:
        """How many different rows there are, and by how much that may be wrong (two standard errors); 0 if exact."""
        if int(self.counts.sum()) == self.rows:
            return len(self.hashes), 0
        return estimated(len(self.hashes), int(self.hashes[-1]))

    def __add__(self, other: RowCounts) -> RowCounts:
        import numpy as np

        hashes, places = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.zeros(len(hashes), np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return RowCounts(self.rows + other.rows, hashes[:MOST_HASHES], counts[:MOST_HASHES])


def no_rows() -> RowCounts:
    """Of no rows."""
    import numpy as np

    return RowCounts(0, np.empty(0, np.uint64), np.empty(0, np.int64))


def counted_rows(chunk: Chunk, features: Sequence[FeatureLayout]) -> RowCounts:
    """Count the rows of a chunk.

    Args:
        chunk: The rows.
        features: The columns that make them equal or not; an id that is left out is none of them.
    """
    import numpy as np

    found = np.zeros(chunk.rows, np.uint64)
    for feature in features:
        if feature.kind is not FeatureKind.ID:
            column = chunk.columns.get(feature.key)
            hashes = np.uint64(_MISSING) if column is None else _aligned(feature, column)
            found = mixed(found * np.uint64(_FACTORS[2]) + hashes)
    hashes, counts = np.unique(found, return_counts=True)
    return RowCounts(chunk.rows, hashes[:MOST_HASHES], counts[:MOST_HASHES].astype(np.int64))


def _aligned(feature: FeatureLayout, column: Column) -> Any:
    import numpy as np

    if column.family is Family.EMPTY:
        return np.uint64(_MISSING)
    hashes = _hashes(feature, column)
    if column.known is None:
        return hashes
    spread = np.full(column.rows, _MISSING, np.uint64)
    spread[column.known] = hashes
    return spread


def _hashes(feature: FeatureLayout, column: Column) -> NDArray[Any]:
    """Hashes of what values mean to a feature, so that it does not matter how they are stored."""
    import numpy as np

    numeric = feature.kind in NUMERIC
    if column.family is Family.TEXT:
        understand = moment_of if feature.kind is FeatureKind.TIMESTAMP else number_of
        meant = [understand(each) if numeric else None for each in column.dictionary]
        pairs = zip(column.dictionary, meant, strict=True)
        hashes = [_of_text(text) if each is None else _of_number(float(each)) for text, each in pairs]
        return np.asarray(np.array(hashes, np.uint64)[column.values])
    if numeric:
        return _of_numbers(column.values.astype(np.float64))
    values, places = np.unique(column.values, return_inverse=True)
    return np.asarray(np.array([_of_text(level_of(each)) for each in values.tolist()], np.uint64)[places])


def _of_numbers(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    found = mixed((values + 0.0).view(np.uint64))  # -0.0 and 0.0 are one number
    missing = np.isnan(values)
    if missing.any():
        found[missing] = _MISSING
    return found


def _of_number(value: float) -> int:
    import numpy as np

    return int(_of_numbers(np.array([value]))[0])


def _of_text(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), "big")


def mixed(hashes: NDArray[Any]) -> NDArray[Any]:
    """Each bit of the result depends on all of the argument (splitmix64: Steele, Lea and Flood, 2014).

    Args:
        hashes: uint64, any shape.
    """
    import numpy as np

    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(_FACTORS[0])
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(_FACTORS[1])
    mixed: NDArray[Any] = hashes ^ (hashes >> np.uint64(31))
    return mixed
