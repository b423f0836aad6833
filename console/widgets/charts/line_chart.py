"""One chart on the screen: holds series, draws them, and repaints only what a change touched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os.path import commonprefix
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual import events, on
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from console.theme import themed
from console.widgets.charts.bars import draw_bars
from console.widgets.charts.heat_map import draw_heat_map
from console.widgets.charts.histogram import draw_histogram
from console.widgets.charts.inks import inks
from console.widgets.charts.plot import draw
from console.widgets.charts.series import (
    Drawing,
    Line,
    Look,
    Mode,
    Reading,
    Series,
    View,
    XKind,
    readings,
)
from engine.core.text import clean

if TYPE_CHECKING:
    from rich.style import Style

_NAME_LIMIT = 60
"""Characters of a name which can ever be of use in a title line."""

_DRAWERS: Mapping[Mode, Callable[[Sequence[Series], View], Drawing]] = {
    "lines": draw,
    "heat-map": draw_heat_map,
    "histogram": draw_histogram,
    "bars": draw_bars,
}


class LineChart(Widget):
    """Curves over common axes, with a title line that reads their last values, or those under a cursor.

    It has no keys of its own; the application moves the cursor and flips the axis.

    Args:
        title: what is drawn, mostly a metric's name; any text.
        series: the curves; may come later.
        x: what the x axis counts.
        unicode: braille; else ASCII.
        id: the widget's id.
        classes: its CSS classes.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "LineChart { width: 1fr; height: 1fr; }"

    cursor: reactive[float | None] = reactive(None, repaint=False, init=False)
    """Where the cursor stands, in units of x; None for no cursor."""
    selected: reactive[bool] = reactive(default=False, repaint=False, init=False)
    """Whether the title line is marked as the chosen chart of a grid."""

    class CursorMoved(Message):
        """The cursor stands elsewhere, or is gone (then ``x`` is None)."""

        def __init__(self, chart: LineChart, x: float | None, readings: tuple[Reading, ...]) -> None:
            super().__init__()
            self.chart = chart
            self.x = x
            self.readings = readings

        @property
        def control(self) -> LineChart:
            """The chart, for ``on``."""
            return self.chart

    class Pressed(Message):
        """The chart was clicked."""

        def __init__(self, chart: LineChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> LineChart:
            """The chart, for ``on``."""
            return self.chart

    class Wheeled(Message):
        """The wheel turned over the chart: up is towards detail, or to the left with shift or ctrl."""

        def __init__(self, chart: LineChart, x: float, notches: int, *, sideways: bool) -> None:
            super().__init__()
            self.chart = chart
            self.x = x
            """Where the pointer stands, in units of x."""
            self.notches = notches
            """Positive for up."""
            self.sideways = sideways

        @property
        def control(self) -> LineChart:
            """The chart, for ``on``."""
            return self.chart

    def __init__(
        self,
        title: str = "",
        series: Sequence[Series] = (),
        *,
        x: XKind = "step",
        unicode: bool = True,
        id: str | None = None,  # noqa: A002  # Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._view = View(0, 0, clean(title, limit=_NAME_LIMIT), unicode=unicode, x=x)
        self._mode: Mode = "lines"
        self._series = _cleaned(series)
        self._drawing = Drawing((), None)
        self._strips: dict[int, Strip] = {}
        self._inks: dict[str, Style] = {}

    @property
    def readings(self) -> tuple[Reading, ...]:
        """What each series says under the cursor, or at its end when there is none."""
        return readings(self._series, self.cursor)

    @property
    def x_kind(self) -> XKind:
        """What the x axis counts."""
        return self._view.x

    @property
    def drawing(self) -> Drawing:
        """The chart as it is drawn now, for export and for tests."""
        return self._drawing

    def set_series(self, series: Sequence[Series]) -> None:
        """Show other data; cells which stay the same are not painted again.

        Args:
            series: the curves, reduced to about as many points as the chart has dots across.
        """
        self._series = _cleaned(series)
        self._redraw()

    def present(
        self, title: str, series: Sequence[Series], look: Look, y_range: tuple[float, float] | None = None
    ) -> None:
        """Show something else altogether, drawn once.

        Args:
            title: any text.
            series: the curves.
            look: how to draw them.
            y_range: values beyond stand on the edge; None for the range of all.
        """
        other = Look(self._view.x, self._view.log_x, self._view.log_y, self._view.x_range, self._mode) != look
        self._series = _cleaned(series)
        self._mode = look.mode
        self._view = replace(
            self._view,
            title=clean(title, limit=_NAME_LIMIT),
            x=look.x,
            log_x=look.log_x,
            log_y=look.log_y,
            x_range=look.x_range,
            y_range=y_range,
        )
        self._redraw(whole=other)

    @property
    def view(self) -> View:
        """How it is drawn now, for export and for tests."""
        return self._view

    @property
    def series(self) -> tuple[Series, ...]:
        """What is drawn now."""
        return self._series

    def move_cursor(self, cells: int) -> None:
        """Move the cursor along x, always to a place where some series has a point, and at least one point on.

        Args:
            cells: how far, to the right when positive; a first move starts at the last point (or the first, when going
                right).
        """
        places = sorted({point[0] for one in self._series for point in one.points if math.isfinite(point[0])})
        frame = self._drawing.frame
        if not places or frame is None or not cells:
            return
        if self.cursor is None:
            self.cursor = places[0] if cells > 0 else places[-1]
            return
        here = min(range(len(places)), key=lambda index: abs(places[index] / 2 - (self.cursor or 0.0) / 2))
        wanted = frame.x_at(frame.cell_x(places[here]) + cells)
        there = min(range(len(places)), key=lambda index: abs(places[index] / 2 - wanted / 2))
        there = max(there, here + 1) if cells > 0 else min(there, here - 1)
        self.cursor = places[min(max(there, 0), len(places) - 1)]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines for the compositor. Below Textual's style cache, which takes longer than drawing: a chart has no frame.

        Args:
            crop: what is wanted of the chart.

        Returns:
            The lines, styled, cut to it.
        """
        self._fit()
        strips = [self._strip(y) for y in crop.line_range]
        if crop.x or crop.width != self._view.width:
            return [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One line of the chart, for Textual's own queries.

        Args:
            y: line, from the top.

        Returns:
            The line, styled.
        """
        self._fit()
        return self._strip(y)

    def _strip(self, y: int) -> Strip:
        if y >= len(self._drawing.lines):
            return Strip.blank(self._view.width, self.rich_style)
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._styled(self._drawing.lines[y])
        return strip

    def notify_style_update(self) -> None:
        """Forget the styled lines: the theme changed."""
        super().notify_style_update()
        self._strips.clear()
        self._inks.clear()

    def watch_cursor(self, cursor: float | None) -> None:
        """Draw the cursor and tell its readings."""
        self._view = replace(self._view, cursor=cursor)
        self._redraw()
        self.post_message(self.CursorMoved(self, cursor, self.readings))

    def watch_selected(self, selected: bool) -> None:
        """Mark the title line."""
        self._view = replace(self._view, selected=selected)
        self._redraw()

    @on(events.Click)
    def _press(self, event: events.Click) -> None:
        event.stop()
        frame = self._drawing.frame
        if frame is not None and 0 <= event.x - frame.column < frame.width:
            self._put_cursor(frame.x_at(event.x - frame.column))
        self.post_message(self.Pressed(self))

    def _put_cursor(self, x: float) -> None:
        """Put the cursor on the nearest point."""
        places = [point[0] for one in self._series for point in one.points if math.isfinite(point[0])]
        self.cursor = min(places, key=lambda place: abs(place / 2 - x / 2), default=None)

    @on(events.MouseScrollUp)
    @on(events.MouseScrollDown)
    @on(events.MouseScrollLeft)
    @on(events.MouseScrollRight)
    def _wheel(self, event: events.MouseEvent) -> None:
        event.stop()
        frame = self._drawing.frame
        if frame is None:
            return
        x = frame.x_at(min(max(event.x - frame.column, 0), frame.width - 1))
        notches = 1 if isinstance(event, (events.MouseScrollUp, events.MouseScrollLeft)) else -1
        sideways = event.shift or event.ctrl or isinstance(event, (events.MouseScrollLeft, events.MouseScrollRight))
        self.post_message(self.Wheeled(self, x, notches, sideways=sideways))

    def _fit(self) -> None:
        """Draw at the size the layout gave. Without colour the faint lines would be as bright as the curves."""
        width, height = self.size
        if (self._view.width, self._view.height) == (width, height):
            return
        self._view = replace(self._view, width=width, height=height, grid=not self.app.no_color)
        self._drawing = self._drawn()
        self._strips.clear()

    def _drawn(self) -> Drawing:
        return _DRAWERS[self._mode](self._series, self._view)

    def _redraw(self, *, whole: bool = False) -> None:
        """Draw again and ask for a repaint of the cells which differ, or of all of it where nearly all will."""
        if not self.is_mounted or (self._view.width, self._view.height) != tuple(self.size):
            return
        before, self._drawing = self._drawing.lines, self._drawn()
        if whole:
            self._strips.clear()
            self.refresh()
            return
        regions = []
        for y, (old, new) in enumerate(zip(before, self._drawing.lines, strict=True)):
            columns = changed(old, new)
            if columns is not None:
                self._strips.pop(y, None)
                regions.append(Region(columns[0], y, columns[1] - columns[0], 1))
        if len(regions) * 2 > len(before):
            self.refresh()  # each region costs as much as drawing a line
        elif regions:
            self.refresh(*regions)

    def _styled(self, line: Line) -> Strip:
        """Roles to styles."""
        strip = Strip([Segment(text, self._inks.get(role) or self._ink(role)) for text, role in line], self._view.width)
        for grey in self.get_line_filters() if self.app.no_color else ():
            strip = strip.apply_filter(grey, self.background_colors[1])
        return strip

    def _ink(self, role: str) -> Style:
        """The style of a role, looked up once: there are many lines, and a widget's own style is dear."""
        plain = self.rich_style
        style = plain
        if role:
            style = plain + (themed(role) or inks(dark=self.app.current_theme.dark).get(role, plain))
        self._inks[role] = style
        return style


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """Which cells of a line may differ; blanks of another role count too, the terminal's picture tells them apart.

    Args:
        old: the line before.
        new: the line now, of the same width.

    Returns:
        First column and the one behind the last, or None when the lines look alike.
    """
    if old == new:
        return None
    width = sum(cell_len(text) for text, _ in new)
    if sum(cell_len(text) for text, _ in old) != width:
        return 0, width
    return _common(old, new), width - _common(old[::-1], new[::-1], backwards=True)


def _common(old: Line, new: Line, *, backwards: bool = False) -> int:
    """Cells that two lines have in common before the first, or behind the last, that differs."""
    cells = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            if one.role == other.role:
                step = -1 if backwards else 1
                same = commonprefix((one.text[::step], other.text[::step]))  # noqa: RUF071 texts, not paths
                cells += cell_len(same)
            break
        cells += cell_len(one.text)
    return cells


def _cleaned(series: Sequence[Series]) -> tuple[Series, ...]:
    """Names and markers are logged text: they pass the cleaner before anything draws them."""
    return tuple(
        replace(one, name=clean(one.name, limit=_NAME_LIMIT), marker=clean(one.marker, limit=1)) for one in series
    )
