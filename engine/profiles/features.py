"""What a column is, and how it is counted, by a sample of its values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.profiles.grid import CELLS, Grid, around, lattice
from engine.profiles.layout import FeatureLayout
from engine.profiles.model import FeatureKind
from engine.profiles.texts import level_of, moment_of, number_of
from engine.tables.model import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.tables.model import ColumnHead

LEVELS = 1024
"""Levels of the reference that a layout names."""

BINS = 64
"""A number is cut at the reference's quantiles of so many equal shares."""

_ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|rowid|index)$", re.IGNORECASE)
_ID_ROWS = 50
_ID_SHARE = 0.98
_FEW_WORDS = 1.5
_MANY_WORDS = 4.0
_LONG = 60.0
_MEANT_SHARE = 0.9
_EXACT = 1 << 52
_FEW = 50
_FINEST_GAP = -10  # lattices of multiples of 1/1024 and more are found


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of a column.

    Args:
        arrays: By family: float64 (NaN among them), int64, bool, moments.
        texts: Texts, with how often each stands there.
    """

    arrays: Mapping[Family, NDArray[Any]]
    texts: Mapping[str, int]


def feature_of(head: ColumnHead, sample: Sample, kind: FeatureKind | None) -> FeatureLayout:
    """How a column is counted.

    Args:
        head: Its head.
        sample: Values of it.
        kind: What it is, where that is known; else it is told by the values.

    Returns:
        Its layout.
    """
    numbers, integer, text_rows = _numbers(sample), _integer(sample), sum(sample.texts.values())
    if kind is None:
        kind, reason = _kind(head, sample, numbers, integer=integer)
    else:
        reason = "Ids are not compared." if kind is FeatureKind.ID else ""
    if kind is FeatureKind.TIMESTAMP and (text_rows or Family.TIMESTAMP in sample.arrays):
        numbers, integer = _moments(sample), True
    elif kind is FeatureKind.NUMBER and text_rows:
        numbers = _with_texts(numbers, sample)
    if kind in (FeatureKind.NUMBER, FeatureKind.TIMESTAMP):
        return _numeric(head, kind, numbers, integer=integer)
    levels = _levels(sample) if kind in (FeatureKind.CATEGORY, FeatureKind.BOOLEAN) else ()
    return FeatureLayout(head.key, head.name, kind, reason, levels=levels, zone=head.zone)


def _kind(head: ColumnHead, sample: Sample, numbers: Any, *, integer: bool) -> tuple[FeatureKind, str]:
    text_rows = sum(sample.texts.values())
    moments = len(sample.arrays.get(Family.TIMESTAMP, ()))
    truths = len(sample.arrays.get(Family.BOOLEAN, ()))
    total = text_rows + len(numbers) + moments
    if not total:
        return FeatureKind.UNKNOWN, "No value was seen."
    if text_rows:
        return _kind_of_texts(head, sample, others=len(numbers))
    if moments:
        return FeatureKind.TIMESTAMP, ""
    if truths == len(numbers):
        return FeatureKind.BOOLEAN, ""
    if integer and _numbers_rows(head, sample.arrays[Family.INTEGER]):
        return FeatureKind.ID, "Every value is another one: it numbers or names rows."
    return FeatureKind.NUMBER, ""


def _kind_of_texts(head: ColumnHead, sample: Sample, *, others: int) -> tuple[FeatureKind, str]:
    texts = sample.texts
    rows = sum(texts.values())
    meant = sum(count for text, count in texts.items() if number_of(text) is not None) + others
    if (head.family is not Family.TEXT or others) and meant >= _MEANT_SHARE * (rows + others) and meant:
        return FeatureKind.NUMBER, ""
    if sum(count for text, count in texts.items() if moment_of(text) is not None) >= _MEANT_SHARE * rows:
        return FeatureKind.TIMESTAMP, ""
    words = sum(len(text.split()) * count for text, count in texts.items()) / rows
    distinct = len(texts) >= _ID_SHARE * rows
    if distinct and words <= _FEW_WORDS and (rows >= _ID_ROWS or (rows > 1 and _ID_NAME.search(head.name))):
        return FeatureKind.ID, "Every value is another one: it names rows."
    length = sum(len(text) * count for text, count in texts.items()) / rows
    if len(texts) > rows / 2 and rows > 1 and (words >= _MANY_WORDS or length >= _LONG):
        return FeatureKind.TEXT, ""
    return FeatureKind.CATEGORY, ""


def _numbers_rows(head: ColumnHead, values: NDArray[Any]) -> bool:
    """Whether integers are ids: each another, and rising or so named."""
    import numpy as np

    if len(values) < _ID_ROWS:
        return False
    if bool((np.diff(values) > 0).all()):
        return True
    distinct = 1 + int(np.count_nonzero(np.diff(np.sort(values))))
    return bool(_ID_NAME.search(head.name)) and distinct >= _ID_SHARE * len(values)


def _numbers(sample: Sample) -> NDArray[Any]:
    """All numbers: int64 if all are, else float64 without NaN."""
    import numpy as np

    parts = [sample.arrays[each] for each in (Family.INTEGER, Family.FLOAT, Family.BOOLEAN) if each in sample.arrays]
    found: NDArray[Any] = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])
    if found.dtype.kind != "f":
        return found
    known = ~np.isnan(found)
    return found if known.all() else found[known]


def _integer(sample: Sample) -> bool:
    return Family.INTEGER in sample.arrays and Family.FLOAT not in sample.arrays and not sample.texts


def _moments(sample: Sample) -> NDArray[Any]:
    import numpy as np

    meant = [(moment_of(text), count) for text, count in sample.texts.items()]
    found = [(each, count) for each, count in meant if each is not None]
    repeated = np.repeat(np.array([each for each, _ in found], np.int64), [count for _, count in found])
    return np.concatenate([sample.arrays.get(Family.TIMESTAMP, np.empty(0, np.int64)), repeated])


def _with_texts(numbers: NDArray[Any], sample: Sample) -> NDArray[Any]:
    import numpy as np

    meant = [(number_of(text), count) for text, count in sample.texts.items()]
    found = [(float(each), count) for each, count in meant if each is not None]
    repeated = np.repeat(np.array([each for each, _ in found], np.float64), [count for _, count in found])
    return np.concatenate([numbers.astype(np.float64), repeated])


def _levels(sample: Sample) -> tuple[str, ...]:
    import numpy as np

    counts = {level_of(text): count for text, count in sample.texts.items()}
    for values in sample.arrays.values():
        for value, count in zip(*(each.tolist() for each in np.unique(values, return_counts=True)), strict=True):
            if value == value:  # noqa: PLR0124 only NaN is not itself
                counts[level_of(value)] = counts.get(level_of(value), 0) + count
    return tuple(sorted(counts, key=lambda each: (-counts[each], each))[:LEVELS])


def _numeric(head: ColumnHead, kind: FeatureKind, numbers: NDArray[Any], *, integer: bool) -> FeatureLayout:
    import numpy as np

    offset = 0
    if integer and len(numbers) and max(abs(int(numbers.min())), abs(int(numbers.max()))) > _EXACT:
        ordered = np.sort(numbers)
        offset = int(ordered[len(ordered) // 2])
        least, most = int(ordered[0]) - offset, int(ordered[-1]) - offset
        whole = least >= -(1 << 63) and most < 1 << 63
        numbers = numbers - offset if whole else numbers.astype(np.float64) - float(offset)
    found = np.sort(numbers.astype(np.float64))
    found = found[slice(*np.searchsorted(found, [-np.finfo(np.float64).max, np.inf]).tolist())]
    grid, points = _grid(found)
    edges, deciles = _edges(grid, found)
    return FeatureLayout(
        head.key, head.name, kind, "", integer, offset, grid, edges, deciles, points, zone=head.zone
    )  # fmt: skip


def _grid(found: NDArray[np.float64]) -> tuple[Grid, tuple[float, ...]]:
    """The grid of sorted numbers, and those that are tied; on a lattice each has a cell of its own."""
    if not len(found):
        return around(0.0, 1.0), ()
    median = float(found[len(found) // 2])
    if found[0] == found[-1]:
        return around(median, _spread(found, median)), (median,)
    gap = _gap(found)
    if gap is not None:
        return lattice((float(found[0]) + float(found[-1])) / 2, gap), ()
    return around(median, _spread(found, median)), tuple(_tied(found).tolist())


def _tied(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which sorted numbers stand there so often that each fills a bin."""
    import numpy as np

    least = max(3, math.ceil(len(found) / BINS))
    far = found[least - 1 :]
    near = far[far == found[: len(far)]]  # the same number is there, so many places before
    is_first = np.ones(near.size, bool)
    is_first[1:] = near[1:] != near[:-1]
    first: NDArray[np.float64] = near[is_first]
    return first


