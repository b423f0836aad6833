"""One run: charts that move, parameters and metrics, artifacts, environment; sections as tabs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.containers import Horizontal

from console.actions import Action, Answers, Danger, Field, Needs
from console.formats import STATES, age, duration, logged, moment, number, pill, size
from console.location import Location
from console.resources.runs import ACTIONS as RUN_ACTIONS
from console.screens.curves import points_of
from console.text import Part, table, wrap
from console.views import PageDocument, View, problem
from console.widgets.bar import Bar
from console.widgets.charts.grid import Chart, ChartGrid
from console.widgets.charts.series import Series
from console.widgets.document import Line, blank, fields, heading
from engine.core.access import Role
from engine.tracking.logged_model_model import RunModel
from engine.tracking.model import History, RunDetail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from engine.api import Engine
    from engine.core.events import Changes

CHARTS, VALUES, FILES, ORIGIN = "charts", "values", "artifacts", "environment"
TABS = (CHARTS, VALUES, FILES, ORIGIN)
WIDE = 120
"""Columns from which values stand beside the charts."""

SIDE = 44
POINTS = 400
"""Points of a curve asked of the engine; a chart has no more dots across."""


@dataclass(slots=True)
class RunData:
    """What the view holds.

    Args:
        detail: The run.
        models: The models it made and read.
        histories: Curves read so far, by metric.
    """

    detail: RunDetail
    models: tuple[RunModel, ...] = ()
    histories: dict[str, History] = field(default_factory=dict)


def _on_tab(name: str, key: str) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, RunView):
            app.view.show_tab(name)

    return Action(name, key, name, run, f"The section {name}.", needs=Needs.NOTHING)


def _step_tab(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, RunView):
        app.view.show_tab(TABS[(TABS.index(app.view.tab) + 1) % len(TABS)])


def _on_grid(name: str, key: str, about: str, move: str, *args: int) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, RunView):
            app.view.move_charts(move, *args)

    return Action(name, key, name, run, about, needs=Needs.NOTHING, hint=False)


GRID_ACTIONS = (
    _on_grid("chart-left", "left", "The chart to the left.", "move_selection", 0, -1),
    _on_grid("chart-right", "right", "The chart to the right.", "move_selection", 0, 1),
    _on_grid("chart-up", "up", "The chart above.", "move_selection", -1, 0),
    _on_grid("chart-down", "down", "The chart below.", "move_selection", 1, 0),
    _on_grid("page-up", "pageup", "The charts before.", "previous_page"),
    _on_grid("page-down", "pagedown", "The charts after.", "next_page"),
    _on_grid("cursor-left", ",", "The reading cursor to the left.", "move_cursor", -1),
    _on_grid("cursor-right", ".", "The reading cursor to the right.", "move_cursor", 1),
    _on_grid("log", "L", "Linear or logarithmic.", "toggle_log"),
)
"""What can be done among the charts."""

ENDS = ("finished", "failed", "killed")
"""How a run may be closed by hand."""


def _read_artifact(app: ConsoleApp, run: RunDetail, _answers: Answers) -> None:
    if isinstance(app.view, RunView):
        app.view.open_artifact()
    del run


def _restore(app: ConsoleApp, run: RunDetail, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.runs.restore(run.run_id), lambda _: app.say("Restored."), f"qd runs restore {run.run_id}"
    )


def _finish(app: ConsoleApp, run: RunDetail, answers: Answers) -> None:
    from engine.tracking.model import RunStatus

    status = RunStatus(answers["status"])
    app.act(lambda: app.engine.runs.finish(run.run_id, status), lambda _: app.say(f"Closed as {status.value}."))


def _not_over(run: RunDetail) -> str | None:
    return f"The run is {run.status.value} already." if run.status.is_over else None


def _is_deleted(run: RunDetail) -> str | None:
    return None if run.lifecycle == "deleted" else "The run is not deleted."


class RunView(View):
    """The run that the location names.

    Args:
        location: The name is a run's id, or a beginning of it.
    """

    DEFAULT_CSS = "RunView PageDocument { display: none; } RunView ChartGrid { width: 1fr; }"

    kinds = frozenset({"run"})
    actions = (
        _on_tab(CHARTS, "1"),
        _on_tab(VALUES, "2"),
        _on_tab(FILES, "3"),
        _on_tab(ORIGIN, "4"),
        Action("next-tab", "tab", "next", _step_tab, "The next section.", needs=Needs.NOTHING, hint=False),
        Action("read", "Enter", "read", _read_artifact, "Show the artifact under the cursor.", hint=False),
        *(action for action in RUN_ACTIONS if action.name in ("lineage", "json", "register", "rename", "note")),
        *GRID_ACTIONS,
        Action(
            "close-run",
            "K",
            "close",
            _finish,
            "Close a run whose program is gone, as finished, failed or killed.",
            danger=Danger.REVERSIBLE,
            role=Role.OPERATOR,
            enabled=_not_over,
            ask=lambda _run: (Field("status", "close as", "killed", among=ENDS),),
            hint=False,
        ),
        Action(
            "restore",
            "U",
            "restore",
            _restore,
            "Restore a deleted run.",
            danger=Danger.REVERSIBLE,
            role=Role.OPERATOR,
            enabled=_is_deleted,
            hint=False,
        ),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.tab = CHARTS
        self._bar = Bar()
        self._document = PageDocument()
        self._grid: ChartGrid | None = None
        self._data: RunData | None = None

    def compose(self) -> ComposeResult:
        """Sections above; charts and a document below."""
        self._grid = ChartGrid(unicode=self.deck.unicode, empty="no metrics logged yet: run.log_metric('auc', 0.9)")
        yield self._bar
        with Horizontal():
            yield self._document
            yield self._grid

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
        self._document.show(lambda width: problem(error, width))
        self.deck.frame_changed()

    def _arrived(self, read: tuple[RunDetail, tuple[RunModel, ...]]) -> None:
        detail, models = read
        if self._data is None:
            self._data = RunData(detail, models)
            self._grid_of().set_charts([Chart(key, key) for key in sorted(detail.metrics)])
        else:
            self._data.detail, self._data.models = detail, models
            known = {chart.key for chart in self._grid_of().charts}
            if known != set(detail.metrics):
                self._grid_of().set_charts([Chart(key, key, self._series(key)) for key in sorted(detail.metrics)])
        self._describe()
        self._read_curves()
        self.deck.frame_changed()

    def _read_curves(self) -> None:
        """Read the curves of the page in view."""
        data = self._data
        if data is None or not self._grid_of().display:
            return
        self.call_after_refresh(self._read_visible, data.detail.run_id)

    def _read_visible(self, run_id: str) -> None:
        grid, engine = self._grid_of(), self.deck.engine
        start = grid.page * max(len(grid.visible_charts), 1)
        keys = [chart.key for chart in grid.charts[start : start + len(grid.visible_charts)]]

        def compute() -> dict[str, History]:
            return read_histories(engine, run_id, keys)

        self.deck.read(f"curves.{id(self)}", compute, self._curves_came)

    def _curves_came(self, histories: Mapping[str, History]) -> None:
        if self._data is None:
            return
        self._data.histories.update(histories)
        for key in histories:
            self._grid_of().update_chart(key, self._series(key))

    def _series(self, key: str) -> tuple[Series, ...]:
        data = self._data
        history = data.histories.get(key) if data is not None else None
        if data is None or history is None:
            return ()
        return (Series("", points_of(history), latest=data.detail.metrics.get(key)),)

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

    def _grid_of(self) -> ChartGrid:
        if self._grid is None:
            raise RuntimeError("the run view was not composed yet")
        return self._grid

    def show_tab(self, name: str) -> None:
        """Go to a section."""
        self.tab = name
        self._arrange()
        self._describe()
        self._read_curves()
        self.take_focus()

    def _arrange(self) -> None:
        wide = self.app.size.width >= WIDE
        grid = self._grid_of()
        grid.display = self.tab == CHARTS
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
        self.screen.set_focus(self._grid_of() if self._grid_of().display else self._document)

    def move_charts(self, move: str, *args: int) -> None:
        """Do something to the grid; elsewhere the keys mean nothing."""
        grid = self._grid_of()
        if not grid.display:
            return
        page = grid.page
        getattr(grid, move)(*args)
        if grid.page != page:
            self._read_curves()

    def offered(self) -> Sequence[Action]:
        """The charts' own keys mean something among the charts only."""
        if self.tab == CHARTS:
            return self.actions
        return [action for action in self.actions if action not in GRID_ACTIONS]

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
        """Show the beginning of the artifact under the cursor, as text."""
        line = self._document.line
        if line is None or self._data is None or not isinstance(line.subject, str):
            return
        path, run_id, engine = line.subject, self._data.detail.run_id, self.deck.engine
        self.deck.read("artifact", lambda: head_of(engine, run_id, path), lambda text: self._show_text(path, text))

    def _show_text(self, path: str, text: str) -> None:
        from console.screens.help import Wide

        self.deck.open_dialog(Wide(path, [Line([(line, "")]) for line in text.split("\n")]))


