"""A line chart as lines of styled text: title with read-outs, axes, curves, cursor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.widgets.charts.braille import Canvas
from console.widgets.charts.heading import heading
from console.widgets.charts.series import Bucket, Drawing, Frame, Series, View, buckets, dressed
from console.widgets.charts.sheet import Sheet
from engine.core.plotting.labels import axis_labels, duration, time_of_day
from engine.core.plotting.scale import Axis, Scale, clock_axis, linear_axis, log_axis, widened

_LONG_STEP = 1e9
"""From here on a single step is written with a unit letter."""

_LEAST_TITLED = 3
"""Rows from which the title line gets one of them."""
_LEAST_GUTTER = 24
"""Cells from which the y axis gets its labels."""


@dataclass(frozen=True, slots=True)
class _Pens:
    """Characters of the frame."""

    wall: str
    tick: str
    corner: str
    floor: str
    floor_tick: str
    grid: str
    cursor: str
    above: str
    below: str


_UNICODE = _Pens("│", "┤", "└", "─", "┬", "┈", "│", "▲", "▼")
_ASCII = _Pens("|", "+", "+", "-", "+", "", "|", "^", "v")


@dataclass(frozen=True, slots=True)
class _Curve:
    """A series whose points were walked once; None is a gap."""

    marker: str
    role: str
    buckets: tuple[Bucket | None, ...]
    faint: bool


@dataclass(frozen=True, slots=True)
class _Extent:
    """Finite bounds of all the data."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float


def draw(series: Sequence[Series], view: View) -> Drawing:
    """Draw curves over common axes.

    Args:
        series: the curves, the earlier ones win a shared cell; names are clean. Reduce long curves first: the cost is
            linear in their points.
        view: size and looks.

    Returns:
        Exactly ``view.height`` lines of exactly ``view.width`` cells. Never fails, whatever the floats are: what cannot
        be drawn is said in words.
    """
    if view.width < 1 or view.height < 1:
        return Drawing(((),) * max(view.height, 0), None)
    series = dressed(series, unicode=view.unicode)
    top = 1 if view.height >= _LEAST_TITLED else 0
    head = (heading(series, view),) if top else ()
    sheet = Sheet(view.width, view.height - top)
    curves = tuple(_Curve(one.marker, one.role, _within(buckets(one.points), view), one.faint) for one in series)
    extent = _extent(curves, view)
    frame = None
    if extent is None:
        sheet.write_centred(_excuse(series, view))
    else:
        frame = _paint(sheet, curves, view, extent)
    return Drawing((*head, *sheet.lines()), frame)


def _within(walk: Iterator[Bucket | None], view: View) -> tuple[Bucket | None, ...]:
    """What has a place on the x axis."""
    low, high = view.x_range or (-math.inf, math.inf)
    least = math.ulp(0.0) if view.log_x else -math.inf
    return tuple(bucket for bucket in walk if bucket is None or max(low, least) <= bucket[0] <= high)


def _extent(curves: Sequence[_Curve], view: View) -> _Extent | None:
    """Bounds of what can be drawn; None when nothing can."""
    floor = 0.0 if view.log_y else -math.inf
    known = [bucket for curve in curves for bucket in curve.buckets if bucket is not None]
    xs = [bucket[0] for bucket in known]
    ys = [value for bucket in known for value in bucket[1:] if floor < value < math.inf]
    if not ys:
        return None
    low, high = min(ys), max(ys)
    if view.y_range is not None and max(low, view.y_range[0]) <= min(high, view.y_range[1]):
        low, high = max(low, view.y_range[0]), min(high, view.y_range[1])
    x_low, x_high = view.x_range or (min(xs), max(xs))
    return _Extent(max(x_low, min(xs)) if view.log_x and x_low <= 0 else x_low, x_high, low, high)


def _excuse(series: Sequence[Series], view: View) -> str:
    """Why there is no curve, in words."""
    values = [value for one in series for point in one.points for value in point[1:]]
    if not values:
        return "no points yet" if view.x_range is None else "no points here: 0 shows the whole curve"
    if all(map(math.isnan, values)):
        return "every value is NaN"
    if view.x_range is not None and any(map(math.isfinite, values)):
        return "no points here: 0 shows the whole curve"
    if any(map(math.isfinite, values)):
        return "no value above 0: nothing to show on a log axis"
    return "every value is infinite or NaN"


