"""Pulse, the first screen: what runs, what is in Production, what waits for a decision, what fails, what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.drift.tiles import alert_lines, monitor_lines
from console.endpoints.beside import Beside, name_of, read_beside, well
from console.endpoints.tiles import tile_lines
from console.formats import DECISIONS, NONE, STATES, age, count, number, pill, plural, recorded
from console.location import Location
from console.serving import SETTLE_SECONDS
from console.text import Part, table
from console.views import Page
from console.widgets.document import Line, heading
from engine.core.events import Changes
from engine.core.frozen import frozen
from engine.core.keys import in_order
from engine.gates.model import GateReport
from engine.registry.approval_model import ApprovalRequest
from engine.registry.model import Model, Stage
from engine.tracking.model import LOST, Run, RunQuery, RunStatus

if TYPE_CHECKING:
    from textual.timer import Timer

    from console.app import ConsoleApp
    from console.serving import Beat
    from engine.alerts.model import Alert
    from engine.api import Engine
    from engine.audit.model import AuditEntry
    from engine.monitoring.model import Monitor

COUNTED = (RunStatus.RUNNING, RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED, RunStatus.SCHEDULED)
MOST_LIVE, MOST_MODELS, MOST_WAITING, MOST_AUDIT, MOST_JUDGED, MOST_MONITORS = 12, 20, 8, 30, 30, 200
SPARK_POINTS = 60
PAUSE_SECONDS = 1.0
"""Between two readings of everything: counting 100,000 runs takes a tenth of it."""

ROOMY = 34
"""Rows from which sections stand apart."""


@frozen
class LiveRun:
    """A run that is going on, with the curve of its first metric.

    Args:
        run: The run.
        metric: The metric's key; empty when nothing was logged.
        curve: Its values, oldest first.
    """

    run: Run
    metric: str
    curve: tuple[float, ...]


@frozen
class Situation:
    """What pulse shows.

    Args:
        states: Number of runs by status.
        live: Runs going on, newest first.
        models: Registered models, those in Production first.
        endpoints: How endpoints stand, those that are not well first.
        waiting: Open requests, newest first.
        alerts: What nobody has taken on, and what somebody has, the worst first.
        monitors: What is watched.
        failing: Latest reports that do not pass, for versions on their way.
        audit: The newest records, one for a promotion.
    """

    states: Mapping[str, int]
    live: tuple[LiveRun, ...]
    models: tuple[Model, ...]
    endpoints: tuple[Beside, ...]
    waiting: tuple[ApprovalRequest, ...]
    alerts: tuple[Alert, ...]
    monitors: tuple[Monitor, ...]
    failing: tuple[GateReport, ...]
    audit: tuple[AuditEntry, ...]


def read(engine: Engine) -> Situation:
    """Read all of it.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    counted = engine.run_reading.by_status()
    states = {status.value: counted.get(status.value, 0) for status in COUNTED}
    models = engine.models.page(limit=200).items
    ordered = sorted(models, key=lambda model: (not model.production, not model.staging, model.name))
    return Situation(
        states,
        read_live(engine),
        tuple(ordered[:MOST_MODELS]),
        read_endpoints(engine),
        engine.approvals.page("open", limit=MOST_WAITING).items,
        engine.alerts.page("state != 'resolved'", ("rank DESC",), limit=MOST_WAITING).items,
        engine.monitors.page(limit=MOST_MONITORS).items,
        _failing(engine),
        _acts(engine.audit.page(limit=MOST_AUDIT).items),
    )


def read_endpoints(engine: Engine) -> tuple[Beside, ...]:
    """Read how endpoints do, ours and those of others, those that are not well first.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    return tuple(sorted(read_beside(engine), key=lambda each: (well(each), name_of(each))))


def read_live(engine: Engine) -> tuple[LiveRun, ...]:
    """Read the runs that are going on.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    running = engine.runs.page(RunQuery(filter="attributes.status = 'running'", limit=MOST_LIVE)).items
    return tuple(_live(engine, run) for run in running)


def _live(engine: Engine, run: Run) -> LiveRun:
    metric = next(iter(in_order(run.metrics)), "")
    if not metric:
        return LiveRun(run, "", ())
    history = engine.runs.history(run.run_id, metric, points=SPARK_POINTS)
    return LiveRun(run, metric, tuple(point.last for point in history.points))


def _failing(engine: Engine) -> tuple[GateReport, ...]:
    """Reports of versions in Staging whose latest gates for Production do not pass."""
    versions = engine.models.versions(None, "stage = 'staging'", limit=MOST_JUDGED).items
    reports = (engine.gates.latest(version.model, version.version, Stage.PRODUCTION) for version in versions)
    return tuple(report for report in reports if report is not None and not report.passed)


def _open(app: ConsoleApp, target: Location, _answers: Answers) -> None:
    app.enter(target)


