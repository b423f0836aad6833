"""One run: charts that move, parameters and metrics, artifacts, environment; sections as tabs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from console.actions import Action, Answers, Needs
from console.charting.actions import CHART_ACTIONS
from console.charting.drawing import Shown
from console.charting.section import ChartSection
from console.formats import STATES, age, duration, pill
from console.location import Location, filter_text, filter_words
from console.opening.artifact import open_artifact
from console.opening.listing import artifact_lines
from console.resources.runs import ACTIONS as RUN_ACTIONS
from console.runs.acts import RUN_ACTS
from console.runs.sections import model_lines, origin_lines, value_lines
from console.views import PageDocument, View, problem
from console.widgets.bar import Bar
from engine.tracking.logged_model_model import RunModel
from engine.tracking.model import RunDetail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from console.text import Part
    from console.widgets.document import Line
    from engine.core.events import Changes

CHARTS, VALUES, FILES, ORIGIN = "charts", "values", "artifacts", "environment"
TABS = (CHARTS, VALUES, FILES, ORIGIN)
WIDE = 120
"""Columns from which values stand beside the charts."""

SIDE = 44


@dataclass(slots=True)
class RunData:
    """What the view holds.

    Args:
        detail: The run.
        models: The models it made and read.
    """

    detail: RunDetail
    models: tuple[RunModel, ...] = ()


def _on_tab(name: str, key: str) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, RunView):
            app.view.show_tab(name)

    return Action(name, key, name, run, f"The section {name}.", needs=Needs.NOTHING)


def _step_tab(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, RunView):
        app.view.show_tab(TABS[(TABS.index(app.view.tab) + 1) % len(TABS)])


def _read_artifact(app: ConsoleApp, run: RunDetail, _answers: Answers) -> None:
    if isinstance(app.view, RunView):
        app.view.open_artifact()
    del run


class RunView(View):
    """The run that the location names.

    Args:
        location: The name is a run's id, or a beginning of it.
    """

    DEFAULT_CSS = "RunView PageDocument { display: none; }"

    kinds = frozenset({"run"})
    actions = (
        _on_tab(CHARTS, "1"),
        _on_tab(VALUES, "2"),
        _on_tab(FILES, "3"),
        _on_tab(ORIGIN, "4"),
        Action("next-tab", "tab", "next", _step_tab, "The next section.", needs=Needs.NOTHING, hint=False),
        *CHART_ACTIONS,
        Action("read", "Enter", "read", _read_artifact, "Open the artifact under the cursor.", hint=False),
        *(action for action in RUN_ACTIONS if action.name in ("lineage", "json", "register", "rename", "note")),
        *RUN_ACTS,
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.tab = CHARTS
        self._bar = Bar()
        self._document = PageDocument()
        self._section: ChartSection | None = None
        self._data: RunData | None = None

    def compose(self) -> ComposeResult:
        """Sections above; charts and a document below."""
        self._section = ChartSection(self.deck, "no metrics logged yet: run.log_metric('auc', 0.9)")
        yield self._bar
        with Horizontal():
            yield self._document
            yield self._section

    def on_mount(self) -> None:
        """Read at once."""
        self._arrange()
        self.load()

    def on_resize(self) -> None:
        """A wide screen has room for both."""
        self._arrange()

    # --- reading

    def load(self) -> None:
        """Read the run, then the curves in view."""
        engine, name = self.deck.engine, self.location.name

        def compute() -> tuple[RunDetail, tuple[RunModel, ...]]:
            detail = engine.runs.get(name)
            return detail, engine.logged_models.of_run(detail.run_id)

        self.deck.read(f"run.{id(self)}", compute, self._arrived, self._failed)

    def _failed(self, error: Exception) -> None:
        if self._data is not None:
            self.deck.fail(error)
            return
        self.tab = VALUES
        self._arrange()
        self.deck.keep(error)
        self._document.show(lambda width: problem(error, width))
        self.deck.frame_changed()

    def _arrived(self, read: tuple[RunDetail, tuple[RunModel, ...]]) -> None:
        detail, models = read
        self._data = RunData(detail, models)
        run = Shown(detail.run_id, latest=detail.metrics)
        self._charts.show([run], detail.metrics)
        self._describe()
        self.deck.frame_changed()

    def changed(self, changes: Changes) -> None:
        """Only news of this run count."""
        row_id = self._data.detail.row_id if self._data is not None else None
        if changes.missed or any(event.kind == "run" and event.row_id == row_id for event in changes.events):
            self.load()

    def tick(self) -> None:
        """A running run may have fallen silent."""
        if self._data is not None and not self._data.detail.status.is_over:
            self.load()

    # --- showing

    @property
    def _charts(self) -> ChartSection:
        if self._section is None:
            raise RuntimeError("the run view was not composed yet")
        return self._section

    @property
    def charts(self) -> ChartSection | None:
        """The charts, while they are shown."""
        return self._section if self.tab == CHARTS else None

    @property
    def filterable(self) -> bool:  # type: ignore[override]  # a class variable elsewhere; here the section says
        """Charts can be filtered by the names of their metrics."""
        return self.tab == CHARTS

    def relocate(self, location: Location) -> None:
        """Another filter."""
        self.location = location
        self._charts.filter(filter_text(location))

    def set_filter(self, text: str) -> None:
        """Show the metrics that fit."""
        self.deck.amend(replace(self.location, terms=filter_words(text)))

    def escape(self) -> bool:
        """Give up the large chart, the cursor, the window, the filter."""
        if self.tab == CHARTS and self._charts.escape():
            return True
        if self.location.terms:
            self.set_filter("")
            return True
        return False

    def show_tab(self, name: str) -> None:
        """Go to a section."""
        self.tab = name
        self._arrange()
        self._describe()
        self._charts.read()
        self.take_focus()

    def _arrange(self) -> None:
        wide = self.app.size.width >= WIDE
        self._charts.display = self.tab == CHARTS
        self._document.display = self.tab != CHARTS or wide
        self._document.styles.width = SIDE if self.tab == CHARTS else "1fr"

    def _describe(self) -> None:
        data = self._data
        if data is None:
            return
        run, now_ms = data.detail, self.deck.now_ms()
        tabs: list[Part] = [(" ", "")]
        for place, name in enumerate(TABS, 1):
            tabs += [(f" {place} {name} ", "selected" if name == self.tab else "dim"), (" ", "")]
        took = duration(run.duration_ms) if run.end_ms is not None else f"{age(run.start_ms, now_ms)} so far"
        right: list[Part] = [(run.name, "strong"), ("  ", ""), pill(STATES, run.state), (f"  {took} ", "dim")]
        self._bar.show(tabs, right)
        tab = VALUES if self.tab == CHARTS else self.tab
        self._document.show(lambda width: _section(tab, data, now_ms, width))

    def take_focus(self) -> None:
        """The charts, or the section's lines."""
        self.screen.set_focus(self._charts.grid if self.tab == CHARTS else self._document)

    def offered(self) -> Sequence[Action]:
        """The charts' own keys mean something among the charts only."""
        if self.tab == CHARTS:
            return [action for action in self.actions if action.name != "read"]
        return [action for action in self.actions if action not in CHART_ACTIONS]

    def status(self) -> Sequence[Part]:
        """Where the run belongs."""
        return [(self._data.detail.experiment, "dim")] if self._data is not None else ()

    def subject(self) -> object | None:
        """The run."""
        return self._data.detail if self._data is not None else None

    def copy_text(self, *, whole: bool) -> str:
        """The run's id, or the section."""
        if self._data is None:
            return ""
        return self._document.text() if whole else self._data.detail.run_id

    def open_artifact(self) -> None:
        """Open the artifact under the cursor."""
        line = self._document.line
        if line is not None and self._data is not None and isinstance(line.subject, str):
            open_artifact(self.deck, self._data.detail.run_id, line.subject)


def _section(tab: str, data: RunData, now_ms: int, width: int) -> list[Line]:
    if tab == VALUES:
        return value_lines(data.detail, width)
    if tab == FILES:
        return [*model_lines(data.models, now_ms), *artifact_lines(data.detail.artifacts)]
    return origin_lines(data.detail, now_ms, width)
