"""Runs side by side: what differs first, deltas against a baseline, and their curves over each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.charting.actions import CHART_ACTIONS, OVERLAY_ACTIONS
from console.charting.drawing import Shown
from console.charting.section import ChartSection
from console.formats import NONE, STATES, delta, logged, number, pill
from console.location import Location, filter_text, filter_words
from console.text import Part, fit
from console.views import PageDocument, View, problem
from console.widgets.bar import Bar
from console.widgets.charts.series import MARKERS, ROLES
from console.widgets.document import Document, Line, heading
from engine.tracking.model import Comparison, MetricRow, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from engine.core.events import Changes

CHART_SHARE = 0.4
LEAST_CHART = 8
KEY_WIDTH = 20
LEAST_COLUMN, MOST_COLUMN = 10, 22


@dataclass(frozen=True, slots=True)
class Cut:
    """Which runs have room side by side.

    Args:
        first: Index of the first run shown.
        shown: How many are shown.
        width: Cells of a run's column.
    """

    first: int
    shown: int
    width: int


def cut(runs: int, width: int, offset: int) -> Cut:
    """Choose the runs that have room.

    Args:
        runs: How many there are.
        width: Cells of the page.
        offset: Runs skipped on the left, as far as there are any.
    """
    room = max((width - KEY_WIDTH - 2) // (LEAST_COLUMN + 2), 1)
    shown = min(runs, room)
    each = max(min((width - KEY_WIDTH - 2) // shown - 2, MOST_COLUMN), LEAST_COLUMN)
    return Cut(max(0, min(offset, runs - shown)), shown, each)


def _baseline(step: int) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, Compare):
            app.view.step_baseline(step)

    key, about = ("b", "The next run as baseline.") if step > 0 else ("B", "The run before as baseline.")
    return Action(f"baseline{step:+}", key, "baseline", run, about, needs=Needs.NOTHING, hint=step > 0)


def _sideways(step: int) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, Compare):
            app.view.sideways(step)

    key = "right" if step > 0 else "left"
    return Action(key, key, key, run, "Runs that do not fit.", needs=Needs.NOTHING, hint=False)


def _chart(app: ConsoleApp, _key: object, _answers: Answers) -> None:
    if isinstance(app.view, Compare):
        app.view.show_charts(shown=True, large=True)


def _turn(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, Compare):
        app.view.show_charts(shown=not app.view.all_charts)


def _open(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, Compare) and (run := app.view.baseline_run()) is not None:
        app.enter(Location("run", run.run_id))


_AMONG_ROWS = frozenset({"left", "right", "up", "down", "pageup", "pagedown", "Enter", "|", "=", "#", '"', "g"})
"""Keys of charts that mean something else while the rows of the comparison are shown."""


class Compare(View):
    """The runs that the location names, by ids with commas between: rows with one chart below, or charts alone.

    Args:
        location: The name is the list of ids.
    """

    kinds = frozenset({"run"})
    filterable = True
    actions = (
        Action("charts", "tab", "charts", _turn, "All charts, or the rows with one.", needs=Needs.NOTHING),
        Action("chart", "Enter", "chart", _chart, "The metric under the cursor alone, with its readings."),
        _baseline(1),
        _baseline(-1),
        Action("run", "r", "open run", _open, "Open the baseline.", needs=Needs.NOTHING),
        _sideways(1),
        _sideways(-1),
        *CHART_ACTIONS,
        *OVERLAY_ACTIONS,
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._document = PageDocument()
        self._legend = Bar()
        self._section: ChartSection | None = None
        self._ids = tuple(part for part in location.name.split(",") if part)
        self._baseline = 0
        self._offset = 0
        self.all_charts = False
        self._data: Comparison | None = None

    @property
    def title(self) -> str:
        """The breadcrumb."""
        return f"compare {len(self._ids)} runs"

    def compose(self) -> ComposeResult:
        """Rows above, curves below."""
        self._section = ChartSection(self.deck, "these runs have no metrics")
        yield self._legend
        yield self._document
        yield self._section

    def on_mount(self) -> None:
        """Read at once."""
        self._curves.display = False
        self._legend.display = False
        self.load()

    def on_resize(self) -> None:
        """The curves take their share."""
        self._arrange()

    @property
    def _curves(self) -> ChartSection:
        if self._section is None:
            raise RuntimeError("the comparison was not composed yet")
        return self._section

    @property
    def charts(self) -> ChartSection | None:
        """The charts, while they are shown."""
        return self._section if self._data is not None else None

    def offered(self) -> Sequence[Action]:
        """Among charts their keys; among rows those of the charts that are free."""
        own = self.actions[: -len(CHART_ACTIONS) - len(OVERLAY_ACTIONS)]
        if self.all_charts:
            return (*own[:1], *CHART_ACTIONS, *OVERLAY_ACTIONS, *(each for each in own[2:] if each.key in "bBr"))
        return (*own, *(each for each in (*CHART_ACTIONS, *OVERLAY_ACTIONS) if each.key not in _AMONG_ROWS))

    def show_charts(self, *, shown: bool, large: bool = False) -> None:
        """Show all charts, or the rows with the chart of the one under the cursor.

        Args:
            shown: Whether all charts.
            large: Whether the selected one alone.
        """
        self.all_charts = shown
        self._curves.enlarge(large=large and shown)
        self._arrange()
        self.take_focus()
        self.deck.frame_changed()

    def _arrange(self) -> None:
        self._document.display = not self.all_charts
        self._curves.alone(alone=not self.all_charts)
        height = max(int(self.size.height * CHART_SHARE), LEAST_CHART)
        self._curves.styles.height = "1fr" if self.all_charts else height
        self._legend.display = self.all_charts and self._data is not None
        self._tell()

    def _tell(self) -> None:
        section = self._curves
        on = {run.run_id for run in section.runs_on}
        parts: list[Part] = [(" ", "")]
        for place, run in enumerate(section.runs, 1):
            shown = run.run_id in on
            parts += [(f"{place} " if place < 10 else "", "dim"), (run.marker, run.role if shown else "dim")]
            parts += [(f" {run.name}" if shown else f" ({run.name})", "" if shown else "dim"), ("  ", "")]
        self._legend.show(parts)

    def load(self) -> None:
        """Read the comparison."""
        engine, ids = self.deck.engine, self._ids
        baseline = ids[min(self._baseline, len(ids) - 1)] if ids else None
        self.deck.read(f"compare.{id(self)}", lambda: engine.runs.compare(ids, baseline), self._arrived, self._failed)

    def _failed(self, error: Exception) -> None:
        if self._data is not None:
            self.deck.fail(error)
        else:
            self.deck.keep(error)
            self._document.show(lambda width: problem(error, width))
            self.deck.frame_changed()

    def _arrived(self, data: Comparison) -> None:
        self._data = data
        self._show()
        self._curves.display = bool(data.metrics)
        self._curves.show(shown_runs(data.runs), [row.key for row in data.metrics])
        self._arrange()
        self._follow()
        self.deck.frame_changed()

    def _show(self) -> None:
        data = self._data
        if data is not None:
            self._document.show(lambda width: comparison_lines(data, width, self._offset))

    def _follow(self) -> None:
        """The chart of the metric under the cursor."""
        subject = self.subject()
        if isinstance(subject, str) and not self.all_charts:
            self._curves.select_key(subject)

    def changed(self, changes: Changes) -> None:
        """Only news of these runs count."""
        ids = {run.row_id for run in self._data.runs} if self._data is not None else set()
        if changes.missed or any(event.kind == "run" and event.row_id in ids for event in changes.events):
            self.load()

    def step_baseline(self, step: int) -> None:
        """Measure against a neighbouring run."""
        if self._ids:
            self._baseline = (self._baseline + step) % len(self._ids)
            self.load()

    def sideways(self, step: int) -> None:
        """Show runs that did not fit."""
        self._offset = max(0, min(self._offset + step, len(self._ids) - 1))
        self._show()

    def baseline_run(self) -> Run | None:
        """The run that deltas are against."""
        return self._data.runs[self._data.baseline] if self._data is not None else None

    def status(self) -> Sequence[Part]:
        """The baseline."""
        run = self.baseline_run()
        return [("baseline ", "dim"), (run.name or run.run_id[:8], "mark")] if run is not None else ()

    def subject(self) -> object | None:
        """The metric under the cursor."""
        line = self._document.line
        return line.subject if line is not None else None

    def take_focus(self) -> None:
        """The rows, or the charts."""
        self.screen.set_focus(self._curves.grid if self.all_charts else self._document)

    def relocate(self, location: Location) -> None:
        """Another filter."""
        self.location = location
        self._curves.filter(filter_text(location))

    def set_filter(self, text: str) -> None:
        """Show the metrics that fit."""
        self.deck.amend(replace(self.location, terms=filter_words(text)))

    def escape(self) -> bool:
        """Give up the large chart, the cursor, the window; then the charts; then the filter."""
        if self._data is not None and self._curves.escape():
            return True
        if self.all_charts:
            self.show_charts(shown=False)
            return True
        if self.location.terms:
            self.set_filter("")
            return True
        return False

    def copy_text(self, *, whole: bool) -> str:
        """The row's key, or the whole comparison."""
        line = self._document.line
        return self._document.text() if whole or line is None else line.key

    def on_document_moved(self, message: Document.Moved) -> None:
        """The curves follow the cursor."""
        message.stop()
        self._follow()

    def on_chart_section_changed(self, message: ChartSection.Changed) -> None:
        """The legend tells which runs are shown."""
        message.stop()
        self._tell()