def _go(resource: str) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        app.enter(Location(resource))

    from console.actions import Needs

    keys = {"runs": "r", "models": "m", "endpoints": "E", "approvals": "a", "versions": "v", "audit": "A"}
    keys |= {"experiments": "e", "alerts": "L", "drift": "D"}
    return Action(resource, keys[resource], resource, run, f"The list of {resource}.", needs=Needs.NOTHING)


class Pulse(Page[Situation]):
    """The first screen."""

    kinds = frozenset(
        {"run", "model", "version", "approval", "policy", "experiment", "endpoint", "rollout", "alert", "monitor"}
    )
    actions = (
        Action("open", "Enter", "open", _open, "Open the thing under the cursor."),
        _go("runs"),
        _go("models"),
        _go("endpoints"),
        _go("approvals"),
        _go("versions"),
        _go("audit"),
        _go("experiments"),
        _go("alerts"),
        _go("drift"),
    )

    _pause: Timer | None = None
    _again = False

    def fetch(self) -> Situation:
        """The situation.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        return read(self.deck.engine)

    def changed(self, changes: Changes) -> None:
        """What runs log moves the runs alone; anything else is a reason to read all, once a second at most."""
        mine = [event for event in changes.events if event.kind in self.kinds]
        if any(event.kind in ("endpoint", "rollout") for event in mine):
            self._look_at_endpoints()  # at once: what a data plane has not taken over must not wait a second
        if not changes.missed and all(event.change == "logged" for event in mine):
            if mine and self.data is not None:
                engine = self.deck.engine
                self.deck.read(f"live.{id(self)}", lambda: read_live(engine), self._moved)
        elif self._pause is None:
            self._pause = self.set_timer(PAUSE_SECONDS, self._rested)
            self.load()
        else:
            self._again = True

    def _moved(self, live: tuple[LiveRun, ...]) -> None:
        if self.data is not None:
            self._show(replace(self.data, live=live))

    def beat(self, beat: Beat) -> None:
        """Traffic moved, or a data plane came or went."""
        if self.data is not None and (beat.planes_moved or beat.quiet_seconds < SETTLE_SECONDS):
            self._look_at_endpoints()

    def _look_at_endpoints(self) -> None:
        engine = self.deck.engine
        self.deck.read(f"endpoints.{id(self)}", lambda: read_endpoints(engine), self._served)

    def _served(self, endpoints: tuple[Beside, ...]) -> None:
        if self.data is not None:
            self._show(replace(self.data, endpoints=endpoints))

    def _rested(self) -> None:
        self._pause = None
        if self._again:
            self._again = False
            self.changed(Changes((), missed=True))

    def tick(self) -> None:
        """Ages and silent runs."""
        if self.data is not None:
            self.load()

    def lines(self, data: Situation, width: int) -> Sequence[Line]:
        """Section after section; empty workspaces are told what fills them."""
        now_ms = self.deck.now_ms()
        if not (sum(data.states.values()) or data.models or data.alerts or data.monitors):
            return _welcome()
        roomy = self.app.size.height >= ROOMY
        few = 8 if roomy else 3
        sections = [
            _states(data),
            _live_lines(data.live[:few], now_ms, width),
            _model_lines(data.models[: 10 if roomy else 4]),
            tile_lines(data.endpoints[: 8 if roomy else 4], len(data.endpoints), now_ms),
            alert_lines(data.alerts[:few], len(data.alerts), now_ms, width),
            monitor_lines(data.monitors, few, width),
            _waiting_lines(data.waiting[:few], now_ms),
            _failing_lines(data.failing[:few], now_ms, roomy=roomy),
            _audit_lines(data.audit[: 10 if roomy else 4], now_ms),
        ]
        gap = [Line()] if roomy else []
        return [line for section in sections if section for line in (*section, *gap)]


def _welcome() -> list[Line]:
    return [
        Line(),
        Line([("  Nothing here yet.", "strong")]),
        Line(),
        Line([("  qd demo", "key"), ("               trains real models and opens the console on them", "dim")]),
        Line([("  engine.open().runs.start('churn')", "key"), ("  logs a run from Python", "dim")]),
        Line([("  ?", "key"), ("                     keys and commands; :tutorial walks over real screens", "dim")]),
    ]


def _states(data: Situation) -> list[Line]:
    parts: list[Part] = [("Runs  ", "head")]
    lost = sum(live.run.state == LOST for live in data.live)
    for status in COUNTED:
        if data.states[status.value] or status in (RunStatus.RUNNING, RunStatus.FAILED):
            word, look = pill(STATES, status.value)
            mark, _, name = word.partition(" ")
            parts += [(f"{mark} {count(data.states[status.value])} ", look), (f"{name}   ", "dim")]
    if lost:
        parts.append((f"{lost} lost; qd runs reap closes them", "warn"))
    return [Line(parts, "states", Location("runs"))]


def _live_lines(live: Sequence[LiveRun], now_ms: int, width: int) -> list[Line]:
    if not live:
        return [heading("Running now"), Line([("  nothing", "dim")])]
    from console.widgets.charts.spark import sparkline

    wide = max(min(width - 60, SPARK_POINTS), 8)
    rows: list[list[Part]] = []
    for each in live:
        run = each.run
        value = number(run.metrics.get(each.metric)) if each.metric else NONE
        rows.append(
            [
                (f"  {run.name or run.run_id[:8]}", "name"),
                (run.experiment, "dim"),
                pill(STATES, run.state),
                (age(run.start_ms, now_ms), "dim"),
                (f"{each.metric} {value}", ""),
                (sparkline(each.curve, wide), "running"),
            ]
        )
    return [
        heading("Running now"),
        *(
            Line(row, f"run.{each.run.run_id}", Location("run", each.run.run_id))
            for row, each in zip(table(rows), live, strict=True)
        ),
    ]


def _model_lines(models: Sequence[Model]) -> list[Line]:
    if not models:
        return [heading("Production"), Line([("  no models; R on a run registers a version", "dim")])]
    rows: list[list[Part]] = []
    for model in models:
        production = ", ".join(f"{model.name}/{number_}" for number_ in model.production)
        staging = f"◇ {', '.join(map(str, model.staging))} in Staging" if model.staging else ""
        aliases = " ".join(f"@{alias}" for alias in sorted(model.aliases))
        rows.append(
            [
                (f"  {model.name}", "name"),
                (f"◆ {production}", "production") if production else ("nothing in Production", "dim"),
                (staging, "staging"),
                (plural(model.versions, "version"), "dim"),
                (aliases, "link"),
            ]
        )
    return [
        heading("Production"),
        *(
            Line(row, f"model.{model.name}", Location("versions", model.name))
            for row, model in zip(table(rows), models, strict=True)
        ),
    ]


def _waiting_lines(waiting: Sequence[ApprovalRequest], now_ms: int) -> list[Line]:
    if not waiting:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {request.ref}", "name"),
            (f"→ {request.to.value}", "production" if request.to is Stage.PRODUCTION else ""),
            pill(DECISIONS, request.state.value),
            (f"{len(request.approvers)}/{request.need}", ""),
            (f"by {request.requested_by.name}", "dim"),
            (age(request.created_ms, now_ms), "dim"),
            (("OVERRIDE " if request.override else "") + request.reason, "loud" if request.override else ""),
        ]
        for request in waiting
    ]
    return [
        heading("Waiting for approval", "a opens the inbox"),
        *(
            Line(row, f"request.{request.id}", Location("promotion", f"{request.ref}/{request.to.value.lower()}"))
            for row, request in zip(table(rows), waiting, strict=True)
        ),
    ]


def _failing_lines(failing: Sequence[GateReport], now_ms: int, *, roomy: bool) -> list[Line]:
    if not failing:
        return []
    lines = [heading("Failing gates")]
    for report in failing:
        names = ", ".join(result.label for result in report.failures)
        parts: list[Part] = [(f"  {report.model}/{report.version}", "name"), (f"  ✗ {names}", "bad")]
        target = Location("promotion", f"{report.model}/{report.version}/{report.target.value.lower()}")
        since = f"  {age(report.time_ms, now_ms)} ago"
        lines.append(Line([*parts, (since, "dim")], f"gates.{report.model}/{report.version}", target))
        if roomy:
            lines += [Line([(f"      {result.message}", "dim")]) for result in report.failures]
    return lines


def _acts(audit: Sequence[AuditEntry]) -> tuple[AuditEntry, ...]:
    """The records without those of versions that a promotion moved: its own record says it."""
    told: set[tuple[int, str]] = set()
    for entry in audit:
        if entry.kind == "promotion" and entry.after:
            key = str(entry.after["version"])
            model = key.rpartition("/")[0]
            others = (f"{model}/{number_}" for number_, _stage in entry.after["replaced"])
            told |= {(entry.time_ms, each) for each in (key, *others)}
    return tuple(entry for entry in audit if entry.kind != "version" or (entry.time_ms, entry.key) not in told)


def _audit_lines(audit: Sequence[AuditEntry], now_ms: int) -> list[Line]:
    if not audit:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {age(entry.time_ms, now_ms):>4}", "dim"),
            (entry.actor, ""),
            (entry.verb, "loud" if entry.verb == "override" else "strong"),
            (recorded(entry), ""),
            (entry.reason, "dim"),
        ]
        for entry in audit
    ]
    return [
        heading("Lately"),
        *(
            Line(row, f"audit.{entry.seq}", Location("record", str(entry.seq)))
            for row, entry in zip(table(rows), audit, strict=True)
        ),
    ]