def _paint(sheet: Sheet, curves: Sequence[_Curve], view: View, extent: _Extent) -> Frame:
    """Lay out the axes, then ink the curves and what lies over them."""
    pens = _UNICODE if view.unicode else _ASCII
    footer = 2 if sheet.height >= 8 else int(sheet.height >= 4)
    height = sheet.height - footer
    rungs = max(2, height * 2 // 5)
    y = log_axis(extent.y_low, extent.y_high, rungs) if view.log_y else linear_axis(extent.y_low, extent.y_high, rungs)
    labels = axis_labels(y.ticks, y.step)
    gutter = max(map(len, labels), default=0) + 1 if view.width >= _LEAST_GUTTER else 0
    left = gutter + 1 if gutter else 0
    # One column stays free at the right, for the marks at the ends of the curves.
    width = max(view.width - left - 1, 1)
    x = _x_axis(extent, view, max(2, width // 12))
    canvas = Canvas(width, height, unicode=view.unicode, letters=_letters(curves))
    frame = Frame(view.height - sheet.height, left, width, height, x.scale, y.scale, canvas.dots)
    if gutter:
        _write_y_axis(sheet, frame, pens, dict(zip(y.ticks, labels, strict=True)), grid=view.grid)
    if footer:
        _write_x_axis(sheet, frame, pens, _x_labels(x, view), ruled=footer == 2)
    for curve in curves:
        _trace(canvas, curve, frame)
    for cell in canvas.cells():
        sheet.put(cell.row, left + cell.column, cell.glyph, curves[cell.layer].role)
    _write_cursor(sheet, frame, pens, view.cursor)
    _write_off_scale(sheet, frame, pens, curves)
    _write_ends(sheet, frame, curves)
    return frame


def _letters(curves: Sequence[_Curve]) -> str:
    """ASCII ink of several curves: their markers in lower case, so that the capitals stand out at the ends."""
    return "".join(curve.marker.lower() for curve in curves) if len(curves) > 1 else ""


def _x_axis(extent: _Extent, view: View, ticks: int) -> Axis:
    """The x axis of its kind; only a quarter step of slack, because empty room at the right reads as missing data."""
    slack = 0.25 if view.x_range is None else 0.0
    if extent.x_low >= extent.x_high:
        axis = Axis(Scale(*widened(extent.x_low, extent.x_low)), (extent.x_low,), 0.0)  # beside it nothing happened
    elif view.log_x and extent.x_low > 0:
        axis = log_axis(extent.x_low, extent.x_high, ticks)
    elif view.x in ("time", "clock"):
        axis = clock_axis(extent.x_low, extent.x_high, ticks, slack=slack)
    else:
        axis = linear_axis(extent.x_low, extent.x_high, ticks, slack=slack, whole=view.x == "step")
    return axis


def _x_labels(axis: Axis, view: View) -> dict[float, str]:
    """Labels of the x axis by tick; one that would repeat its neighbour's says nothing and is left out."""
    if view.x == "time":
        texts = tuple(map(duration, axis.ticks))
    elif view.x == "clock":
        texts = tuple(time_of_day(tick, axis.step) for tick in axis.ticks)
    elif len(axis.ticks) == 1 and view.x == "step" and abs(axis.ticks[0]) < _LONG_STEP:
        texts = (f"{axis.ticks[0]:.0f}",)
    else:
        texts = axis_labels(axis.ticks, axis.step)
    return {
        tick: text for tick, text, before in zip(axis.ticks, texts, ("", *texts[:-1]), strict=True) if text != before
    }


def _write_y_axis(sheet: Sheet, frame: Frame, pens: _Pens, labels: dict[float, str], *, grid: bool) -> None:
    """Wall, ticks, labels and the faint lines across."""
    wall = frame.column - 1
    for row in range(frame.height):
        sheet.put(row, wall, pens.wall, "axis")
    taken: set[int] = set()
    for tick, label in labels.items():
        row = frame.cell_y(tick)
        if row in taken:
            continue
        taken.add(row)
        sheet.write(row, wall - len(label), label, "axis")
        sheet.put(row, wall, pens.tick, "axis")
        if grid:
            sheet.write(row, frame.column, pens.grid * frame.width, "grid")


def _write_x_axis(sheet: Sheet, frame: Frame, pens: _Pens, labels: dict[float, str], *, ruled: bool) -> None:
    """Floor, ticks and as many labels as have room; they may lean out of the frame but not out of the sheet."""
    if ruled:
        sheet.write(frame.height, frame.column, pens.floor * frame.width, "axis")
        if frame.column:
            sheet.put(frame.height, frame.column - 1, pens.corner, "axis")
    free = 0
    for tick, label in labels.items():
        at = frame.column + frame.cell_x(tick)
        start = min(max(at - len(label) // 2, 0), max(sheet.width - len(label), 0))
        if start < free:
            continue
        if ruled:
            sheet.put(frame.height, at, pens.floor_tick, "axis")
        sheet.write(sheet.height - 1, start, label, "axis")
        free = start + len(label) + 1


def _trace(canvas: Canvas, curve: _Curve, frame: Frame) -> None:
    """Ink one curve: a stroke for each bucket, joined to the next by the shortest link."""
    layer = canvas.layer(behind=curve.faint)
    dots = iter(frame.dots_of([bucket for bucket in curve.buckets if bucket is not None]))
    before: tuple[int, int, int] | None = None
    for bucket in curve.buckets:
        if bucket is None:
            before = None
            continue
        here = next(dots)
        canvas.stroke(layer, *here)
        if before is not None:
            canvas.line(layer, *_link(before, here))
        before = here


def _link(before: tuple[int, int, int], here: tuple[int, int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The ends of the shortest line between two strokes (x, top, bottom); level where they overlap."""
    (x0, top0, bottom0), (x1, top1, bottom1) = before, here
    if top1 > bottom0:
        return (x0, bottom0), (x1, top1)
    if bottom1 < top0:
        return (x0, top0), (x1, bottom1)
    level = (max(top0, top1) + min(bottom0, bottom1)) // 2
    return (x0, level), (x1, level)


def _write_cursor(sheet: Sheet, frame: Frame, pens: _Pens, cursor: float | None) -> None:
    """The cursor's line, behind the curves."""
    if cursor is None or not frame.x.low <= cursor <= frame.x.high:
        return
    column = frame.column + frame.cell_x(cursor)
    for row in range(frame.height):
        if sheet.glyph(row, column) in {" ", pens.grid}:
            sheet.put(row, column, pens.cursor, "cursor")


def _write_off_scale(sheet: Sheet, frame: Frame, pens: _Pens, curves: Sequence[_Curve]) -> None:
    """Marks on the edge for values which have no place on the axis: infinities, and on a log axis 0 and below."""
    floor = 0.0 if frame.y.log else -math.inf
    for curve in curves:
        for bucket in curve.buckets:
            if bucket is not None and bucket[2] == math.inf:
                sheet.put(0, frame.column + frame.cell_x(bucket[0]), pens.above, "warn")
            if bucket is not None and bucket[1] <= floor:
                sheet.put(frame.height - 1, frame.column + frame.cell_x(bucket[0]), pens.below, "warn")


def _write_ends(sheet: Sheet, frame: Frame, curves: Sequence[_Curve]) -> None:
    """Each curve's mark right of its last point; a taken place sends it to the nearest free row."""
    taken: set[tuple[int, int]] = set()
    for curve in curves:
        if curve.faint:
            continue
        last = next((bucket for bucket in reversed(curve.buckets) if bucket is not None), None)
        if last is None:
            continue
        row = (frame.cell_y(last[1]) + frame.cell_y(last[2])) // 2
        column = frame.column + frame.cell_x(last[0]) + 1
        for place in sorted(range(frame.height), key=lambda place: (abs(place - row), place))[: 2 * len(curves) + 1]:
            if 0 <= place < frame.height and column < sheet.width and (place, column) not in taken:
                taken.add((place, column))
                sheet.put(place, column, curve.marker, curve.role)
                break
