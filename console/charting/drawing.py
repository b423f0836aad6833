"""From what was read to what charts draw: smoothing, clipping, runs put together. Pure; knows no widget."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.charting.settings import CLIP, Settings
from console.widgets.charts.series import MARKERS, ROLES, Series
from engine.core.smoothing import smoothed

if TYPE_CHECKING:
    from console.widgets.charts.series import Point
    from engine.tracking.model import History

RAW_BEHIND = 3
"""Curves on a chart up to which the raw ones are drawn behind the smoothed."""

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


Middle = tuple[float, float]
"""An x, and the mean of what was logged there."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What several runs say at one x: mean, least and greatest, and how many they are."""

    x: float
    mean: float
    low: float
    high: float
    runs: int


def drawn(key: str, read: Sequence[tuple[Shown, History]], settings: Settings) -> tuple[Series, ...]:
    """The series of one chart.

    Args:
        key: The metric.
        read: The runs and what was read of them.
        settings: How to show them.

    Returns:
        The runs' curves, smoothed if that is wanted, with the raw ones faint behind where they are few; or each group's
        mean, its range faint behind.
    """
    if settings.group:
        return _groups(read, settings)
    bright: list[Series] = []
    faint: list[Series] = []
    for run, history in read:
        points = points_of(history, settings.scale)
        latest = run.latest.get(key) if settings.window is None and settings.x != "time" else None
        if not settings.smoothing:
            bright.append(Series(run.name, points, run.role, run.marker, latest))
            continue
        bright.append(Series(run.name, averaged(history, settings), run.role, run.marker))
        if len(read) <= RAW_BEHIND:
            faint.append(Series(run.name, points, faint=True))
    return (*bright, *faint)


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


def averaged(history: History, settings: Settings) -> list[Middle]:
    """The moving average of a history, of the means of its stretches; see `engine.core.smoothing`."""
    points = history.points
    xs = [point.x / settings.scale for point in points]
    means = [point.mean for point in points]
    found = smoothed(xs, means, settings.smoothing, [float(point.count) for point in points])
    return [(x, math.nan if average is None else average) for x, average in zip(xs, found, strict=True)]


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
    return values[below] * (1 - part) + values[above] * part


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _groups(read: Sequence[tuple[Shown, History]], settings: Settings) -> tuple[Series, ...]:
    members: dict[str, list[Sequence[Middle]]] = {}
    for run, history in read:
        value = run.values.get(settings.group, NO_VALUE)
        members.setdefault(value, []).append(averaged(history, settings))
    bright, faint = [], []
    for place, (value, curves) in enumerate(sorted(members.items(), key=lambda pair: by_number(pair[0]))):
        found = spread(curves)
        name = f"{value} ({len(curves)})"
        role, marker = ROLES[place % len(ROLES)], MARKERS[place % len(MARKERS)]
        bright.append(Series(name, [(each.x, each.mean) for each in found], role, marker))
        if len(curves) > 1:
            faint.append(Series(name, [(each.x, each.low, each.high) for each in found], faint=True))
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
    places = [[x for x, _ in curve] for curve in known]
    found = []
    for x in sorted({x for xs in places for x in xs}):
        values = [
            value for curve, xs in zip(known, places, strict=True) if (value := _between(curve, xs, x)) is not None
        ]
        found.append(Spread(x, sum(value / len(values) for value in values), min(values), max(values), len(values)))
    return found


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
