"""A histogram as lines of styled text: a row for each bin, its bounds, a bar and the count."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from console.widgets.charts.heading import heading
from console.widgets.charts.rows import LEAST_TITLED, fitted, in_window, said, sheet_of
from console.widgets.charts.series import Drawing, Line, Series, Span, View, readings
from console.widgets.charts.spark import bar
from engine.core.plotting.labels import axis_labels
from engine.core.plotting.scale import linear_axis, log_axis

_FEWEST, _MOST = 2, 40
"""Bins."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Counts of values between bounds."""

    bounds: tuple[float, ...]
    """Rising; one more than counts. A value on a bound counts above it, on the last one below."""
    counts: tuple[int, ...]
    labels: tuple[str, ...]
    """The bounds, in one unit."""


def binned(values: Sequence[float], count: int, *, log: bool = False) -> Bins:
    """Count values in bins with round bounds.

    Args:
        values: finite, at least one; above zero when ``log``.
        count: wanted number of bins, at least 1; there are at most about twice as many.
        log: bins between powers of ten and their parts.

    Returns:
        The bins; every value is in one of them.
    """
    low, high = min(values), max(values)
    axis = log_axis(low, high, count) if log else linear_axis(low, high, count, slack=1.0)
    low, high = axis.scale.low, axis.scale.high
    inner = {float(f"{tick:.12g}") for tick in axis.ticks}  # three times 0.1 is a hair above 0.3, where values lie
    bounds = [low, *sorted(bound for bound in inner if low < bound < high), high]
    counts = [0] * (len(bounds) - 1)
    for value in values:
        counts[_place(value, bounds)] += 1
    return Bins(tuple(bounds), tuple(counts), axis_labels(bounds, axis.step))


def _place(value: float, bounds: Sequence[float]) -> int:
    return min(max(bisect_right(bounds, value) - 1, 0), len(bounds) - 2)


def draw_histogram(series: Sequence[Series], view: View) -> Drawing:
    """Draw how values are distributed: of one series all its values, of several their last ones.

    Args:
        series: one metric of one run, or of several; a stretch of a reduced curve counts as its middle.
        view: size and looks; ``log_y`` makes the bins logarithmic.

    Returns:
        Exactly ``view.height`` lines of exactly ``view.width`` cells; below it how many values, of what, and how many
        have no bin. Never fails, whatever the floats are.
    """
    if view.width < 1 or view.height < 1:
        return Drawing(((),) * max(view.height, 0), None)
    series = in_window(series, view)
    values, what = _values(series)
    kept = [value for value in values if math.isfinite(value) and (value > 0 or not view.log_y)]
    if not kept:
        return Drawing(said("no points yet" if not values else "no value has a bin", view), None)
    title = heading((), view) if view.height >= LEAST_TITLED else None
    room = view.height - (title is not None) - 1
    bins = _fitting(kept, room, log=view.log_y)
    note = f"{what}{_left_out(len(values) - len(kept))}{'  log bins' if view.log_y else ''}"
    foot = (fitted((Span(note, "axis"),), view.width, unicode=view.unicode),)
    role = series[0].role
    return Drawing(sheet_of(title, _rows(bins, role, view), foot, view), None)


def _values(series: Sequence[Series]) -> tuple[list[float], str]:
    if len(series) == 1:
        points = series[0].points
        reduced = any(len(point) == 3 for point in points)
        found = [point[1] / 2 + point[-1] / 2 for point in points if math.isfinite(point[0])]
        return found, f"{len(found)} stretches of the curve" if reduced else f"values: {len(found)}"
    found = [reading.low / 2 + reading.high / 2 for reading in readings(series)]
    return found, f"the last values of {len(found)} series"


def _left_out(count: int) -> str:
    return f", {count} without a bin (NaN, infinite, or not above 0)" if count else ""


def _fitting(values: Sequence[float], room: int, *, log: bool) -> Bins:
    """As many bins as there are lines, and as so many values make sense of."""
    wanted = min(max(room, _FEWEST), _MOST, math.ceil(2 * math.sqrt(len(values))) + 1)
    bins = binned(values, wanted, log=log)
    while len(bins.counts) > max(room, 1) and wanted > 1:
        wanted -= 1
        bins = binned(values, wanted, log=log)
    return bins


def _rows(bins: Bins, role: str, view: View) -> list[Line]:
    gutter = max(map(len, bins.labels))
    most = max(bins.counts)
    digits = len(str(most))
    width = view.width - 2 * gutter - digits - 4
    dash, wall = ("–", "│") if view.unicode else ("-", "|")  # noqa: RUF001 a range of numbers
    rows = []
    for place, count in enumerate(bins.counts):
        low, high = bins.labels[place].rjust(gutter), bins.labels[place + 1].rjust(gutter)
        spans = [Span(f"{low}{dash}{high} {wall}", "axis")]
        if width > 0:
            ink = bar(count / most, width, unicode=True) if view.unicode else "#" * math.ceil(count / most * width)
            spans.append(Span(ink.ljust(width), role))
        spans.append(Span(f" {count:>{digits}}", "value"))
        rows.append(fitted(spans, view.width, unicode=view.unicode))
    return rows
