"""Numbers told from counts, each with a bound: no finer look at the rows would give a result further away than that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.profiles.numbers import tail_borders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout
    from engine.profiles.profile import FeatureProfile, NumberCounts


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number that is known up to a bound.

    Args:
        value: The number; NaN where there are no rows to tell it from.
        bound: By how much the truth may differ from it at most.
    """

    value: float
    bound: float


@dataclass(frozen=True)
class Cells:
    """Cells that are not empty, of one or more profiles of one layout, from the lowest to the highest.

    Args:
        lows: Their lower ends, shape (cells,).
        highs: Their upper ends; where they equal `lows`, a cell is a single number.
        counts: By profile, shape (profiles, cells), int64.
    """

    lows: NDArray[Any]
    highs: NDArray[Any]
    counts: NDArray[Any]


def cells_of(feature: FeatureLayout, profiles: Sequence[FeatureProfile], *, from_offset: bool = False) -> Cells:
    """The cells of finite numbers.

    Args:
        feature: Its layout; of a number or timestamp.
        profiles: Counted by it.
        from_offset: Tell the ends of cells as they lie from the layout's `offset` on, which loses nothing near 2^62.

    Returns:
        Cells in which at least one of them has numbers.
    """
    import numpy as np

    counted = [each.numbers for each in profiles if each.numbers is not None]
    if feature.grid is None or not counted:
        return Cells(np.empty(0), np.empty(0), np.zeros((len(profiles), 0), np.int64))
    grid = feature.grid
    dense = np.stack([each.cells for each in counted])
    places = np.flatnonzero(dense.any(axis=0))
    borders = grid.borders()
    lows, highs = borders[places], borders[places if grid.lattice else places + 1]
    below, above = ([*_tails(counted, sign)] for sign in (-1, 1))
    tails = [(*tail_borders(code, grid.centre), code) for code in (*below, *above)]
    cut = len(below)
    tail_counts = np.array([[each.tails.get(code, 0) for *_, code in tails] for each in counted], np.int64)
    ends = _ends(counted, feature.offset)
    all_lows = np.concatenate([[low for low, *_ in tails[:cut]], lows, [low for low, *_ in tails[cut:]]])
    all_highs = np.concatenate([[high for _, high, _ in tails[:cut]], highs, [high for _, high, _ in tails[cut:]]])
    counts = np.concatenate([tail_counts[:, :cut], dense[:, places], tail_counts[:, cut:]], axis=1)
    low, high = np.clip(all_lows, *ends), np.clip(all_highs, *ends)
    return Cells(low, high, counts) if from_offset else Cells(low + feature.offset, high + feature.offset, counts)


def quantile(feature: FeatureLayout, profile: FeatureProfile, share: float) -> Bounded:
    """The number that a share of the finite numbers does not exceed.

    Args:
        feature: Its layout.
        profile: What was counted.
        share: From 0 to 1.

    Returns:
        The middle of its cell, and half the cell's width.
    """
    import numpy as np

    cells = cells_of(feature, [profile])
    if not cells.counts.size:
        return Bounded(math.nan, 0.0)
    counted = np.cumsum(cells.counts[0])
    place = int(np.searchsorted(counted, max(1, math.ceil(share * int(counted[-1])))))
    low, high = float(cells.lows[place]), float(cells.highs[place])
    return Bounded((low + high) / 2, (high - low) / 2)


def mean(feature: FeatureLayout, profile: FeatureProfile) -> Bounded:
    """The mean of the finite numbers; each was rounded to a step of the grid, about 1e-13 of the quartiles' distance.

    Args:
        feature: Its layout.
        profile: What was counted.
    """
    from fractions import Fraction

    numbers, grid = profile.numbers, feature.grid
    if numbers is None or grid is None or not numbers.total:
        return Bounded(math.nan, 0.0)
    found = grid.origin + grid.step * Fraction(numbers.steps, numbers.total)
    return Bounded(float(found + feature.offset), float(grid.step / 2))


def deviation(feature: FeatureLayout, profile: FeatureProfile) -> Bounded:
    """The standard deviation of the finite numbers (divided by their number).

    Args:
        feature: Its layout.
        profile: What was counted.

    Returns:
        That of the middles of cells, and the root mean square of half their widths.
    """
    import numpy as np

    cells = cells_of(feature, [profile])
    total = int(cells.counts.sum())
    if not total:
        return Bounded(math.nan, 0.0)
    with np.errstate(over="ignore"):
        weights = cells.counts[0] / total
        middles = cells.lows / 2 + cells.highs / 2
        found = math.sqrt(float(weights @ (middles - weights @ middles) ** 2))
        halves = cells.highs / 2 - cells.lows / 2
        return Bounded(found, math.sqrt(float(weights @ halves**2)))


def ks(feature: FeatureLayout, reference: FeatureProfile, current: FeatureProfile) -> Bounded:
    """The Kolmogorov-Smirnov distance: the largest difference of the two distribution functions.

    Args:
        feature: Their layout.
        reference: One.
        current: The other.

    Returns:
        That at the borders of cells; within a cell it may be larger by what the cell holds.
    """
    import numpy as np

    cells = cells_of(feature, [reference, current])
    one, other = _shares(cells)
    if one is None or other is None:
        return Bounded(math.nan, 0.0)
    after, afterwards = np.cumsum(one), np.cumsum(other)
    found = float(np.abs(after - afterwards).max())
    wide = cells.highs > cells.lows
    inside = np.maximum(after - (afterwards - other), afterwards - (after - one))[wide]
    most = float(inside.max()) if inside.size else 0.0
    return Bounded(found, max(0.0, most - found))


def wasserstein(feature: FeatureLayout, reference: FeatureProfile, current: FeatureProfile) -> Bounded:
    """The first Wasserstein distance, in the feature's unit: the area between the two distribution functions.

    Args:
        feature: Their layout.
        reference: One.
        current: The other.

    Returns:
        That of rows in the middle of their cells; each may be off by half its cell's width.
    """
    import numpy as np

    cells = cells_of(feature, [reference, current])
    one, other = _shares(cells)
    if one is None or other is None:
        return Bounded(math.nan, 0.0)
    middles = cells.lows / 2 + cells.highs / 2
    between = np.abs(np.cumsum(one) - np.cumsum(other))[:-1]
    halves = cells.highs / 2 - cells.lows / 2
    return Bounded(float(between @ np.diff(middles)), float((one + other) @ halves))


def _shares(cells: Cells) -> tuple[Any, Any]:
    totals = cells.counts.sum(axis=1)
    if len(totals) < 2 or not totals.all():
        return None, None
    return cells.counts[0] / totals[0], cells.counts[1] / totals[1]


def _tails(counted: Sequence[NumberCounts], sign: int) -> list[int]:
    return sorted({code for each in counted for code in each.tails if code * sign > 0})


def _ends(counted: Sequence[NumberCounts], offset: int) -> tuple[float, float]:
    """Between which numbers all lie, counted from the offset."""
    lows = [float(each.minimum - offset) for each in counted if each.minimum is not None]
    highs = [float(each.maximum - offset) for each in counted if each.maximum is not None]
    return min(lows, default=-math.inf), max(highs, default=math.inf)
