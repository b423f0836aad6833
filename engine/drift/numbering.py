"""Numbers and times of both sides over the same bins.

Decisions look at the intervals between the reference's deciles; a tied value that holds a tenth of the reference is a
bin of its own, and so is what is no number at all. Quantities of order use the cells of the grid.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from engine.drift.counts import Counts, Fine
from engine.drift.levels import retyped
from engine.drift.model import ABOVE_ALL, BELOW_ALL, MISSING_LEVEL, OTHER_TYPE
from engine.profiles.model import FeatureKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.profiles.layout import Bin, FeatureLayout
    from engine.profiles.profile import FeatureProfile

_TIED = 0.1
"""Share of the reference from which on a tied value is a bin of its own."""


def numbered(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile) -> Counts:
    """Both sides of a column of numbers or times.

    Args:
        feature: Its layout.
        before: The reference.
        now: The current data.
    """
    import numpy as np

    narrow = before.bins(feature), now.bins(feature)
    shape = _Same(feature)
    starts = _starts(shape, _heavy(feature, narrow[0]))
    odd = _odd(before, now)
    reference, current = (
        np.concatenate([np.add.reduceat(side, starts), [each[place] for each in odd.values()]]).astype(np.int64)
        for place, side in enumerate(narrow)
    )
    labels, lows, highs = _named(shape, starts)
    nothing = (float("nan"),) * len(odd)
    return Counts(
        name=feature.key,
        kind=feature.kind.value,
        labels=(*labels, *odd),
        reference=reference,
        current=current,
        lows=(*lows, *nothing),
        highs=(*highs, *nothing),
        in_order=len(starts),
        n_ref=before.rows,
        n_cur=now.rows,
        nulls_ref=before.nulls,
        nulls_cur=now.nulls,
        retyped=retyped(before, now),
        narrow=partial(_fine, feature, before, now),
        quantity=partial(_quantity, feature, before, now),
    )


def follows(before: FeatureProfile, now: FeatureProfile) -> bool:
    """Whether all times come after those of the reference.

    Args:
        before: The reference.
        now: The current data.
    """
    if before.numbers is None or now.numbers is None:
        return False
    last, first = before.numbers.maximum, now.numbers.minimum
    return last is not None and first is not None and first >= last and now.numbers.maximum != last


class _Same:
    """A layout that is only equal to itself: what was found of it once is found again without looking into it."""

    def __init__(self, feature: FeatureLayout) -> None:
        self.feature = feature

    def __hash__(self) -> int:
        return id(self.feature)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.feature is self.feature


def _heavy(feature: FeatureLayout, reference: NDArray[Any]) -> tuple[int, ...]:
    """Places of tied values that are bins of their own."""
    least = _TIED * max(int(reference.sum()), 1)
    points = [place for place, each in enumerate(feature.bins) if each.point] if feature.points else []
    return tuple(place for place in points if reference[place] >= least)


@lru_cache(maxsize=4096)
def _starts(shape: _Same, heavy: tuple[int, ...]) -> tuple[int, ...]:
    """Places of the narrow bins at which those of decisions begin."""
    bins = shape.feature.bins
    borders = {each.low for each in shape.feature.decile_bins}
    starts = {0}
    for place, each in enumerate(bins):
        if place in heavy:
            starts |= {place, place + 1}
        elif not each.point and each.low in borders:
            # Light points stand before the interval they belong to, and go with it.
            first = place
            while first and bins[first - 1].point and first - 1 not in heavy:
                first -= 1
            starts.add(first)
    return tuple(sorted(start for start in starts if start < len(bins)))


@lru_cache(maxsize=4096)
def _named(shape: _Same, starts: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Of each bin of decisions: what it is called, where it begins and where it ends."""
    bins, kind = shape.feature.bins, shape.feature.kind
    ends = (*starts[1:], len(bins))
    found = [(bins[first], bins[last - 1]) for first, last in zip(starts, ends, strict=True)]
    labels = tuple(_label(first, last, kind) for first, last in found)
    return labels, tuple(first.low for first, _ in found), tuple(last.high for _, last in found)


def _odd(before: FeatureProfile, now: FeatureProfile) -> dict[str, tuple[int, int]]:
    """What is no finite number, where either side has some."""
    sides = (before, now)
    found = {
        MISSING_LEVEL: tuple(each.nulls for each in sides),
        BELOW_ALL: tuple(each.numbers.below if each.numbers else 0 for each in sides),
        ABOVE_ALL: tuple(each.numbers.above if each.numbers else 0 for each in sides),
        OTHER_TYPE: tuple(each.unfit for each in sides),
    }
    return {label: (ref, cur) for label, (ref, cur) in found.items() if ref or cur}


def _label(first: Bin, last: Bin, kind: FeatureKind) -> str:
    import math

    if first.point and first is last:
        return f"exactly {_shown(first.low, kind)}"
    if math.isinf(first.low):
        return "all" if math.isinf(last.high) else f"below {_shown(last.high, kind)}"
    if math.isinf(last.high):
        return f"from {_shown(first.low, kind)}"
    return f"{_shown(first.low, kind)} to {_shown(last.high, kind)}"


def _shown(value: float, kind: FeatureKind) -> str:
    if kind is not FeatureKind.TIMESTAMP:
        return f"{value:.6g}"
    from engine.core.timetext import format_time

    return format_time(int(value // 1000))


def _fine(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile, most: int) -> Fine:
    """Cells of the grid that either side uses, with what lies beyond it; neighbours together where they are many."""
    import numpy as np

    from engine.profiles.quantities import cells_of, mean

    cells = cells_of(feature, [before, now])
    bare = replace(feature, offset=0)
    means = mean(bare, before).value, mean(bare, now).value
    scale = _deviation(cells.counts[0], cells.lows, cells.highs)
    # A tied number lies within its cell: for a look at the shape, one ends where the other begins.
    lows, counts = np.maximum.accumulate(cells.lows), cells.counts
    highs = np.clip(cells.highs, lows, np.append(lows[1:], np.inf))
    together = -(-len(lows) // most)
    if together > 1:
        starts = np.arange(0, len(lows), together)
        lows, highs = lows[starts], highs[np.append(starts[1:], len(highs)) - 1]
        counts = np.add.reduceat(counts, starts, axis=1)
    return Fine(counts[0], counts[1], lows, highs, scale, *means, feature.offset)


def _quantity(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile, name: str) -> tuple[float, float]:
    """A quantity of order with its greatest error; distances in standard deviations of the reference."""
    from math import isnan

    from engine.profiles.quantities import deviation, ks, wasserstein

    found = (ks if name == "ks" else wasserstein)(feature, before, now)
    if isnan(found.value):
        return 0.0, 0.0
    scale = 1.0 if name == "ks" else deviation(feature, before).value
    if scale > 0:
        return found.value / scale, found.bound / scale
    return (0.0 if found.value == 0 else float("inf")), 0.0


def _deviation(counts: NDArray[Any], lows: NDArray[Any], highs: NDArray[Any]) -> float:
    """Standard deviation of rows in the middle of their cells."""
    import numpy as np

    total = int(counts.sum())
    if not total:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        middles = lows / 2 + highs / 2
        centre = float(counts @ middles) / total
        found = float(np.sqrt(counts @ (middles - centre) ** 2 / total))
    return found if np.isfinite(found) else float(np.finfo(float).max)