def shown_runs(runs: Sequence[Run]) -> list[Shown]:
    """Runs as charts draw them, with what they can be grouped by."""
    return [
        Shown(
            run.run_id,
            run.name or run.run_id[:8],
            place,
            run.metrics,
            {f"params.{key}": value for key, value in run.params.items()}
            | {f"tags.{key}": value for key, value in run.tags.items()},
        )
        for place, run in enumerate(runs)
    ]


def comparison_lines(data: Comparison, width: int, offset: int = 0) -> list[Line]:
    """A comparison as lines: who, what differs, metrics with deltas, what is the same.

    Args:
        data: The comparison.
        width: Cells there are.
        offset: Runs skipped on the left.
    """
    place = cut(len(data.runs), width, offset)
    differs = [row for row in data.params if row.differs]
    same = [row for row in data.params if not row.differs]
    lines = _heads(data, place)
    lines.append(heading("Parameters that differ", f"{len(differs)}"))
    lines += [
        Line(_row(row.key, [(logged(v) if v is not None else NONE, "") for v in row.values], place)) for row in differs
    ]
    lines.append(heading("Metrics", "latest, and the difference to the baseline"))
    for metric in data.metrics:
        lines.append(
            Line(_row(metric.key, _metric_cells(metric, data.baseline), place), f"metric.{metric.key}", metric.key)
        )
    if same:
        lines.append(heading("Parameters that are the same", f"{len(same)}"))
        lines += [
            Line([(f"  {fit(row.key, KEY_WIDTH - 2)}  ", "dim"), (logged(row.values[0] or NONE), "dim")])
            for row in same
        ]
    return lines


def _heads(data: Comparison, place: Cut) -> list[Line]:
    letters = [
        (
            f"{MARKERS[index % len(MARKERS)]} {run.name or run.run_id[:8]}",
            "mark" if index == data.baseline else ROLES[index % len(ROLES)],
        )
        for index, run in enumerate(data.runs)
    ]
    states = [pill(STATES, run.state) for run in data.runs]
    more = len(data.runs) - place.shown
    note = f"← → {more} more" if more else ""
    return [Line(_row(note, letters, place)), Line(_row("", states, place))]


def _metric_cells(row: MetricRow, baseline: int) -> list[Part]:
    cells: list[Part] = []
    for index, (value, change) in enumerate(zip(row.values, row.deltas, strict=True)):
        text, look = number(value), "strong" if index == baseline else ""
        if index != baseline and change is not None:
            text += f" {delta(change)[0]}"
        cells.append((text, look))
    return cells


def _row(key: str, cells: Sequence[Part], place: Cut) -> list[Part]:
    parts: list[Part] = [(f"  {fit(key, KEY_WIDTH - 2)}  ", "")]
    for text, look in cells[place.first : place.first + place.shown]:
        parts += [(fit(text, place.width), look), ("  ", "")]
    return parts
