"""Monitors: what is looked at, how often, and what came of it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import given, option, qd, why
from console.drift.words import standing
from console.formats import NONE, age, duration, plural
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key
from engine.monitoring.model import Monitor, MonitorResult, Source, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.app import ConsoleApp
    from console.text import Part
    from console.views import View
    from engine.api import Engine
    from engine.jobs.model import Job

SCHEMA = Schema(
    name="monitors",
    attributes=(
        Attribute("name", Kind.TEXT, ("monitor",)),
        Attribute("target", Kind.TEXT),
        Attribute("verdict", Kind.WORD),
        Attribute("state", Kind.WORD),
        Attribute("source", Kind.WORD),
        Attribute("severity", Kind.WORD),
        Attribute("next", Kind.TIME),
        Attribute("last", Kind.TIME),
    ),
    entities=frozenset(),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "name")),),
)
"""What can be asked of them."""


def _next(monitor: Monitor, now_ms: int) -> Part:
    if monitor.paused:
        return NONE, "dim"
    if monitor.next_ms is None:
        return "at once", "dim"
    left = monitor.next_ms - now_ms
    return (f"in {duration(left)}", "") if left > 0 else ("now", "running")


def _found(monitor: Monitor) -> Part:
    if monitor.paused:
        return monitor.paused, "warn"
    return (monitor.problem, "warn") if monitor.problem else (monitor.sentence, "")


SHOWN: tuple[Shown[Monitor], ...] = (
    Shown(
        Column("name", "MONITOR", width=14, minimum=8, maximum=40, weight=2, priority=9, whole=63),
        lambda it, _now: (it.name, "name"),
        "name",
    ),
    Shown(Column("verdict", "LAST", width=9, minimum=9, priority=9), lambda it, _now: standing(it), "verdict"),
    Shown(
        Column("target", "TARGET", width=20, minimum=12, maximum=50, weight=2, priority=8, whole=160),
        lambda it, _now: (it.settings.target, "link"),
        "target",
    ),
    Shown(
        Column("window", "WINDOW", width=8, minimum=6, priority=6),
        lambda it, _now: (str(it.settings.window), ""),
    ),
    Shown(
        Column("tests", "TESTS", width=16, minimum=8, maximum=36, priority=4),
        lambda it, _now: (" ".join(it.settings.tests), "dim"),
    ),
    Shown(
        Column("last", "LOOKED", width=6, minimum=6, align="right", priority=7),
        lambda it, now: (age(it.last_ms, now), "dim"),
        "last",
    ),
    Shown(Column("next", "NEXT", width=8, minimum=7, align="right", priority=7), _next, "next"),
    Shown(
        Column("runner", "RUNNER", width=12, minimum=8, maximum=24, priority=3),
        lambda it, _now: (it.runner or NONE, "dim"),
    ),
    Shown(
        Column("sentence", "WHAT WAS FOUND", width=20, minimum=14, weight=5, priority=8),
        lambda it, _now: _found(it),
    ),
)


def facts(monitor: Monitor) -> Facts:
    """A monitor as filters see it."""
    return Facts(
        {
            "name": monitor.name,
            "target": monitor.settings.target,
            "verdict": None if monitor.verdict is None else monitor.verdict.value,
            "state": "paused" if monitor.paused else "looking",
            "source": monitor.source.value,
            "severity": monitor.settings.severity,
            "next": monitor.next_ms,
            "last": monitor.last_ms,
        }
    )


def _fetch(engine: Engine, _location: Location) -> Iterable[Monitor]:
    return all_pages(lambda token: engine.monitors.page(limit=1_000, page_token=token))


# --- what can be done to monitors


def _open(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    app.enter(Location("monitor", monitor.name))


def _run(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    name = monitor.name

    def said(found: tuple[MonitorResult, ...]) -> None:
        bad = sum(each.verdict is Verdict.DRIFT for each in found)
        told = f"{plural(len(found), 'new window')}, {bad} bad" if found else "nothing new to look at"
        app.say(f"{name}: {told}.", "bad" if bad else "good")

    app.work(
        f"run {name}", lambda _progress: app.engine.monitors.run(name), said, f"qd monitors run --once {quote(name)}"
    )


def _backtest(app: ConsoleApp, monitor: Monitor, answers: Answers) -> None:
    name = monitor.name

    def said(job: Job) -> None:
        app.say(f"{name} was tried on the past; :job {job.id} shows what it would have told.")

    app.jobs.start(f"back-test {name}", ("monitors", "backtest", name, "--since", answers["since"]), said)


def _pause(app: ConsoleApp, monitor: Monitor, answers: Answers) -> None:
    name, reason = monitor.name, answers["reason"]
    app.act(
        lambda: app.engine.monitors.pause(name, reason=reason),
        lambda _: app.say(f"{name} is paused. Undo: P again."),
        f"qd monitors pause {quote(name)} --reason {quote(reason)}",
    )


def _resume(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    name = monitor.name
    app.act(
        lambda: app.engine.monitors.resume(name),
        lambda _: app.say(f"{name} looks again."),
        f"qd monitors resume {quote(name)}",
    )


def _create(app: ConsoleApp, _nothing: object, answers: Answers) -> None:
    name, said = answers["name"], {key: answers[key] for key in ("target", "window")}
    tests = [each for each in answers["tests"].replace(",", " ").split() if each]
    words = f"--target {quote(said['target'])} --window {quote(said['window'])}"
    app.act(
        lambda: app.engine.monitors.create(name, {**said, "tests": tests}),
        lambda _: app.say(f"{name} is made; `qd up` runs it. Undo: X deletes it."),
        f"qd monitors create {quote(name)} {words} --tests {quote(','.join(tests))}",
    )


def _change(app: ConsoleApp, monitor: Monitor, answers: Answers) -> None:
    name, key, value = monitor.name, answers["setting"], answers["value"]
    from console.drift.settings import typed

    shell = f"qd monitors change {quote(name)}"
    app.act(
        lambda: app.engine.monitors.change(name, {key: typed(monitor, key, value)}),
        lambda _: app.say(f"{name}: {key} is {value} now."),
        f"{shell} --{key.replace('_', '-')} {quote(value)}",
    )


def _delete(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    name = monitor.name

    def done(_nothing: None) -> None:
        if app.navigator.here == Location("monitor", name):
            app.replace(Location("monitors"))
        app.say(f"{name} and what it found are gone.")

    app.act(lambda: app.engine.monitors.delete(name), done, f"qd monitors delete {quote(name)} --yes")


def _windows(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    app.enter(Location("results", monitor.name))


def _json(app: ConsoleApp, monitor: Monitor, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"monitor {monitor.name}", monitor)


def _looking(monitor: Monitor) -> str | None:
    return f"{monitor.name} is paused: {monitor.paused}" if monitor.paused else None


def _paused(monitor: Monitor) -> str | None:
    return None if monitor.paused else f"{monitor.name} is not paused."


def _of_command(monitor: Monitor) -> str | None:
    if monitor.source is Source.FILE:
        return f"{monitor.name} is declared in quarterdeck.toml; change it there, or pause it."
    return None


def _gone(monitor: Monitor) -> Sequence[str]:
    return (f"{monitor.name} looks no more; its windows go, and its alerts end.",)


CREATE = Action(
    "create-monitor", "n", "new", _create, "Make a monitor.", danger=Danger.REVERSIBLE, needs=Needs.NOTHING,
    role=Role.OPERATOR,
    ask=lambda _nothing: (
        Field("name", "name"),
        Field("target", "target", "endpoint "),
        Field("window", "window", "1h"),
        Field("tests", "tests", "drift quality"),
    ),
             twin=lambda _it, said: qd(
        "monitors", "create", said["name"], given("target", said["target"]), given("window", said["window"]),
        given("tests", ",".join(said["tests"].replace(",", " ").split())),
    ),
)  # fmt: skip

ACTING: tuple[Action, ...] = (
    Action("run", "r", "run", _run, "Look at all that is new, now.", danger=Danger.REVERSIBLE, role=Role.OPERATOR,
        twin=lambda it, _said: qd("monitors", "run", given("once", it.name)),
    ),
    Action(
        "backtest", "b", "back-test", _backtest, "What it would have told people in the past; keeps nothing.",
        ask=lambda _monitor: (Field("since", "how far back", "7d"),),
        twin=lambda it, said: qd("monitors", "backtest", it.name, given("since", said["since"])),
    ),
    Action("windows", "w", "windows", _windows, "All windows it looked at."),
    Action(
        "pause", "P", "pause", _pause, "Look no more until it is resumed.", danger=Danger.REVERSIBLE,
        role=Role.OPERATOR, enabled=_looking, ask=lambda _monitor: (Field("reason", "reason"),), hint=False,
        twin=lambda it, said: qd("monitors", "pause", it.name, why(said)),
    ),
    Action(
        "resume", "R", "resume", _resume, "Look again, at what was over meanwhile first.", danger=Danger.REVERSIBLE,
        role=Role.OPERATOR, enabled=_paused, hint=False,
        twin=lambda it, _said: qd("monitors", "resume", it.name),
    ),
    Action(
        "change", "E", "edit", _change, "Change one setting, written as in quarterdeck.toml.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_of_command, hint=False,
        ask=lambda _monitor: (Field("setting", "setting", "window"), Field("value", "value")),
        twin=lambda it, said: qd(
            "monitors", "change", it.name, option(said["setting"].replace("_", "-"), said["value"])
        ),
    ),
    Action(
        "delete", "X", "delete", _delete, "Delete it with what it found.", danger=Danger.IRREVERSIBLE,
        warning="CANNOT BE UNDONE", role=Role.OPERATOR, enabled=_of_command, consequences=_gone, hint=False,
        object_name=lambda monitor: monitor.name,
        twin=lambda it, _said: qd("monitors", "delete", it.name, ["--yes"]),
    ),
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
)  # fmt: skip
"""What can be done to a monitor, in the list and on its page."""

RESOURCE: Resource[Monitor] = Resource(
    name="monitors",
    noun="monitor",
    source=MemorySource(_fetch, lambda monitor: monitor.name, SHOWN, facts, SCHEMA),
    actions=(Action("open", "Enter", "open", _open, "Its settings and what it found."), *ACTING, CREATE),
    kinds=frozenset({"monitor", "alert", "policy"}),
    empty=(
        "Nothing is watched.",
        "n makes a monitor, or  qd monitors create NAME --target 'endpoint churn' --window 1h",
    ),
    sort=("name", False),
)


def view(location: Location) -> View:
    """What is watched, by name."""
    return ListView(RESOURCE, location)
