"""Silences: what nobody wants to be told of for a while, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger
from console.commanding.shell_words import qd
from console.formats import NONE, age, duration
from console.resources.memory import Facts, MemorySource
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.alerts.model import Silence
from engine.core.access import Role
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.location import Location
    from console.text import Part
    from console.views import View
    from engine.api import Engine

_NAMES = ("monitor", "key", "model", "endpoint")

SCHEMA = Schema(
    name="silences",
    attributes=(
        Attribute("id", Kind.NUMBER),
        *(Attribute(name, Kind.TEXT) for name in _NAMES),
        Attribute("reason", Kind.TEXT),
        Attribute("user", Kind.TEXT),
        Attribute("until", Kind.TIME),
    ),
    entities=frozenset(),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "id"), descending=True),),
)
"""What can be asked of them."""


def about(silence: Silence) -> str:
    """What it is about, such as `model churn, key drift`."""
    return ", ".join(f"{name} {value}" for name in _NAMES if (value := getattr(silence, name)))


def _left(silence: Silence, now_ms: int) -> Part:
    if silence.ended_ms is not None:
        return f"ended, {silence.ended_by}", "dim"
    return (duration(silence.until_ms - now_ms), "warn") if silence.active(now_ms) else ("over", "dim")


SHOWN: tuple[Shown[Silence], ...] = (
    Shown(Column("id", "#", width=4, minimum=3, align="right", priority=9), lambda it, _now: (str(it.id), "dim"), "id"),
    Shown(
        Column("of", "OF", width=24, minimum=14, maximum=60, weight=2, priority=9, whole=160),
        lambda it, _now: (about(it), "name"),
    ),
    Shown(Column("left", "LEFT", width=14, minimum=12, maximum=28, priority=9), _left, "until"),
    Shown(
        Column("user", "BY", width=8, minimum=6, maximum=20, priority=7), lambda it, _now: (it.created_by, ""), "user"
    ),
    Shown(
        Column("created", "AGE", width=4, minimum=4, align="right", priority=6),
        lambda it, now: (age(it.created_ms, now), "dim"),
        value=lambda it: it.created_ms,
        kind=Kind.TIME,
    ),
    Shown(
        Column("reason", "REASON", width=20, minimum=14, weight=4, priority=8),
        lambda it, _now: (it.reason or NONE, ""),
        "reason",
    ),
)


def facts(silence: Silence) -> Facts:
    """A silence as filters see it."""
    said: dict[str, object] = {name: getattr(silence, name) for name in ("id", *_NAMES, "reason")}
    return Facts(said | {"user": silence.created_by, "until": silence.until_ms})


def _fetch(engine: Engine, _location: Location) -> Iterable[Silence]:
    return engine.alerts.silences(ended=True)


def _end(app: ConsoleApp, silence: Silence, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.alerts.unsilence(silence.id),
        lambda done: app.say(f"Silence {done.id} has ended; what it hid is told now."),
        f"qd alerts unsilence {silence.id}",
    )


def _holding(silence: Silence) -> str | None:
    return None if silence.ended_ms is None else f"Silence {silence.id} has ended."


RESOURCE: Resource[Silence] = Resource(
    name="silences",
    noun="silence",
    source=MemorySource(_fetch, lambda silence: silence.id, SHOWN, facts, SCHEMA),
    actions=(
        Action(
            "end", "x", "end", _end, "End it now; what it hid is told.",
            danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_holding,
            twin=lambda it, _said: qd("alerts", "unsilence", it.id),
        ),
    ),
    kinds=frozenset({"alert"}),
    empty=("Nothing is silenced.", "s on an alert silences it, or  qd alerts silence --model NAME --for 2h --reason …"),
)  # fmt: skip


def view(location: Location) -> View:
    """Silences, the newest first."""
    return ListView(RESOURCE, location)
