"""The charts of one or several runs: what the operator chose, the page of charts, and a table beside a large one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual import on
from textual.message import Message
from textual.widget import Widget

from console.charting.averages import Averages
from console.charting.drawing import Shown, clip_range, drawn
from console.charting.reading import Found, Request, found
from console.charting.readings import readings_lines
from console.charting.settings import Settings, matching
from console.widgets.bar import Bar
from console.widgets.charts.grid import Chart, ChartGrid
from console.widgets.charts.line_chart import LineChart
from console.widgets.document import Document
from engine.core.keys import in_order
from engine.tracking.model import History

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from console.text import Part
    from console.widgets.charts.series import Series
    from console.widgets.document import Line

ZOOM, WHEEL = 2.0, 1.5
"""How many times closer a key and a notch of the wheel go."""

PAN = 0.25
"""Share of the window that a key or a notch goes to the side."""

DOTS = 2
"""Columns of dots in a cell: as many stretches are read as can be told apart."""

LEAST_POINTS, MOST_POINTS = 40, 2_000
COUNTED_POINTS = 10_000
"""What a histogram counts: values, as long as the engine gives so many, and not what they were reduced to."""
_remembered: WeakKeyDictionary[ConsoleApp, Settings] = WeakKeyDictionary()
"""What was chosen last, by console; what belongs to one run only is not kept."""


class ChartSection(Widget):
    """Charts of some runs; it has no keys of its own, `console.charting.actions` calls its methods.

    Args:
        deck: The console.
        empty: What to say when there are no metrics.
    """

    DEFAULT_CSS = """
    ChartSection { width: 1fr; height: 1fr; layout: vertical; }
    ChartSection > Document { height: auto; max-height: 12; display: none; }
    """

    class Changed(Message):
        """Other runs are shown, or they are shown otherwise."""

    def __init__(self, deck: ConsoleApp, empty: str) -> None:
        super().__init__()
        self._deck = deck
        self._state = Bar()
        self.grid = ChartGrid(unicode=deck.unicode, empty=empty, paged=False)
        self._table = Document()
        self._runs: tuple[Shown, ...] = ()
        self._keys: list[str] = []
        self._off: set[str] = set()
        self._filter = ""
        self._whole: tuple[float, float] | None = None
        self._read: dict[str, tuple[tuple[Shown, History], ...]] = {}
        self._averages = Averages()
        self._asked: Request | None = None
        self._news = True
        self.settings = _remembered.get(deck, Settings())
        self.large = False
        self._alone = False

    def compose(self) -> ComposeResult:
        """What is not as usual, the charts, the table of the large one."""
        yield self._state
        yield self.grid
        yield self._table

    def on_mount(self) -> None:
        """As it was left."""
        self._arrange()

    def on_resize(self) -> None:
        """More dots across show more points."""
        self.call_after_refresh(self.read)

    # --- what is shown

    @property
    def runs(self) -> tuple[Shown, ...]:
        """The runs, those that are switched off too."""
        return self._runs

    @property
    def runs_on(self) -> tuple[Shown, ...]:
        """The runs whose curves are drawn."""
        return tuple(run for run in self._runs if run.run_id not in self._off)

    @property
    def keys(self) -> list[str]:
        """All metrics, those that the filter hides too."""
        return self._keys

    @property
    def selected(self) -> LineChart | None:
        """The chart that keys are about."""
        return self.grid.selected_widget

    @property
    def selected_key(self) -> str:
        """Its metric; empty when there is none."""
        place = self.grid.selected
        return "" if place is None else self.grid.charts[place].key

    def show(self, runs: Sequence[Shown], keys: Iterable[str]) -> None:
        """Show runs, or the same with what they have logged since; nothing that was chosen changes by it.

        Args:
            runs: At least one.
            keys: All their metrics.
        """
        self._runs = tuple(runs)
        self._keys = in_order(keys)
        self._news = True
        self._averages.outdate()
        self._asked = None  # what is being read may be older than what is told of here
        self._list()
        if self.grid.size.width:  # the page has its shape: its curves are read while it is painted
            self.read()
        else:
            self.call_after_refresh(self.read)

    def filter(self, text: str) -> None:
        """Show the metrics that fit."""
        if text != self._filter:
            self._filter = text
            self._list()
            self.call_after_refresh(self.read)

    def _list(self) -> None:
        keys = matching(self._keys, self._filter)
        if [chart.key for chart in self.grid.charts] != keys:
            known = {chart.key: chart for chart in self.grid.charts}
            self.grid.set_charts([known.get(key, Chart(key, key)) for key in keys])

    # --- reading

    def read(self) -> None:
        """Read the curves of the page in view, as many points as there are dots."""
        widget = self.selected
        if not self.display or widget is None or not self.is_mounted or not self.runs_on:
            return
        across = max(self.grid.size.width // self.grid.shape[1], 1)
        points = min(max(across * DOTS, LEAST_POINTS), MOST_POINTS)
        if self.settings.mode == "histogram" and len(self.runs_on) == 1:
            points = COUNTED_POINTS
        keys, ids = self.grid.page_keys, [run.run_id for run in self.runs_on]
        smooth = self._averages.lacking(ids, keys, self.settings)
        request = Request(self.runs_on, keys, points, self.settings, self._whole, smooth, self._news)
        if request == self._asked:
            return
        self._asked, engine = request, self._deck.engine
        self._deck.read(
            f"curves.{id(self)}", lambda: found(engine, request), lambda read: self._came(request, read), self._failed
        )

    def _failed(self, error: Exception) -> None:
        self._asked = None
        self._deck.fail(error)

    def _came(self, request: Request, read: Found) -> None:
        self._asked = None
        ids = [run.run_id for run in request.runs]
        if read.smooth:
            self._averages.take(ids, request.smooth, request.settings.x, read.smooth)
        if request.settings.as_read != self.settings.as_read:
            return  # another reading is on its way
        for key, of_runs in read.histories.items():
            self._read[key] = tuple(zip(request.runs, of_runs, strict=True))
        self._whole = read.whole or self._whole
        self._news = False
        self._draw(read.histories)

    def _draw(self, keys: Iterable[str]) -> None:
        charts = []
        for key in keys:
            read = self._read.get(key, ())
            clip = clip_range([history for _, history in read]) if self.settings.clip else None
            averages = self._averages.of(key, [run.run_id for run, _ in read], self.settings)
            charts.append(Chart(key, key, drawn(key, read, self.settings, averages), clip))
        self.grid.update_charts(charts, self.settings.look)
        self._tell()

    # --- what the operator chooses

    def change(self, settings: Settings) -> None:
        """Show the charts otherwise."""
        before, self.settings = self.settings, settings
        if before == settings:
            return
        kept = replace(settings, window=None, group="")
        _remembered[self._deck] = kept if not settings.x.startswith("metrics.") else replace(kept, x="step")
        if settings.x != before.x:
            self._whole = None
            self.grid.clear_cursor()
        if before.shape != settings.shape:
            self._arrange()
        ids = [run.run_id for run in self.runs_on]
        lacking = self._averages.lacking(ids, self.grid.page_keys, settings)
        if before.as_read == settings.as_read and not lacking:
            self._draw(self.grid.page_keys)
        else:
            self.read()  # what is new is said together with its curves: one paint

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Look closer, or wider, around an x: the cursor's, else the middle."""
        widget = self.selected
        if self._whole is not None and widget is not None:
            self.change(self.settings.zoomed(self._whole, widget.cursor if at is None else at, factor))

    def pan(self, share: float) -> None:
        """Look to the side, by a share of the window."""
        if self._whole is not None:
            self.change(self.settings.panned(self._whole, share))

    def reshape(self, rows: int, columns: int) -> None:
        """More or fewer charts on a page."""
        self.change(self.settings.reshaped(self.grid.shape, rows, columns))

    def turn(self, pages: int) -> None:
        """Turn pages."""
        (self.grid.next_page if pages > 0 else self.grid.previous_page)()
        self.read()
        self._tell()

    def select(self, rows: int, columns: int) -> None:
        """Go to a neighbour; the next page when there is none on this one."""
        page = self.grid.page
        self.grid.move_selection(rows, columns)
        if self.grid.page != page:
            self.read()
        self._tell()

    def select_key(self, key: str) -> None:
        """Go to a metric, if it is among them."""
        keys = [chart.key for chart in self.grid.charts]
        if key in keys:
            self.select_place(keys.index(key))

    def select_place(self, place: int) -> None:
        """Go to a chart by its place among all; counted from the last one when negative."""
        place = range(len(self.grid.charts))[place] if self.grid.charts else 0
        if self.grid.selected not in (None, place):
            self.grid.focus_chart(place)
            self.read()
            self._tell()

    def move_cursor(self, cells: int) -> None:
        """Move the cursor of all charts."""
        self.grid.move_cursor(cells)
        self._tell()

    def enlarge(self, *, large: bool) -> None:
        """Show the selected chart alone, with its table; or the page again."""
        self.large = large
        self._arrange()
        self.call_after_refresh(self.read)

    def alone(self, *, alone: bool) -> None:
        """Leave room for one chart only, without a table; or for as many as were chosen."""
        if alone != self._alone:
            self._alone = alone
            self._arrange()
            self.call_after_refresh(self.read)

    def toggle_run(self, place: int) -> None:
        """Show the curves of a run, or hide them; the last one shown stays.

        Args:
            place: Among the runs, from 0; one that is not there changes nothing.
        """
        if place >= len(self._runs):
            return
        run_id = self._runs[place].run_id
        if run_id in self._off:
            self._off.remove(run_id)
        elif len(self.runs_on) > 1:
            self._off.add(run_id)
        self.post_message(self.Changed())
        self.read()

    def escape(self) -> bool:
        """Give up one thing: the large chart, the cursor, the window; false when there is none."""
        widget = self.selected
        if self.large:
            self.enlarge(large=False)
        elif widget is not None and widget.cursor is not None:
            self.grid.clear_cursor()
            self._tell()
        elif self.settings.window is not None:
            self.change(replace(self.settings, window=None))
        else:
            return False
        return True

    # --- showing

    def _arrange(self) -> None:
        self.grid.want_shape((1, 1) if self.large or self._alone else self.settings.shape)
        self._table.display = self.large
        self._tell()

    def state_words(self) -> list[Part]:
        """Everything that is not as usual."""
        words = self.settings.words()
        if not words and not self._filter and not self._off:
            return [(f"x {self.settings.x}", "dim")]
        if self._filter:
            words.append(f"metrics with {self._filter}")
        if self._off:
            words.append(f"{len(self._off)} of {len(self._runs)} runs hidden")
        return [part for word in words for part in ((word, "mark"), ("  ", ""))]

    def _tell(self) -> None:
        if self.is_mounted:
            self._state.show([(" ", ""), *self.state_words()], [(f"{self.grid.page_words} ", "dim")])
        if self.large:
            self._table.show(lambda _width: self._readings())

    def _readings(self) -> list[Line]:
        widget = self.selected
        if widget is None:
            return []
        series = shown_series(widget)
        return readings_lines(self.selected_key, series, self.settings, widget.cursor, marked=len(series) > 1)

    @on(LineChart.Wheeled)
    def _wheeled(self, event: LineChart.Wheeled) -> None:
        event.stop()
        if event.sideways:
            self.pan(-PAN * event.notches)
        else:
            self.zoom(WHEEL**event.notches, event.x)

    @on(LineChart.CursorMoved)
    def _cursor_moved(self, event: LineChart.CursorMoved) -> None:
        event.stop()
        self.grid.put_cursor(event.chart.cursor)
        self._tell()

    @on(ChartGrid.ChartSelected)
    def _selected(self, event: ChartGrid.ChartSelected) -> None:
        event.stop()
        self._tell()


def shown_series(widget: LineChart) -> tuple[Series, ...]:
    """The series of a chart that have a letter and a reading, dressed."""
    from console.widgets.charts.series import dressed

    return tuple(one for one in dressed(widget.series) if not one.faint)
