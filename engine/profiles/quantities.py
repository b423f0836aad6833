"""Numbers told from counts, each with a bound: no finer look at the rows would give a result further away than that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.profiles.grid import CELLS
from engine.profiles.numbers import tail_borders, tail_codes
from engine.profiles.registers import STANDARD_ERROR, estimated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        lows: Their lower ends, shape (cells,), counted from `offset` on.
        highs: Their upper ends; where they equal `lows`, a cell is a single number.
        counts: By profile, shape (profiles, cells), int64.
        parted: Of which cells a tied number within is a cell of its own; cells are in order of their middles.
        offset: What is to be added to lower and upper ends; 0 but for integers that no float64 holds exactly.
    """

    lows: NDArray[Any]
    highs: NDArray[Any]
    counts: NDArray[Any]
    parted: NDArray[Any]
    offset: int = 0

    @property
    def middles(self) -> NDArray[Any]:
        """Their middles, shape (cells,), counted from `offset` on."""
        return self.lows / 2 + self.highs / 2

    @property
    def halves(self) -> NDArray[Any]:
        """Half their widths, shape (cells,)."""
        return self.highs / 2 - self.lows / 2


def cells_of(feature: FeatureLayout, profiles: Sequence[FeatureProfile]) -> Cells:
    """The cells of finite numbers.

    Args:
        feature: Its layout; of a number or timestamp.
        profiles: Counted by it.

    Returns:
        Cells in which at least one of them has numbers.
    """
    import numpy as np

    counted = [each.numbers for each in profiles if each.numbers is not None]
    if feature.grid is None or not counted:
        return Cells(np.empty(0), np.empty(0), np.zeros((len(profiles), 0), np.int64), np.empty(0, bool))
    grid = feature.grid
    dense = np.stack([each.cells for each in counted])
    places = np.flatnonzero(dense.any(axis=0))
    borders = grid.borders()
    codes = sorted({code for each in counted for code in each.tails})
    tails = np.array([tail_borders(code, grid.centre) for code in codes]).reshape(-1, 2)
    tail_counts = np.array([[each.tails.get(code, 0) for code in codes] for each in counted], np.int64)
    lows = np.concatenate([borders[places], tails[:, 0]])
    exact = grid.lattice and not any(each.beside for each in counted)
    highs = np.concatenate([borders[places if exact else places + 1], tails[:, 1]])
    ends = _ends(counted, feature.offset)
    cells = [*places.tolist(), *((code, "tail") for code in codes)] if feature.points else []
    hosts = {each: place for place, each in enumerate(cells)}
    counts = np.concatenate([dense[:, places], tail_counts], axis=1)
    return _parted(
        feature, hosts, Cells(np.clip(lows, *ends), np.clip(highs, *ends), counts, np.zeros(len(lows), bool)), counted
    )


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
    return Bounded(float(cells.middles[place]) + cells.offset, float(cells.halves[place]))


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
        middles = cells.middles
        found = math.sqrt(float(weights @ (middles - weights @ middles) ** 2))
        return Bounded(found, math.sqrt(float(weights @ cells.halves**2)))


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
    either = float((one + other)[cells.parted].max()) if cells.parted.any() else 0.0  # may lie on either side of a tie
    return Bounded(found, max(0.0, most - found) + either)


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
    between = np.abs(np.cumsum(one) - np.cumsum(other))[:-1]
    return Bounded(float(between @ np.diff(cells.middles)), float((one + other) @ cells.halves))


