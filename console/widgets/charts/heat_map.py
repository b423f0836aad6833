"""A heat map as lines of styled text: a row for each series, columns along x, shade and colour by value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from console.widgets.charts.heading import cut, heading
from console.widgets.charts.rows import LEAST_TITLED, fitted, in_window, name_width, runs_of, said, sheet_of
from console.widgets.charts.series import Drawing, Frame, Line, Series, Span, View, buckets
from engine.core.plotting.labels import axis_labels, compact, duration, time_of_day
from engine.core.plotting.scale import Scale, clock_axis, linear_axis, widened

HEATS = tuple(f"heat-{number}" for number in range(1, 9))
"""Roles from the least value to the greatest."""

_SHADES = "░░▒▒▓▓██"
_ASCII_SHADES = ".:-=+*#@"
"""Eight levels each; density rises with the value, so that the map reads without colours too."""

_BROKEN, _ASCII_BROKEN = "\u00d7", "x"
_MOST_LINES = 3
"""Lines a row may take when there is room."""
_SCALED_FROM = 4
"""Lines from which the scale gets one, and two more from which x gets one."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One series along the columns; None is no value, NaN one that is none."""

    name: str
    cells: tuple[float | None, ...]
    scale: Scale


def draw_heat_map(series: Sequence[Series], view: View, *, own_scales: bool = False) -> Drawing:
    """Draw series as rows of shades over common columns of x.

    Args:
        series: runs, or metrics of one run; names are clean.
        view: size and looks; ``log_y`` makes the shades logarithmic, ``cursor`` marks a column.
        own_scales: shade each row from its own least to its own greatest value, for metrics which cannot be compared.

    Returns:
        Exactly ``view.height`` lines of exactly ``view.width`` cells, the scale stated below; a value lasts until the
        next one. Never fails, whatever the floats are.
    """
    if view.width < 1 or view.height < 1:
        return Drawing(((),) * max(view.height, 0), None)
    series = in_window(series, view)
    known = [[bucket for bucket in buckets(one.points) if bucket is not None] for one in series]
    xs = [bucket[0] for one in known for bucket in one]
    if not xs:
        broken = any(math.isnan(point[-1]) for one in series for point in one.points)
        return Drawing(said("every value is NaN" if broken else "no points yet", view), None)
    gutter = name_width([one.name for one in series], view.width) + 1
    width = max(view.width - gutter, 1)
    bounds = Scale(*widened(min(xs), max(xs)))
    common = _scale([value for one in known for bucket in one for value in bucket[1:]], log=view.log_y)
    rows = []
    for one, found in zip(series, known, strict=True):
        own = _scale([value for bucket in found for value in bucket[1:]], log=view.log_y) if own_scales else common
        rows.append(_Row(one.name, _cells(one, bounds, width), own))
    return _laid_out(rows, view, bounds, None if own_scales else common)


