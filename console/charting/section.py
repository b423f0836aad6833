"""The charts of one or several runs: what the operator chose, the page of charts, and a table beside a large one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual import on
from textual.widget import Widget

from console.charting.drawing import Shown, clip_range, drawn, whole_range
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
    from engine.api import Engine

ZOOM, WHEEL = 2.0, 1.5
"""How many times closer a key and a notch of the wheel go."""

PAN = 0.25
"""Share of the window that a key or a notch goes to the side."""

DOTS = 2
"""Columns of dots in a cell: as many stretches are read as can be told apart."""

LEAST_POINTS, MOST_POINTS = 40, 2_000
LOG_PIECES = 3
"""Parts that a logarithmic x is read in, so that its beginning has its share of the points."""

_remembered: WeakKeyDictionary[ConsoleApp, Settings] = WeakKeyDictionary()
"""What was chosen last, by console; what belongs to one run only is not kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the engine for a page of charts.

    Args:
        runs: The runs shown.
        keys: The metrics of the page.
        points: Stretches a curve.
        settings: How they are shown.
        whole: The first and last x known, for a logarithmic axis.
    """

    runs: tuple[Shown, ...]
    keys: tuple[str, ...]
    points: int
    settings: Settings
    whole: tuple[float, float] | None


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

    def __init__(self, deck: ConsoleApp, empty: str) -> None:
        super().__init__()
        self._deck = deck
        self._state = Bar()
        self.grid = ChartGrid(unicode=deck.unicode, empty=empty)
        self._table = Document()
        self._runs: tuple[Shown, ...] = ()
        self._keys: list[str] = []
        self._off: set[str] = set()
        self._filter = ""
        self._whole: tuple[float, float] | None = None
        self._read: dict[str, tuple[tuple[Shown, History], ...]] = {}
        self.settings = _remembered.get(deck, Settings())
        self.large = False

    def compose(self) -> ComposeResult:
        """What is not as usual, the charts, the table of the large one."""
        yield self._state
        yield self.grid
        yield self._table

    def on_mount(self) -> None:
        """As it was left."""
        self._state.display = False
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
        self._list()
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
        request = Request(self.runs_on, self.grid.page_keys, points, self.settings, self._whole)
        engine = self._deck.engine
        self._deck.read(
            f"curves.{id(self)}", lambda: histories(engine, request), lambda read: self._came(request, read)
        )

    def _came(self, request: Request, read: dict[str, tuple[History, ...]]) -> None:
        if _as_read(request.settings) != _as_read(self.settings):
            return  # another reading is on its way
        for key, of_runs in read.items():
            self._read[key] = tuple(zip(request.runs, of_runs, strict=True))
        if self.settings.window is None:
            self._whole = whole_range([each for some in read.values() for each in some], self.settings.scale)
        self._draw(read)

    def _draw(self, keys: Iterable[str]) -> None:
        charts = []
        for key in keys:
            read = self._read.get(key, ())
            clip = clip_range([history for _, history in read]) if self.settings.clip else None
            charts.append(Chart(key, key, drawn(key, read, self.settings), clip))
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
        self._arrange()
        if _as_read(before) == _as_read(settings):
            self._draw(self.grid.page_keys)
        else:
            self.read()
        self._tell()

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
        if key in keys and self.grid.selected != keys.index(key):
            self.grid.focus_chart(keys.index(key))
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
        self.grid.want_shape((1, 1) if self.large else self.settings.shape)
        self._table.display = self.large
        self._tell()

    def state_words(self) -> list[Part]:
        """Everything that is not as usual."""
        words = self.settings.words()
        if self._filter:
            words.append(f"metrics with {self._filter}")
        if self._off:
            words.append(f"{len(self._off)} of {len(self._runs)} runs hidden")
        return [part for word in words for part in ((word, "mark"), ("  ", ""))]

    def _tell(self) -> None:
        words = self.state_words()
        if self.is_mounted:
            self._state.display = bool(words)
            self._state.show([(" ", ""), *words])
        if self.large:
            self._table.show(lambda _width: self._readings())

    def _readings(self) -> list[Line]:
        widget, key = self.selected, self.selected_key
        if widget is None:
            return []
        return readings_lines(
            key, shown_series(widget), self.settings, widget.cursor, marked=len(shown_series(widget)) > 1
        )

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


def _as_read(settings: Settings) -> Settings:
    """What of the settings decides what is read."""
    return Settings(settings.x, settings.window, settings.log_x, shape=settings.shape)


def histories(engine: Engine, request: Request) -> dict[str, tuple[History, ...]]:
    """Read what a page of charts needs. Runs in a worker thread.

    Args:
        engine: The engine.
        request: What is needed.

    Returns:
        The histories by metric, in the order of the runs.

    Raises:
        NotFound: a run is gone.
    """
    runs, settings = engine.runs, request.settings
    ids = [run.run_id for run in request.runs]
    parts = [
        runs.curves(ids, request.keys, points=points, x=settings.x, start=start, end=end)
        for start, end, points in pieces(request)
    ]
    found: dict[str, tuple[History, ...]] = {}
    for place, key in enumerate(request.keys):
        of_runs = []
        for number in range(len(ids)):
            each = [part[number][place] for part in parts]
            points = tuple(point for history in each for point in history.points)
            exact = all(history.exact for history in each)
            of_runs.append(History(key, sum(history.total for history in each), points, exact=exact))
        found[key] = tuple(of_runs)
    return found


def pieces(request: Request) -> list[tuple[float | None, float | None, int]]:
    """The windows to read, as first x, last x and points each: one, or several along a logarithmic axis.

    Args:
        request: What is needed.
    """
    settings = request.settings
    window = settings.window or (request.whole if settings.log_x else None)
    if window is None:
        return [(None, None, request.points)]
    low, high = window[0] * settings.scale, window[1] * settings.scale
    if not settings.log_x or high <= 0:
        return [(low, high, request.points)]
    begin = max(low, 1.0 if settings.scale > 1 or settings.kind == "step" else high * 1e-6)
    if begin >= high:
        return [(low, high, request.points)]
    ratio = (high / begin) ** (1 / LOG_PIECES)
    cuts = [begin, *(begin * ratio**place for place in range(1, LOG_PIECES)), high]
    bounds = [(cuts[place], cuts[place + 1]) for place in range(LOG_PIECES)]
    if settings.kind == "step":  # whole numbers: no step in two pieces
        bounds = [(one if not place else float(int(one)) + 1, after) for place, (one, after) in enumerate(bounds)]
    each = max(request.points // LOG_PIECES, 2)
    return [(one, after, each) for one, after in bounds if one <= after]
