"""A page of charts, and the pages before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events, on
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from console.widgets.charts.line_chart import LineChart
from console.widgets.charts.series import Look, Series

if TYPE_CHECKING:
    from textual.app import ComposeResult

_LEAST_WIDTH, _LEAST_HEIGHT = 50, 13
"""Cells below which a chart no longer reads well; it decides how many share the screen if nobody says."""
_TIGHT_WIDTH, _TIGHT_HEIGHT = 16, 5
"""Cells below which a chart says nothing; no more share the screen even if somebody wants it."""
_MOST_ROWS, _MOST_COLUMNS = 3, 3
_GOOD_SHAPE = 4.0
"""Cells across for each cell down at which a curve reads best; a cell is about twice as high as it is wide."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of a grid."""

    key: str
    """What identifies it among the others, mostly the metric's key."""
    title: str
    series: tuple[Series, ...] = ()
    y_range: tuple[float, float] | None = None
    """Values beyond stand on the edge; None for the range of all."""


class ChartGrid(Widget, can_focus=True):
    """As many charts as the screen has room for, 1 x 1 at 80 x 24 up to 3 x 3 or as many as wanted, in pages.

    It has no keys of its own: the application calls the methods. One chart is always selected when there is any.

    Args:
        charts: what to show; may come later.
        unicode: braille; else ASCII.
        empty: what to say when there are no charts.
        paged: whether a line below says which page this is; else ``page_words`` is for whoever says it.
        id: the widget's id.
        classes: its CSS classes.
    """

    DEFAULT_CSS = """
    ChartGrid {
        width: 1fr;
        height: 1fr;
        layout: vertical;
        & > #charts { width: 1fr; height: 1fr; layout: grid; grid-gutter: 0 1; }
        & > #page { width: 1fr; height: 1; color: $foreground 60%; text-align: right; display: none; }
        & > #none { width: 1fr; height: 1fr; content-align: center middle; color: $foreground 60%; display: none; }
    }
    """

    class ChartSelected(Message):
        """Another chart is the selected one, by a method or a click."""

        def __init__(self, grid: ChartGrid, index: int, key: str) -> None:
            super().__init__()
            self.grid = grid
            self.index = index
            """Its place among all charts, from 0."""
            self.key = key

        @property
        def control(self) -> ChartGrid:
            """The grid, for ``on``."""
            return self.grid

    def __init__(
        self,
        charts: Sequence[Chart] = (),
        *,
        unicode: bool = True,
        empty: str = "no metrics logged yet",
        paged: bool = True,
        id: str | None = None,  # noqa: A002  # Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._charts = list(charts)
        self._unicode = unicode
        self._empty = empty
        self._paged = paged
        self._selected = 0
        self._page = 0
        self._look = Look()
        self._wanted: tuple[int, int] | None = None
        self._rows, self._columns = 1, 1
        self._cursor: float | None = None

    def compose(self) -> ComposeResult:
        """The charts, and below them a line which says which page this is."""
        yield Container(id="charts")
        yield Static(Text(self._empty), id="none")
        yield Static(id="page")

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All charts, those of other pages too."""
        return tuple(self._charts)

    @property
    def selected(self) -> int | None:
        """Place of the selected chart among all, or None when there are none."""
        return self._selected if self._charts else None

    @property
    def page(self) -> int:
        """The page shown, from 0."""
        return self._page

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-len(self._charts) // self._per_page))

    @property
    def page_words(self) -> str:
        """Which charts are shown of how many; empty when all are."""
        if self.pages == 1:
            return ""
        first, last = self._page * self._per_page + 1, min((self._page + 1) * self._per_page, len(self._charts))
        span = f"charts {first}-{last}" if last > first else f"chart {first}"
        return f"{span} of {len(self._charts)}, page {self._page + 1}/{self.pages}"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of charts on a page."""
        return self._rows, self._columns

    @property
    def page_keys(self) -> tuple[str, ...]:
        """What identifies the charts of this page, in order."""
        first = self._page * self._per_page
        return tuple(chart.key for chart in self._charts[first : first + self._per_page])

    @property
    def selected_widget(self) -> LineChart | None:
        """The widget of the selected chart; None when there are none."""
        visible = self.visible_charts
        return visible[self._selected % self._per_page] if visible else None

    @property
    def visible_charts(self) -> list[LineChart]:
        """The widgets of this page, in order."""
        return [cell for cell in self._cells() if cell.display]

    def set_charts(self, charts: Sequence[Chart]) -> None:
        """Show other charts; the selected one stays selected if its key is among them.

        Args:
            charts: in the order of the pages.
        """
        key = self._charts[self._selected].key if self._charts else None
        self._charts = list(charts)
        keys = [chart.key for chart in charts]
        self._selected = keys.index(key) if key in keys else min(self._selected, max(len(keys) - 1, 0))
        self._arrange()

    def update_charts(self, charts: Iterable[Chart], look: Look) -> None:
        """Give some charts new data and all of them another look; costs nothing for those of other pages.

        Args:
            charts: by their keys; one nobody knows changes nothing.
            look: how they are drawn from now on.
        """
        new = {chart.key: chart for chart in charts}
        changed = look != self._look
        self._look = look
        first = self._page * self._per_page
        cells = self._cells()
        for index, chart in enumerate(self._charts):
            now = self._charts[index] = new.get(chart.key, chart)
            if 0 <= index - first < min(self._per_page, len(cells)) and (changed or now is not chart):
                cells[index - first].present(now.title, now.series, look, now.y_range)

    def want_shape(self, shape: tuple[int, int] | None) -> None:
        """Choose how many charts share a page.

        Args:
            shape: rows and columns, as far as there is room; None leaves it to the size of the screen.
        """
        if shape != self._wanted:
            self._wanted = shape
            self._arrange()

    def next_page(self) -> None:
        """Turn to the next page and select its first chart; the last page stays."""
        self._turn(self._page + 1)

    def previous_page(self) -> None:
        """Turn to the page before and select its first chart; the first page stays."""
        self._turn(self._page - 1)

    def focus_chart(self, index: int) -> None:
        """Select a chart and turn to its page.

        Args:
            index: place among all charts; clipped to those there are.
        """
        if not self._charts:
            return
        index = min(max(index, 0), len(self._charts) - 1)
        if index != self._selected:
            self._selected = index
            self.post_message(self.ChartSelected(self, index, self._charts[index].key))
        if self._selected // self._per_page != self._page:
            self._page = self._selected // self._per_page
            self._fill()
        else:
            self._mark()

    def move_selection(self, rows: int, columns: int) -> None:
        """Select a neighbour; sideways moves run on through all charts, moves down stay in the column.

        Args:
            rows: down when positive.
            columns: to the right when positive.
        """
        self.focus_chart(self._selected + rows * self._columns + columns)

    def move_cursor(self, cells: int) -> None:
        """Move the cursor of the selected chart; those of the page with the same kind of x follow.

        Args:
            cells: to the right when positive.
        """
        visible = self.visible_charts
        if not visible:
            return
        leader = visible[self._selected % self._per_page]
        leader.move_cursor(cells)
        self.put_cursor(leader.cursor)

    def put_cursor(self, x: float | None) -> None:
        """Put the cursor of every chart of the page at the same x."""
        self._cursor = x
        for cell in self.visible_charts:
            cell.cursor = x

    def clear_cursor(self) -> None:
        """Take the cursor off all charts; their titles read the last values again."""
        self._cursor = None
        for cell in self._cells():
            cell.cursor = None

    @property
    def _per_page(self) -> int:
        return self._rows * self._columns

    def _cells(self) -> list[LineChart]:
        """The pool of chart widgets, shown or not."""
        return list(self.query_one("#charts").query_children(LineChart)) if self._ready else []

    @property
    def _ready(self) -> bool:
        """Whether the widgets are there: data may arrive before they are mounted or after they have gone."""
        return self.is_mounted and bool(self.query("#charts")) and bool(self.query("#page"))

    @on(events.Mount)
    @on(events.Resize)
    def _fit(self) -> None:
        self._arrange()

    @on(LineChart.Pressed)
    def _select_pressed(self, event: LineChart.Pressed) -> None:
        event.stop()
        self.focus_chart(self._page * self._per_page + self._cells().index(event.chart))

    def _turn(self, page: int) -> None:
        """Show a page if it exists."""
        if 0 <= page < self.pages and page != self._page:
            self.focus_chart(page * self._per_page)

    def _arrange(self) -> None:
        """Choose rows and columns for the size, keep the selected chart on the page, and fill it."""
        if not self._ready:
            return
        self._rows, self._columns = shape_for(self.size.width, self.size.height, len(self._charts), self._wanted)
        self._page = self._selected // self._per_page
        box = self.query_one("#charts")
        box.styles.grid_size_rows, box.styles.grid_size_columns = self._rows, self._columns
        missing = self._per_page - len(self._cells())
        if missing > 0:
            box.mount_all(LineChart(unicode=self._unicode) for _ in range(missing))
        self._fill()

    def _fill(self) -> None:
        """Give the widgets of the page their charts and hide those left over."""
        first = self._page * self._per_page
        shown = self._charts[first : first + self._per_page]
        for place, cell in enumerate(self._cells()):
            cell.display = place < len(shown)
            if cell.display:
                chart = shown[place]
                cell.present(chart.title, chart.series, self._look, chart.y_range)
                cell.cursor = self._cursor
        self.query_one("#charts").display = bool(self._charts)
        self.query_one("#none").display = not self._charts
        line = self.query_one("#page", Static)
        line.display = self._paged and self.pages > 1
        line.update(Text(self.page_words))
        self._mark()

    def _mark(self) -> None:
        """Mark the selected chart; one that is alone on its page needs no mark."""
        first = self._page * self._per_page
        for place, cell in enumerate(self._cells()):
            cell.selected = min(len(self._charts), self._per_page) > 1 and first + place == self._selected


def shape_for(width: int, height: int, count: int, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
    """How many charts share a page.

    Args:
        width: cells.
        height: cells.
        count: number of charts.
        wanted: rows and columns that somebody chose.

    Returns:
        Rows and columns: those that are wanted, as far as a chart still says something; else each 1 … 3, the fewest
        places which hold all charts, else as many as have room; of equal ones the best proportioned.
    """
    if wanted is not None:
        return min(wanted[0], max(height // _TIGHT_HEIGHT, 1)), min(wanted[1], max(width // _TIGHT_WIDTH, 1))
    rows = min(max(height // _LEAST_HEIGHT, 1), _MOST_ROWS)
    columns = min(max(width // _LEAST_WIDTH, 1), _MOST_COLUMNS)
    places = min(max(count, 1), rows * columns)
    fitting = [(r, c) for r in range(1, rows + 1) for c in range(1, columns + 1) if r * c >= places]
    return min(fitting, key=lambda shape: (shape[0] * shape[1], abs(_proportion(width, height, shape) - _GOOD_SHAPE)))


def _proportion(width: int, height: int, shape: tuple[int, int]) -> float:
    """Cells across for each cell down of one chart."""
    return (width / shape[1]) / (max(height, 1) / shape[0])