def _gap(found: NDArray[np.float64]) -> int | None:
    """The power of two that all are multiples of, if a third of the grid holds them all."""
    import numpy as np

    span = float(found[-1]) - float(found[0])
    for bits in (0, -1, -2, -3, -4, _FINEST_GAP):
        if span >= math.ldexp(CELLS / 3, bits) or max(abs(found[0]), abs(found[-1])) >= _EXACT:
            return None
        for values in (found[:: max(1, len(found) // _FEW)], found):  # a few say it mostly
            scaled = values * math.ldexp(1.0, -bits)
            if not bool((scaled == np.rint(scaled)).all()):
                break
        else:
            return bits
    return None


def _spread(found: NDArray[np.float64], median: float) -> float:
    """The distance between the quartiles, or of wider quantiles where that is nothing."""
    last = len(found) - 1
    for share in (0.25, 0.05, 0.01, 0.0):
        low, high = float(found[int(share * last)]), float(found[math.ceil((1 - share) * last)])
        if high > low and math.isfinite(high - low):
            return high - low
    return abs(median) / 1024 or 1.0


def _edges(grid: Grid, found: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[int, ...]]:

    if not len(found):
        return (), ()
    least, most = grid.cell(float(found[0])), grid.cell(float(found[-1]))  # no bin is left without a number
    after = int(grid.lattice)  # on a lattice, a number and its ties lie below the border

    def at(parts: int) -> set[int]:
        places = [math.ceil(each / parts * len(found)) - 1 for each in range(1, parts)]
        cells = {grid.cell(each) + after for each in set(found[places].tolist())}
        return {each for each in cells if max(least, 0) < each <= min(most, CELLS - 1)}

    deciles = at(10)
    edges = at(BINS) | deciles
    if least == most:  # always the same number: what is below and what is above it are bins, though empty ones
        around_it = tuple(each for each in (least, least + 1) if 0 < each < CELLS)
        return around_it, around_it
    if grid.lattice:
        tied = {grid.cell(each) for each in _tied(found).tolist()}
        edges |= {each for cell in tied for each in (cell, cell + 1) if least < each <= most}
    return tuple(sorted(edges)), tuple(sorted(deciles))


if TYPE_CHECKING:
    import numpy as np