def bin_sums(feature: FeatureLayout, profile: FeatureProfile) -> NDArray[Any]:
    """The sums of the finite numbers of each bin, as `feature.bins` orders them.

    Args:
        feature: Its layout; of a number or timestamp.
        profile: What was counted.

    Returns:
        Shape (len(feature.bins),), float64: exact for tied numbers and where all lie on a lattice, else of rows in the
        middle of their cells, which are about a thousandth of the quartiles' distance wide.
    """
    import numpy as np

    if feature.grid is None:
        return np.zeros(0)
    cells = cells_of(feature, [profile])
    tied = np.isin(cells.middles, feature.points) & (cells.lows == cells.highs)
    sums = (cells.middles + feature.offset) * cells.counts[0]
    borders = [feature.grid.border(each) for each in feature.edges]
    homes = np.searchsorted(borders, cells.middles[~tied], side="right")
    found = np.bincount(homes, sums[~tied], len(borders) + 1).astype(np.float64)
    if profile.numbers is None or not feature.points:
        return found
    points = np.array(feature.points)
    return np.insert(found, np.searchsorted(borders, points, side="right"), points * profile.numbers.points)


def _shares(cells: Cells) -> tuple[Any, Any]:
    totals = cells.counts.sum(axis=1)
    if len(totals) < 2 or not totals.all():
        return None, None
    return cells.counts[0] / totals[0], cells.counts[1] / totals[1]


def _parted(feature: FeatureLayout, hosts: Mapping[Any, int], cells: Cells, counted: Sequence[NumberCounts]) -> Cells:
    """Cells in order, tied numbers taken out of those that hold them."""
    import numpy as np

    counts, parted = cells.counts.copy(), cells.parted.copy()
    tied = np.stack([each.points for each in counted])
    for place, point in enumerate(feature.points):
        if tied[:, place].any():
            host = hosts[_home(feature, point)]
            counts[:, host] -= tied[:, place]
            parted[host] = True
    alone = np.array(feature.points, np.float64)
    lows, highs = np.concatenate([cells.lows, alone]), np.concatenate([cells.highs, alone])
    counts = np.concatenate([counts, tied], axis=1)
    parted = np.concatenate([parted, np.zeros(len(alone), bool)])
    order = np.argsort(lows / 2 + highs / 2, kind="stable")
    order = order[counts[:, order].any(axis=0)]
    return Cells(lows[order], highs[order], counts[:, order], parted[order], feature.offset)


def _home(feature: FeatureLayout, point: float) -> Any:
    """Where a number is counted: its cell, or the code of its tail."""
    import numpy as np

    if feature.grid is None:
        raise TypeError(f"{feature.kind} is not counted on a grid")
    cell = feature.grid.cell(point)
    if 0 <= cell < CELLS:
        return cell
    return int(tail_codes(np.array([point]), feature.grid.centre)[0]), "tail"


def _ends(counted: Sequence[NumberCounts], offset: int) -> tuple[float, float]:
    """Between which numbers all lie, counted from the offset."""
    lows = [float(each.minimum - offset) for each in counted if each.minimum is not None]
    highs = [float(each.maximum - offset) for each in counted if each.maximum is not None]
    return min(lows, default=-math.inf), max(highs, default=math.inf)


def distinct(feature: FeatureLayout, profile: FeatureProfile) -> tuple[int, int]:
    """How many different values there are.

    Args:
        feature: Its layout.
        profile: What was counted.

    Returns:
        At least and at most so many, infinities aside: the same number for levels and numbers on a lattice. For other
        numbers at least one a cell and at most one a row; where different ones were told apart, two standard errors of
        HyperLogLog (2.3 % each) below and above the estimate.
    """
    import numpy as np

    if profile.levels is not None:
        number, error = profile.levels.distinct
        return number - error, number + error
    numbers, grid = profile.numbers, feature.grid
    if numbers is None or grid is None:
        return 0, profile.valid
    if numbers.minimum == numbers.maximum:
        return (1, 1) if numbers.minimum is not None else (0, 0)
    taken = int(np.count_nonzero(numbers.cells))
    beyond = sum(numbers.tails.values())
    if grid.lattice and not beyond and not numbers.beside:
        return taken, taken
    least, most = taken + len(numbers.tails), numbers.total
    if numbers.registers is None:
        return least, most
    about = estimated(numbers.registers)
    beside = max(1.0, 2 * STANDARD_ERROR * about)
    return min(max(least, round(about - beside)), most), max(min(most, round(about + beside)), least)
