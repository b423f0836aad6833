"""From what was read to what charts draw: smoothing, clipping, runs put together. Pure; knows no widget."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from console.charting.averages import averaged, inside
from console.charting.settings import CLIP, Settings
from console.widgets.charts.series import MARKERS, ROLES, Series

if TYPE_CHECKING:
    from console.charting.averages import Middle
    from console.widgets.charts.series import Point
    from engine.tracking.model import History

RAW_BEHIND = 3
"""Curves on a chart up to which the raw ones are drawn behind the smoothed."""

MOST_DRAWN = 200
"""Strokes that a smoothed curve is drawn with; it is read from all it is made of."""

NO_VALUE = "none"
"""The name of the group of runs that have no such parameter or tag."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A run whose curves are drawn.

    Args:
        run_id: Its id.
        name: What the legend calls it; empty for a lone one.
        place: Its place among all, which decides letter and colour.
        latest: The exact last values by metric.
        values: What it can be grouped by, such as `params.lr`.
    """

    run_id: str
    name: str = ""
    place: int = 0
    latest: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def marker(self) -> str:
        """Its letter; a lone run has none."""
        return MARKERS[self.place % len(MARKERS)] if self.name else ""

    @property
    def role(self) -> str:
        """Its colour."""
        return ROLES[self.place % len(ROLES)]


@dataclass(frozen=True, slots=True)
class Spread:
    """What several runs say at one x: mean, least and greatest, and how many they are."""

    x: float
    mean: float
    low: float
    high: float
    runs: int


def drawn(
    key: str,
    read: Sequence[tuple[Shown, History]],
    settings: Settings,
    averages: Mapping[str, Sequence[Middle]] = MappingProxyType({}),
) -> tuple[Series, ...]:
    """The series of one chart.

    Args:
        key: The metric.
        read: The runs and what was read of them in the window.
        settings: How to show them.
        averages: The moving averages of whole curves, by run; a run without is shown as it is.

    Returns:
        The runs' curves, smoothed if that is wanted, with the raw ones faint behind where they are few; or each group's
        mean, its range faint behind.
    """
    if settings.group:
        return _groups(read, settings, averages)
    bright: list[Series] = []
    faint: list[Series] = []
    for run, history in read:
        points = points_of(history, settings.scale)
        nodes = averages.get(run.run_id)
        if not nodes:
            latest = run.latest.get(key) if settings.window is None and settings.x != "time" else None
            bright.append(Series(run.name, points, run.role, run.marker, latest))
            continue
        bright.append(_smooth(Series(run.name, (), run.role, run.marker), nodes, settings))
        if len(read) <= RAW_BEHIND:
            faint.append(Series(run.name, points, faint=True))
    return (*bright, *faint)


def _smooth(bare: Series, nodes: Sequence[Middle], settings: Settings) -> Series:
    """A series drawn from the part of a smoothed curve in the window, and read on its straight lines."""
    if settings.kind == "value":  # another metric comes back to an x: there is no one value to read there
        low, high = settings.window or (-math.inf, math.inf)
        return replace(bare, points=[node for node in nodes if low <= node[0] <= high])
    shown = inside(nodes, settings.window)
    return replace(bare, points=thinned([(x, value, value) for x, value in shown]), nodes=shown)


def thinned(points: Sequence[tuple[float, float, float]], most: int = MOST_DRAWN) -> list[Point]:
    """Fewer stretches that reach from the least to the greatest of those they stand for.

    Args:
        points: (x, least, greatest), by x.
        most: At most so many.
    """
    stride = -(-len(points) // most)
    if stride <= 1:
        return [(x, low) if low == high else (x, low, high) for x, low, high in points]
    found: list[Point] = []
    for begin in range(0, len(points), stride):
        known = [point for point in points[begin : begin + stride] if _finite(point[1]) and _finite(point[2])]
        lows, highs = [point[1] for point in known], [point[2] for point in known]
        found.append((points[begin][0], min(lows, default=math.nan), max(highs, default=math.nan)))
    return found


def points_of(history: History, scale: float = 1.0) -> list[Point]:
    """A history's points: single values as they are, stretches as their lowest and highest.

    Args:
        history: What was read.
        scale: Units of its x in one of the axis.
    """
    return [
        (point.x / scale, point.first) if point.count == 1 else (point.x / scale, point.low, point.high)
        for point in history.points
    ]


def clip_range(read: Sequence[History]) -> tuple[float, float] | None:
    """The range of values that outliers are left out of.

    Stretches are told by their first and last points, which are points like any other; their least and greatest are
    outliers by choice.

    Args:
        read: What one chart shows.

    Returns:
        The 1st and 99th percentile; `None` without numbers.
    """
    values = sorted(
        value for history in read for point in history.points for value in (point.first, point.last) if _finite(value)
    )
    return (percentile(values, CLIP[0]), percentile(values, CLIP[1])) if values else None


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile by linear interpolation between neighbours.

    Args:
        values: Finite, sorted, at least one.
        share: 0 for the least, 1 for the greatest.

    Returns:
        The value; the same as `numpy.percentile` with its usual method.
    """
    place = share * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    part = place - below
    return min(max(values[below] * (1 - part) + values[above] * part, values[below]), values[above])


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _groups(
    read: Sequence[tuple[Shown, History]], settings: Settings, averages: Mapping[str, Sequence[Middle]]
) -> tuple[Series, ...]:
    members: dict[str, list[Sequence[Middle]]] = {}
    for run, history in read:
        value = run.values.get(settings.group, NO_VALUE)
        members.setdefault(value, []).append(averages.get(run.run_id) or averaged(history, settings.scale, 0))
    bright, faint = [], []
    low, high = settings.window or (-math.inf, math.inf)
    for place, (value, curves) in enumerate(sorted(members.items(), key=lambda pair: by_number(pair[0]))):
        found = spread(curves)  # of whole curves where they are smoothed: a mean does not depend on the zoom either
        bare = Series(f"{value} ({len(curves)})", (), ROLES[place % len(ROLES)], MARKERS[place % len(MARKERS)])
        nodes = [(each.x, each.mean) for each in found]
        bright.append(_smooth(bare, nodes, settings) if averages else replace(bare, points=nodes))
        if len(curves) > 1:
            band = [(each.x, each.low, each.high) for each in found if low <= each.x <= high]
            faint.append(Series(bare.name, thinned(band) if averages else band, faint=True))
    return (*bright, *faint)


