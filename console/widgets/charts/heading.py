"""The title line of a chart: a rule which carries the title, and the values of the series as a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from console.widgets.charts.series import Line, Reading, Series, Span, View, readings
from engine.core.plotting.labels import compact, duration, time_of_day


def heading(series: Sequence[Series], view: View) -> Line:
    """Draw the title line.

    Args:
        series: dressed.
        view: the title, the cursor (its values are shown, else the last ones), the width.

    Returns:
        Spans of exactly ``view.width`` cells. The legend gives way before the title does: first names go, then whole
        entries, counted as ``+2``.
    """
    rule = "━─"[not view.selected] if view.unicode else "=-"[not view.selected]
    role = "title-selected" if view.selected else "title"
    room = view.width - 6
    if room < 4:
        return (Span(cut(view.title or rule * view.width, view.width, unicode=view.unicode), role),)
    tag = " log" if view.log_y else ""
    least = min(cell_len(view.title) + len(tag), room * 3 // 5)
    legend = _legend(series, view, room - least - 3)
    used = sum(cell_len(span.text) for span in legend)
    space = room - (used + 3 if legend else 0)
    title = _fitted(view.title, max(space - len(tag), 0), unicode=view.unicode)
    fill = view.width - 6 - cell_len(title) - len(tag) - (used + 2 if legend else 0)
    name = [Span(f" {title}{tag} ", role)] if title or tag else []
    gap = fill + (0 if name else 2)
    end = [Span(" ", "axis"), *legend, Span(" ", "axis")] if legend else []
    return (Span(rule * 2, "axis"), *name, Span(rule * gap, "axis"), *end, Span(rule * 2, "axis"))


def cut(text: str, width: int, *, unicode: bool = True) -> str:
    """Bring a text to a width.

    Args:
        text: clean text.
        width: cells, 0 or more.
        unicode: end a shortened text with one ellipsis character; else with a dot.

    Returns:
        Exactly ``width`` cells.
    """
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 1) + ("…" if unicode else ".") if width else ""


def _fitted(text: str, width: int, *, unicode: bool) -> str:
    """Cut only a text which is too long."""
    return text if cell_len(text) <= width else cut(text, width, unicode=unicode)


def _legend(series: Sequence[Series], view: View, room: int) -> list[Span]:
    """The fullest form of the legend for which there is room."""
    found = readings(series, view.cursor)
    at = [Span(f"@{_x_text(found[0].x, view)} ", "cursor")] if found and view.cursor is not None else []
    room -= sum(len(span.text) for span in at)
    if sum(not one.faint for one in series) == 1:
        entries = [_entry(one, marker=False, name=False) for one in found]
    else:
        entries = [_entry(one, marker=True, name=True) for one in found]
        if _width(entries) > room:
            entries = [_entry(one, marker=True, name=False) for one in found]
    kept = len(entries)
    while kept and _width(entries[:kept]) + (0 if kept == len(entries) else 4) > room:
        kept -= 1
    if not kept:
        return []
    spans = [span for index, entry in enumerate(entries[:kept]) for span in ([Span("  ")] * (index > 0)) + entry]
    return [*at, *spans, *([Span(f" +{len(entries) - kept}", "dim")] if kept < len(entries) else [])]


def _entry(reading: Reading, *, marker: bool, name: bool) -> list[Span]:
    """One series of the legend."""
    role = "value" if math.isfinite(reading.low) and math.isfinite(reading.high) else "warn"
    return [
        *([Span(f"{reading.marker} ", reading.role)] if marker else []),
        *([Span(f"{reading.name} ", "dim")] if name and reading.name else []),
        Span(reading.text, role),
    ]


def _width(entries: Sequence[Sequence[Span]]) -> int:
    """Cells of the entries with two blanks between them."""
    return sum(cell_len(span.text) for entry in entries for span in entry) + 2 * max(len(entries) - 1, 0)


def _x_text(x: float, view: View) -> str:
    """Where the cursor stands."""
    if view.x == "clock":
        return time_of_day(x)
    return duration(x) if view.x == "time" else compact(x, 6)