def _laid_out(rows: Sequence[_Row], view: View, bounds: Scale, common: Scale | None) -> Drawing:
    title = heading((), view) if view.height >= LEAST_TITLED else None
    top = int(title is not None)
    room = view.height - top
    foot = 2 if room >= _SCALED_FROM + 2 else int(room >= _SCALED_FROM)
    lines = min(max((room - foot) // len(rows), 1), _MOST_LINES)
    gutter = view.width - len(rows[0].cells)
    width = len(rows[0].cells)
    shown = min(len(rows), (room - foot) // lines)
    frame = Frame(top, gutter, width, max(room - foot, 1), bounds, Scale(0.0, 1.0), (width, max(room - foot, 1)))
    drawn = [line for row in rows[:shown] for line in _lines(row, view, frame, lines)]
    below = [_x_line(view, frame)] if foot > 1 else []
    if foot:
        broken = any(value is not None and math.isnan(value) for row in rows[:shown] for value in row.cells)
        below.append(_scale_line(view, common, len(rows) - shown, broken=broken))
    return Drawing(sheet_of(title, drawn, below, view), frame)


def _scale(values: Sequence[float], *, log: bool) -> Scale:
    """From the least to the greatest finite value; 0 to 1 when there are none."""
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    return Scale(*widened(min(finite), max(finite)), log=log) if finite else Scale(0.0, 1.0)


def _cells(series: Series, bounds: Scale, width: int) -> tuple[float | None, ...]:
    """The mean of what falls into each column; where nothing does, the last value before, up to the last point."""
    sums: list[list[float]] = [[] for _ in range(width)]
    last = -1
    for point in series.points:
        x, low, high = point[0], point[1], point[-1]
        if not math.isfinite(x):
            continue
        at = min(int(bounds.share(x) * width), width - 1)
        sums[at].append(low / 2 + high / 2)
        last = max(last, at)
    cells: list[float | None] = []
    held: float | None = None
    for at, values in enumerate(sums):
        if values:
            held = sum(value / len(values) for value in values)
        cells.append(held if at <= last else None)
    return tuple(cells)


def _lines(row: _Row, view: View, frame: Frame, lines: int) -> list[Line]:
    shades = _SHADES if view.unicode else _ASCII_SHADES
    marked = None if view.cursor is None or not frame.x.low <= view.cursor <= frame.x.high else view.cursor
    column = -1 if marked is None else frame.cell_x(marked)
    cells = [_cell(value, row.scale, shades, unicode=view.unicode) for value in row.cells]
    if 0 <= column < len(cells):
        cells[column] = (cells[column][0] if cells[column][0] != " " else ("│" if view.unicode else "|"), "cursor")
    ink = runs_of(cells)
    name = Span(cut(row.name, frame.column - 1, unicode=view.unicode) + " ", "dim")
    first = fitted((name, *ink), view.width, unicode=view.unicode)
    rest = fitted((Span(" " * frame.column), *ink), view.width, unicode=view.unicode)
    return [first, *[rest] * (lines - 1)]


def _cell(value: float | None, scale: Scale, shades: str, *, unicode: bool) -> tuple[str, str]:
    if value is None:
        return (" ", "")
    if math.isnan(value):
        return (_BROKEN if unicode else _ASCII_BROKEN, "warn")
    level = min(int(scale.share(value) * len(shades)), len(shades) - 1)
    off_scale = math.isinf(value) or (scale.log and value <= 0)
    return (shades[level], "warn" if off_scale else HEATS[level])


def _x_line(view: View, frame: Frame) -> Line:
    """The first and last x, and as many between as have room."""
    count = max(2, frame.width // 12)
    if view.x in ("time", "clock"):
        axis = clock_axis(frame.x.low, frame.x.high, count, slack=0)
        clock = view.x == "clock"
        texts = tuple(time_of_day(tick, axis.step) if clock else duration(tick) for tick in axis.ticks)
    else:
        axis = linear_axis(frame.x.low, frame.x.high, count, slack=0, whole=view.x == "step")
        texts = axis_labels(axis.ticks, axis.step)
    cells = [" "] * view.width
    free = 0
    for tick, text in zip(axis.ticks, texts, strict=True):
        at = frame.column + frame.cell_x(tick)
        start = min(max(at - len(text) // 2, 0), max(view.width - len(text), 0))
        if start >= free:
            cells[start : start + len(text)] = text
            free = start + len(text) + 1
    return fitted((Span("".join(cells)[: view.width], "axis"),), view.width, unicode=view.unicode)


def _scale_line(view: View, common: Scale | None, left_out: int, *, broken: bool) -> Line:
    """What the shades mean, in words and shades, and the mark of what is no number where there is one."""
    shades = _SHADES if view.unicode else _ASCII_SHADES
    low, high = ("least", "greatest") if common is None else (compact(common.low), compact(common.high))
    mark = f"  {_BROKEN if view.unicode else _ASCII_BROKEN} NaN" if broken else ""
    ramp = runs_of(zip(shades, HEATS, strict=True))
    words = [" log" if view.log_y else "", " of each row" if common is None else "", mark]
    more = [Span(f"  +{left_out} more rows", "warn")] if left_out else []
    spans = (Span(f"{low} ", "axis"), *ramp, Span(f" {high}{''.join(words)}", "axis"), *more)
    return fitted(spans, view.width, unicode=view.unicode)
