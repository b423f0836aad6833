"""Tables whose rows are held in memory: for values, for segments, for what looks at all columns of a row at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.drift.matrix import Matrix
from engine.profiles.model import LEVELLED, NUMERIC
from engine.tables.model import Chunk, Column, Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout, Layout
    from engine.tables.model import ColumnHead, Table

_NUMBERS = (Family.FLOAT, Family.INTEGER, Family.TIMESTAMP, Family.BOOLEAN)
_SAMPLED = 5_000
_SEED = 20_263
_MOST_SEGMENTS = 20


@dataclass(frozen=True, slots=True)
class Held:
    """Rows in memory; it is a `Table` of one `Partition`.

    Args:
        columns: Its columns.
        held: Its rows.
    """

    columns: tuple[ColumnHead, ...]
    held: tuple[Chunk, ...]

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(chunk.rows for chunk in self.held)

    def partitions(self) -> tuple[Held, ...]:
        """Itself."""
        return (self,)

    def chunks(self, wanted: Mapping[str, Family] | None = None) -> Iterator[Chunk]:  # noqa: ARG002 types are there
        """Its rows, as the protocol says."""
        yield from self.held

    def where(self, masks: Sequence[NDArray[Any]]) -> Held:
        """Some of the rows.

        Args:
            masks: Which, by chunk, each of shape (rows of the chunk,).
        """
        return Held(self.columns, tuple(_picked(chunk, mask) for chunk, mask in zip(self.held, masks, strict=True)))


def read(table: Table, layout: Layout) -> Held:
    """Read a whole table.

    Args:
        table: The table.
        layout: As what its columns are read.

    Raises:
        InvalidInput: it is damaged.
        Conflict: a file changed while it was read.
    """
    held = tuple(chunk for part in table.partitions() for chunk in part.chunks(layout.wanted))
    return Held(table.columns, held)


def numbers(rows: Held, feature: FeatureLayout) -> NDArray[Any]:
    """The finite numbers of a column, without what its layout takes off large ones.

    Args:
        rows: The rows.
        feature: The column.

    Returns:
        Shape (finite values,), float64.
    """
    import numpy as np

    found = [np.empty(0)]
    for chunk in rows.held:
        column = chunk.columns.get(feature.key)
        if column is not None and column.family in _NUMBERS:
            found.append((column.values - feature.offset if feature.offset else column.values).astype(np.float64))
    values = np.concatenate(found)
    return values[np.isfinite(values)]


def segments(rows: Held, key: str) -> list[str]:
    """The values of a column that tell segments apart, the most frequent first.

    Args:
        rows: The rows.
        key: The column.
    """
    from collections import Counter

    often: Counter[str] = Counter()
    for chunk in rows.held:
        names, codes = _named(chunk, key)
        often.update({names[code]: count for code, count in Counter(codes.tolist()).items() if code >= 0})
    return [name for name, _ in sorted(often.items(), key=lambda each: (-each[1], each[0]))[:_MOST_SEGMENTS]]


def within(rows: Held, key: str, value: str) -> Held:
    """The rows of a segment.

    Args:
        rows: The rows.
        key: The column that tells segments apart.
        value: Its value there, as `segments` names it.
    """
    masks = []
    for chunk in rows.held:
        names, codes = _named(chunk, key)
        masks.append(codes == names.index(value) if value in names else codes > len(names))
    return rows.where(masks)


def matrix(reference: Held, current: Held, features: Sequence[FeatureLayout]) -> Matrix:
    """A sample of the rows of both sides as numbers.

    Args:
        reference: Rows of the reference.
        current: Rows of the current data.
        features: The columns to take; those of numbers and of levels are.
    """
    taken = [each for each in features if not each.left_out and each.kind in NUMERIC | LEVELLED]
    sides = [_sampled(rows, taken) for rows in (reference, current)]
    return Matrix(tuple(each.key for each in taken), tuple(each.kind in NUMERIC for each in taken), *sides)


def _picked(chunk: Chunk, mask: NDArray[Any]) -> Chunk:
    rows = int(mask.sum())
    return Chunk(rows, {key: _picked_column(column, mask, rows) for key, column in chunk.columns.items()})


def _picked_column(column: Column, mask: NDArray[Any], rows: int) -> Column:
    if column.family is Family.EMPTY:
        return Column(column.family, rows, column.values, rows)
    if column.known is None:
        return Column(column.family, rows, column.values[mask], 0, column.dictionary)
    known = column.known[mask]
    values = column.values[mask[column.known]]
    return Column(column.family, rows, values, rows - len(values), column.dictionary, known)


def _named(chunk: Chunk, key: str) -> tuple[list[str], NDArray[Any]]:
    """Names of a column's values in some rows, and for each row the place of its name; -1 where it has none."""
    import numpy as np

    column = chunk.columns.get(key)
    if column is None or column.family is Family.EMPTY:
        return [], np.full(chunk.rows, -1)
    if column.family is Family.TEXT:
        names, codes = list(column.dictionary), column.values.astype(np.int64)
    else:
        found, codes = np.unique(column.values, return_inverse=True)
        names = [_name(value) for value in found.tolist()]
    return names, _spread(column, codes, -1)


def _name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _spread(column: Column, values: NDArray[Any], missing: float) -> NDArray[Any]:
    """One value a row."""
    import numpy as np

    if column.known is None:
        return values
    spread = np.full(column.rows, missing, values.dtype)
    spread[column.known] = values
    return spread


def _sampled(rows: Held, features: Sequence[FeatureLayout]) -> NDArray[Any]:
    import numpy as np

    source = np.random.default_rng(_SEED)
    share = min(1.0, _SAMPLED / max(rows.rows, 1))
    masks = [source.random(chunk.rows) < share if share < 1 else np.ones(chunk.rows, bool) for chunk in rows.held]
    parts = [_numbers(chunk, features) for chunk in rows.where(masks).held]
    return np.concatenate([np.empty((0, len(features))), *parts])


def _numbers(chunk: Chunk, features: Sequence[FeatureLayout]) -> NDArray[Any]:
    import numpy as np

    found = np.full((chunk.rows, len(features)), np.nan)
    for place, feature in enumerate(features):
        column = chunk.columns.get(feature.key)
        if column is None or column.family is Family.EMPTY:
            continue
        if feature.kind in NUMERIC:
            if column.family in _NUMBERS:
                values = column.values - feature.offset if feature.offset else column.values
                found[:, place] = _spread(column, values.astype(np.float64), np.nan)
        else:
            found[:, place] = _levels(chunk, feature)
    found[~np.isfinite(found)] = np.nan
    return found


def _levels(chunk: Chunk, feature: FeatureLayout) -> NDArray[Any]:
    """Places of levels, the most frequent of the reference first; all new ones share the place after the last."""
    import numpy as np

    names, codes = _named(chunk, feature.key)
    places = {level: place for place, level in enumerate(feature.levels)}
    known: NDArray[Any] = np.array([*(places.get(name, len(places)) for name in names), np.nan])
    return np.asarray(known[codes])