ARTIFACT_HEAD = 64 * 1024
"""Bytes of an artifact that are shown."""


def head_of(engine: Engine, run_id: str, path: str) -> str:
    """The beginning of an artifact as text.

    Raises:
        NotFound: there is no such artifact.
        IntegrityError: its bytes are not what was logged.
    """
    with engine.runs.open_artifact(run_id, path) as file:
        data = file.read(ARTIFACT_HEAD)
    if b"\0" in data:
        return f"{path} is binary; save it with qd runs artifacts get {run_id[:8]} {path} --output FILE."
    return data.decode("utf-8", "replace")


def read_histories(engine: Engine, run_id: str, keys: Sequence[str]) -> dict[str, History]:
    """The curves of some metrics of a run.

    Raises:
        NotFound: there is no such run.
    """
    return {key: engine.runs.history(run_id, key, points=POINTS) for key in keys}


def _section(tab: str, data: RunData, now_ms: int, width: int) -> list[Line]:
    if tab == VALUES:
        return _values(data.detail, width)
    if tab == FILES:
        return [*_models(data.models, now_ms), *_files(data.detail)]
    return _origin(data.detail, now_ms, width)


def _models(models: Sequence[RunModel], now_ms: int) -> list[Line]:
    if not models:
        return []
    rows: list[list[Part]] = []
    for each in models:
        model = each.model
        made = "made" if each.role == "output" else "read"
        if model is None:
            rows.append([(f"  {each.model_id}", "dim"), (made, "dim"), ("not here any more", "warn")])
            continue
        state = _MODEL_STATES.get(model.status.value, (model.status.value, ""))
        measured = "  ".join(f"{metric.key} {number(metric.value)}" for metric in model.metrics[:3])
        rows.append(
            [
                (f"  {model.name}", "name"),
                (made, "dim"),
                state,
                (age(model.created_ms, now_ms), "dim"),
                (measured, ""),
                (each.model_id, "dim"),
            ]
        )
    return [heading("Logged models", str(len(models))), *(Line(row) for row in table(rows)), blank()]


