"""Bars as lines of styled text: the last value of each series, the greatest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from console.widgets.charts.heading import cut, heading
from console.widgets.charts.rows import LEAST_TITLED, fitted, in_window, name_width, said, sheet_of
from console.widgets.charts.series import Drawing, Line, Reading, Series, Span, View, readings
from console.widgets.charts.spark import bar
from engine.core.plotting.labels import compact
from engine.core.plotting.scale import Scale, linear_axis, widened

_CLOSE = 0.5
"""Values whose least is more than this share of the greatest get bars that do not start at zero, which is said."""


_FEW_DIGITS, _MANY_DIGITS = 4, 7


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in a row."""

    name: int
    value: int
    digits: int
    ink: int
    scale: Scale
    start: float
    """The value where bars begin."""


def draw_bars(series: Sequence[Series], view: View) -> Drawing:
    """Draw the last value of each series as a bar, the greatest first.

    Args:
        series: a metric of several runs; names are clean.
        view: size and looks; ``cursor`` asks for the values there instead of the last ones, ``log_y`` for lengths by
            powers of ten where all values are above zero.

    Returns:
        Exactly ``view.height`` lines of exactly ``view.width`` cells; where bars do not start at zero, the last line
        says so. Never fails, whatever the floats are.
    """
    if view.width < 1 or view.height < 1:
        return Drawing(((),) * max(view.height, 0), None)
    found = sorted(readings(in_window(series, view), view.cursor), key=_rank)
    if not found:
        return Drawing(said("no points yet", view), None)
    title = heading((), view) if view.height >= LEAST_TITLED else None
    room = view.height - (title is not None) - 1
    layout = _layout(found, view)
    left_out = max(len(found) - max(room, 0), 0)
    rows = [_row(each, layout, view) for each in found[: max(room, 0)]]
    return Drawing(sheet_of(title, rows, (_note(layout, view, left_out),), view), None)


def _middle(reading: Reading) -> float:
    return reading.low / 2 + reading.high / 2


def _rank(reading: Reading) -> tuple[bool, float]:
    """NaN last."""
    value = _middle(reading)
    return (True, 0.0) if math.isnan(value) else (False, -value)


def _layout(found: Sequence[Reading], view: View) -> _Layout:
    name = name_width([_name(each) for each in found], view.width)
    digits = _digits([_middle(each) for each in found])
    value = max(len(_value(each, digits)) for each in found)
    finite = [_middle(each) for each in found if math.isfinite(_middle(each))]
    scale, start = _scale(finite, log=view.log_y)
    return _Layout(name, value, digits, max(view.width - name - value - 3, 0), scale, start)


def _scale(finite: Sequence[float], *, log: bool) -> tuple[Scale, float]:
    """The scale of the lengths, and where bars begin on it."""
    if not finite:
        return Scale(0.0, 1.0), 0.0
    low, high = min(finite), max(finite)
    if log and low > 0:
        bounds = Scale(*widened(low / 2 or low, high), log=True)
        return bounds, bounds.low
    if low > 0 and low > high * _CLOSE and low < high:
        axis = linear_axis(low, high, 4, slack=1.0)
        start = axis.scale.low if axis.scale.low < low else max(low - axis.step, 0.0)
        return Scale(*widened(start, high)), start
    if low == high == 0:
        return Scale(0.0, 1.0), 0.0
    return Scale(min(low, 0.0), max(high, 0.0)), 0.0


def _digits(values: Sequence[float]) -> int:
    """The fewest digits that tell different values apart, within what can be read."""
    different = len({value for value in values if not math.isnan(value)})
    for digits in range(_FEW_DIGITS, _MANY_DIGITS):
        if len({compact(value, digits) for value in values if not math.isnan(value)}) == different:
            return digits
    return _MANY_DIGITS


def _value(reading: Reading, digits: int) -> str:
    return compact(reading.high, digits) if reading.low == reading.high else reading.text


def _name(reading: Reading) -> str:
    return f"{reading.marker} {reading.name}".rstrip()


def _row(reading: Reading, layout: _Layout, view: View) -> Line:
    name = cut(_name(reading), layout.name, unicode=view.unicode)
    value = _value(reading, layout.digits).rjust(layout.value)
    role = "warn" if not math.isfinite(_middle(reading)) else "value"
    spans = [Span(f"{name} ", reading.role), Span(f"{value} ", role), Span(_ink(reading, layout, view), reading.role)]
    return fitted(spans, view.width, unicode=view.unicode)


def _ink(reading: Reading, layout: _Layout, view: View) -> str:
    """The bar; of values on both sides of zero it grows from where zero is."""
    value = _middle(reading)
    if math.isnan(value) or layout.ink < 1:
        return ""
    begin, end = layout.scale.share(layout.start), layout.scale.share(value)
    if begin == 0.0:
        return _bar(end, layout.ink, view)
    zero = min(round(begin * layout.ink), layout.ink)
    if end >= begin:
        right = layout.ink - zero
        return " " * zero + (_bar((end - begin) / (1 - begin), right, view) if right and begin < 1 else "")
    block = "█" if view.unicode else "#"
    cells = max(round((begin - end) / begin * zero), 1)
    return " " * (zero - min(cells, zero)) + block * min(cells, zero)


def _bar(share: float, width: int, view: View) -> str:
    if view.unicode:
        return bar(share, width)
    return "#" * (math.ceil(share * width) if share > 0 else 0)


def _note(layout: _Layout, view: View, left_out: int) -> Line:
    begins = "" if layout.start == 0 else f"bars start at {compact(layout.start)}"
    if layout.scale.log:
        begins = f"log, from {compact(layout.start)}"
    more = f"+{left_out} more" if left_out else ""
    text = "  ".join(filter(None, (more, begins, f"greatest {compact(layout.scale.high)}")))
    pad = " " * max(view.width - cell_len(text), 0)
    return fitted((Span(pad + text, "axis"),), view.width, unicode=view.unicode)
