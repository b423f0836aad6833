"""Alerts: what monitors have found, who looks after it, and what is silenced."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Each, Field, Needs
from console.commanding.shell_words import given, option, qd, several, why
from console.drift.words import SEVERITIES, state_pill
from console.formats import age, pill
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.alerts.model import Alert, AlertState
from engine.core.access import Role
from engine.core.query import ALERTS
from engine.core.timetext import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine
    from engine.registry.model import Version

SHOWN: tuple[Shown[Alert], ...] = (
    Shown(Column("id", "#", width=4, minimum=3, align="right", priority=9), lambda it, _now: (str(it.id), "dim"), "id"),
    Shown(
        Column("severity", "SEVERITY", width=10, minimum=10, priority=9),
        lambda it, _now: pill(SEVERITIES, it.severity.value),
        "rank",
    ),
    Shown(Column("state", "STATE", width=11, minimum=11, priority=9), lambda it, _now: state_pill(it), "state"),
    Shown(
        Column("subject", "ABOUT", width=18, minimum=10, maximum=40, weight=2, priority=9, whole=80),
        lambda it, _now: (it.subject, "name"),
        "model",
    ),
    Shown(
        Column("opened", "AGE", width=4, minimum=4, align="right", priority=8),
        lambda it, now: (age(it.opened_ms, now), "dim"),
        "opened",
    ),
    Shown(
        Column("windows", "WINDOWS", width=7, minimum=7, align="right", priority=4),
        lambda it, _now: (str(it.windows), ""),
        "windows",
    ),
    Shown(
        Column("owner", "OWNER", width=8, minimum=6, maximum=20, priority=6),
        lambda it, _now: (it.owner, ""),
        "owner",
    ),
    Shown(
        Column("monitor", "MONITOR", width=12, minimum=8, maximum=30, weight=1, priority=5),
        lambda it, _now: (it.monitor, "dim"),
        "monitor",
    ),
    Shown(
        Column("sentence", "WHAT WAS FOUND", width=20, minimum=14, weight=5, priority=7),
        lambda it, _now: (it.sentence, ""),
    ),
)


def facts(alert: Alert) -> Facts:
    """An alert as filters see it."""
    names = ("id", "monitor", "key", "model", "version", "endpoint", "owner", "sentence", "value", "windows")
    attributes: dict[str, object] = {name: getattr(alert, name) for name in names}
    attributes |= {
        "state": alert.state.value,
        "severity": alert.severity.value,
        "rank": alert.severity.rank,
        "opened": alert.opened_ms,
        "updated": alert.updated_ms,
        "resolved": alert.resolved_ms,
        "resolved_by": alert.resolved_by,
    }
    return Facts(attributes)


def _fetch(engine: Engine, _location: Location) -> Iterable[Alert]:
    """What nobody has taken on comes first, the worst at the top; then what somebody has; then what is over."""
    found = all_pages(lambda token: engine.alerts.page(limit=1_000, page_token=token))
    return sorted(found, key=_urgency)


def _urgency(alert: Alert) -> tuple[int, int, int]:
    standing = tuple(AlertState).index(alert.state)
    return standing + (alert.silence is not None), -alert.severity.rank, -alert.id


# --- what can be done to alerts


def _open(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    app.enter(Location("alert", str(alert.id)))


def _acknowledge(app: ConsoleApp, alerts: Sequence[Alert], answers: Answers) -> None:
    length = answers["for"]
    named = " ".join(str(each.id) for each in alerts)
    lapse = f" --for {quote(length)}" if length else ""

    def act() -> None:
        until_ms = app.engine.clock.now_ms() + parse_duration(length) if length else None
        for each in alerts:
            app.engine.alerts.acknowledge(each.id, reason=answers["reason"], until_ms=until_ms)

    app.act(
        act,
        lambda _: app.say(f"You look after alert {named}. Undo: B gives it back."),
        "; ".join(f"qd alerts acknowledge {each.id}{lapse} --reason {quote(answers['reason'])}" for each in alerts),
    )


def _give_back(app: ConsoleApp, alert: Alert, answers: Answers) -> None:
    app.act(
        lambda: app.engine.alerts.give_back(alert.id, reason=answers["reason"]),
        lambda _: app.say(f"Alert {alert.id} is open to everybody again."),
        f"qd alerts give-back {alert.id} --reason {quote(answers['reason'])}",
    )


def _resolve(app: ConsoleApp, alerts: Sequence[Alert], answers: Answers) -> None:
    def act() -> None:
        for each in alerts:
            app.engine.alerts.resolve(each.id, reason=answers["reason"])

    app.act(
        act,
        lambda _: app.say(f"{len(alerts)} resolved; a monitor opens a new one if it is still bad."),
        "; ".join(f"qd alerts resolve {each.id} --reason {quote(answers['reason'])}" for each in alerts),
    )


def _silence(app: ConsoleApp, alert: Alert, answers: Answers) -> None:
    about = {"monitor": alert.monitor}
    if answers["of"] == "this alone":
        about["key"] = alert.key
    words = " ".join(f"--{name} {quote(value)}" for name, value in about.items())
    app.act(
        lambda: app.engine.alerts.silence(
            until_ms=app.engine.clock.now_ms() + parse_duration(answers["for"]), reason=answers["reason"], **about
        ),
        lambda made: app.say(f"Silence {made.id} holds for {answers['for']}. Undo: :silences, x ends it."),
        f"qd alerts silence {words} --for {quote(answers['for'])} --reason {quote(answers['reason'])}",
    )


def _retrain(app: ConsoleApp, alert: Alert, answers: Answers) -> None:
    app.act(
        lambda: app.engine.models.ask_retraining(alert.model, alert.version, reason=answers["reason"]),
        lambda _: app.say(f"Retraining of {alert.model} is asked for; webhooks and the audit log say so."),
        f"qd models ask-retraining {quote(alert.model)} --reason {quote(answers['reason'])}",
    )


def _json(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"alert {alert.id}", alert)


def _to_version(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    app.enter(Location("version", f"{alert.model}/{alert.version}"))


def _to_run(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    def enter(version: Version) -> None:
        if version.run_id:
            app.enter(Location("run", version.run_id))
        else:
            app.say(f"{version.key} names no run.", "warn")

    model, number = alert.model, alert.version or 0
    app.read("alert.run", lambda: app.engine.models.version(model, number), enter)


def _to_endpoint(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    app.enter(Location("endpoint", alert.endpoint))


def _to_monitor(app: ConsoleApp, alert: Alert, _answers: Answers) -> None:
    app.enter(Location("monitor", alert.monitor))


def _active(alert: Alert) -> str | None:
    return f"Alert {alert.id} is resolved." if alert.state is AlertState.RESOLVED else None


def _all_active(alerts: Sequence[Alert]) -> str | None:
    return next((why for each in alerts if (why := _active(each)) is not None), None)


def _taken(alert: Alert) -> str | None:
    return None if alert.state is AlertState.ACKNOWLEDGED else f"Nobody has taken alert {alert.id} on."


def _of_version(alert: Alert) -> str | None:
    return None if alert.version is not None else f"Alert {alert.id} is about no version."


def _of_endpoint(alert: Alert) -> str | None:
    return None if alert.endpoint else f"Alert {alert.id} is about no endpoint."


def _named(alerts: Sequence[Alert]) -> Sequence[str]:
    return [_called(each) for each in alerts]


def _called(alert: Alert) -> str:
    return f"{alert.id}  {alert.subject}  {alert.severity.value}: {alert.sentence}"


def _acknowledge_one(engine: Engine, alert: Alert, said: Answers) -> None:
    until_ms = engine.clock.now_ms() + parse_duration(said["for"]) if said["for"] else None
    engine.alerts.acknowledge(alert.id, reason=said["reason"], until_ms=until_ms)


REASON = Field("reason", "reason")

ACTING: tuple[Action, ...] = (
    Action(
        "acknowledge", "a", "take on", _acknowledge, "Look after it: nobody else need, and it does not escalate.",
        danger=Danger.REVERSIBLE, needs=Needs.MANY, role=Role.OPERATOR, enabled=_all_active, consequences=_named,
        each=Each(_acknowledge_one, _called),
        ask=lambda _alerts: (
            Field("reason", "what is being done", required=False),
            Field("for", "lapses after", required=False),
        ),
        twin=lambda it, said: several(
            qd("alerts", "acknowledge", each.id, option("for", said["for"]), why(said)) for each in it
        ),
    ),
    Action(
        "silence", "s", "silence", _silence, "Tell nobody for a while; it is still found and listed.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR,
        ask=lambda _alert: (
            Field("for", "how long", "2h"),
            Field("of", "of", "this alone", among=("this alone", "its monitor")),
            REASON,
        ),
        twin=lambda it, said: qd(
            "alerts", "silence", given("monitor", it.monitor),
            option("key", it.key if said["of"] == "this alone" else ""), given("for", said["for"]), why(said),
        ),
    ),
    Action(
        "resolve", "x", "resolve", _resolve, "End it; its monitor opens a new one if it is still bad.",
        danger=Danger.REVERSIBLE, needs=Needs.MANY, role=Role.OPERATOR, enabled=_all_active, consequences=_named,
        each=Each(lambda engine, alert, said: engine.alerts.resolve(alert.id, reason=said["reason"]), _called),
        ask=lambda _alerts: (REASON,),
        twin=lambda it, said: several(qd("alerts", "resolve", each.id, why(said)) for each in it),
    ),
    Action(
        "give-back", "B", "give back", _give_back, "No longer look after it.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_taken, hint=False,
        ask=lambda _alert: (Field("reason", "reason", required=False),),
        twin=lambda it, said: qd("alerts", "give-back", it.id, why(said)),
    ),
    Action(
        "retrain", "T", "retrain", _retrain, "Ask for retraining; recorded, and told to webhooks.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_of_version, hint=False, ask=lambda _alert: (REASON,),
        twin=lambda it, said: qd("models", "ask-retraining", it.model, given("version", it.version), why(said)),
    ),
    Action("version", "v", "version", _to_version, "The version it is about.", enabled=_of_version, hint=False),
    Action("run", "r", "run", _to_run, "The run that made the version.", enabled=_of_version, hint=False),
    Action("endpoint", "E", "endpoint", _to_endpoint, "The endpoint it is about.", enabled=_of_endpoint, hint=False),
    Action("monitor", "M", "monitor", _to_monitor, "The monitor that found it.", hint=False),
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
)  # fmt: skip
"""What can be done to an alert, in the list and on its page."""

ALERT_LIST: Resource[Alert] = Resource(
    name="alerts",
    noun="alert",
    source=MemorySource(_fetch, lambda alert: alert.id, SHOWN, facts, ALERTS),
    actions=(Action("open", "Enter", "open", _open, "What was found, the numbers, what happened."), *ACTING),
    kinds=frozenset({"alert"}),
    empty=(
        "No monitor has found anything.",
        "Monitors look at live traffic:  qd monitors create NAME --target 'endpoint churn', then  qd up",
    ),
)


def view(location: Location) -> View:
    """What nobody has taken on first; `/state=open` shows that alone."""
    return ListView(ALERT_LIST, location)