_MODEL_STATES: dict[str, Part] = {
    "ready": ("✓ ready", "good"),
    "pending": ("● pending", "running"),
    "failed": ("✗ failed", "bad"),
}


def _values(run: RunDetail, width: int) -> list[Line]:
    lines = [heading("Metrics", "latest"), *_pairs([(key, number(value)) for key, value in run.metrics.items()])]
    lines += [blank(), heading("Parameters"), *_pairs([(key, logged(value)) for key, value in run.params.items()])]
    if run.tags:
        lines += [blank(), heading("Tags"), *_pairs(list(run.tags.items()))]
    if run.note:
        lines += [blank(), heading("Note"), *(Line([(f"  {part}", "")]) for part in wrap(run.note, max(width - 4, 20)))]
    return lines


def _pairs(pairs: list[tuple[str, str]]) -> list[Line]:
    if not pairs:
        return [Line([("  none", "dim")])]
    return [
        Line(row, f"value.{row[0][0]}") for row in table([[(f"  {k}", ""), (v, "strong")] for k, v in sorted(pairs)])
    ]


def _files(run: RunDetail) -> list[Line]:
    if not run.artifacts:
        return [heading("Artifacts"), Line([("  none; run.log_artifact(path) keeps a file", "dim")])]
    rows: list[list[Part]] = [
        [(f"  {each.path}", "name"), (size(each.size_bytes), ""), (each.digest[:16], "dim")] for each in run.artifacts
    ]
    total = size(sum(each.size_bytes for each in run.artifacts))
    lines = [heading("Artifacts", f"{len(run.artifacts)} files, {total}")]
    return lines + [
        Line(row, each.path, each.path)
        for row, each in zip(table(rows, right=frozenset({1})), run.artifacts, strict=True)
    ]


def _origin(run: RunDetail, now_ms: int, width: int) -> list[Line]:
    lines = [
        heading("Run"),
        *fields(
            [
                ("id", (run.run_id, "")),
                ("started", (f"{moment(run.start_ms)} ({age(run.start_ms, now_ms)})", "")),
                ("ended", (moment(run.end_ms), "")),
                ("user", (run.user, "")),
                ("parent", (run.parent_run_id or "none", "dim")),
                ("children", (", ".join(child[:8] for child in run.children) or "none", "dim")),
            ]
        ),
        blank(),
        heading("Data"),
    ]
    rows: list[list[Part]] = [
        [
            (f"  {each.name}", "link"),
            (each.context, "dim"),
            (f"{each.rows:,} rows" if each.rows is not None else "", ""),
            (each.digest[:16], "dim"),
            (each.source_type, "dim"),
        ]
        for each in run.inputs
    ]
    lines += [Line(row) for row in table(rows)] or [Line([("  none logged", "dim")])]
    return [*lines, blank(), heading("Environment"), *_environment(run, width)]


def _environment(run: RunDetail, width: int) -> list[Line]:
    where = run.environment
    if where is None:
        return [Line([("  not captured", "dim")])]
    dirty = {True: " with local changes", False: "", None: ""}[where.git_dirty]
    lines = fields(
        [
            ("command", (where.command_line, "")),
            ("host", (f"{where.host}  pid {where.pid}", "")),
            ("python", (where.python, "")),
            ("commit", (f"{where.git_commit or 'none'}{dirty}", "warn" if dirty else "")),
            ("seed", (str(where.seed) if where.seed is not None else "none", "")),
        ]
    )
    packages = ", ".join(f"{name} {version}" for name, version in sorted(where.packages.items()))
    lines += [Line([(f"  {part}", "dim")]) for part in wrap(packages, max(width - 4, 20))] if packages else []
    return lines