def by_number(value: str) -> tuple[int, float, str]:
    """An order in which numbers come by size, and before words."""
    try:
        number = float(value)
    except ValueError:
        return 1, 0.0, value
    return (0, number, value) if math.isfinite(number) else (1, 0.0, value)


def spread(curves: Sequence[Sequence[Middle]]) -> list[Spread]:
    """What runs have in common, at every x where one of them has a point.

    Between two points a run is on the straight line; before its first and after its last one it is not counted.

    Args:
        curves: One a run, by x; gaps are NaN and bridged.

    Returns:
        By x.
    """
    known = [[point for point in curve if _finite(point[0]) and _finite(point[1])] for curve in curves]
    if len({tuple(x for x, _ in curve) for curve in known}) == 1:  # seeds log at the same steps
        return [
            Spread(column[0][0], _mean([value for _, value in column]), *_ends(column), len(column))
            for column in zip(*known, strict=True)
        ]
    places = [[x for x, _ in curve] for curve in known]
    found = []
    for x in sorted({x for xs in places for x in xs}):
        values = [
            value for curve, xs in zip(known, places, strict=True) if (value := _between(curve, xs, x)) is not None
        ]
        found.append(Spread(x, _mean(values), min(values), max(values), len(values)))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(value / len(values) for value in values)


def _ends(column: Sequence[Middle]) -> tuple[float, float]:
    values = [value for _, value in column]
    return min(values), max(values)


def _between(curve: Sequence[Middle], xs: Sequence[float], x: float) -> float | None:
    """The value of a curve at an x; `None` outside of it."""
    after = bisect_right(xs, x)
    if not after or (after == len(xs) and xs[-1] != x):
        return None
    begin, low = curve[after - 1]
    if begin == x:
        return low
    end, high = curve[after]
    part = (x - begin) / (end - begin)
    return low * (1 - part) + high * part


def whole_range(read: Sequence[History], scale: float) -> tuple[float, float] | None:
    """The first and last x of what was read; `None` without points.

    Args:
        read: Histories.
        scale: Units of their x in one of the axis.
    """
    xs = [point.x / scale for history in read for point in history.points if _finite(point.x)]
    return (min(xs), max(xs)) if xs else None
