"""Windows that monitors looked at, and what each has shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.drift.words import verdict
from console.formats import NONE, age, count, moment, number
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key
from engine.monitoring.model import MonitorResult, ResultQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

SCHEMA = Schema(
    name="results",
    attributes=(
        Attribute("id", Kind.NUMBER),
        Attribute("monitor", Kind.TEXT),
        Attribute("model", Kind.TEXT),
        Attribute("endpoint", Kind.TEXT),
        Attribute("kind", Kind.WORD),
        Attribute("verdict", Kind.WORD),
        Attribute("rows", Kind.NUMBER),
        Attribute("value", Kind.NUMBER),
        Attribute("end", Kind.TIME),
    ),
    entities=frozenset(),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "id"), descending=True),),
)
"""What can be asked of them."""

SHOWN: tuple[Shown[MonitorResult], ...] = (
    Shown(Column("id", "#", width=5, minimum=4, align="right", priority=5), lambda it, _now: (str(it.id), "dim"), "id"),
    Shown(
        Column("end", "WINDOW TO", width=16, minimum=16, priority=9),
        lambda it, _now: (moment(it.window.end_ms)[:16], ""),
        "end",
    ),
    Shown(Column("verdict", "SAYS", width=9, minimum=9, priority=9), lambda it, _now: verdict(it), "verdict"),
    Shown(Column("kind", "KIND", width=11, minimum=7, priority=8), lambda it, _now: (it.kind.value, ""), "kind"),
    Shown(
        Column("subject", "OF", width=14, minimum=8, maximum=40, weight=1, priority=7, whole=80),
        lambda it, _now: (it.subject.key or it.window.file or NONE, "name"),
        "model",
    ),
    Shown(
        Column("monitor", "MONITOR", width=12, minimum=8, maximum=30, weight=1, priority=6),
        lambda it, _now: (it.monitor, "dim"),
        "monitor",
    ),
    Shown(
        Column("rows", "ROWS", width=7, minimum=5, align="right", priority=7),
        lambda it, _now: (count(it.rows), ""),
        "rows",
    ),
    Shown(
        Column("value", "VALUE", width=8, minimum=6, align="right", priority=5),
        lambda it, _now: (number(it.value), ""),
        "value",
    ),
    Shown(
        Column("made", "LOOKED", width=6, minimum=6, align="right", priority=4),
        lambda it, now: (age(it.made_ms, now), "dim"),
        value=lambda it: it.made_ms,
        kind=Kind.TIME,
    ),
    Shown(
        Column("sentence", "WHAT WAS FOUND", width=20, minimum=14, weight=5, priority=8),
        lambda it, _now: (f"{it.sentence}{f'  (looked again, {it.revision})' if it.revision else ''}", ""),
    ),
)


def facts(result: MonitorResult) -> Facts:
    """A window as filters see it."""
    return Facts(
        {
            "id": result.id,
            "monitor": result.monitor,
            "model": result.subject.model,
            "endpoint": result.subject.endpoint,
            "kind": result.kind.value,
            "verdict": result.verdict.value,
            "rows": result.rows,
            "value": result.value,
            "end": result.window.end_ms,
        }
    )


def _fetch(engine: Engine, location: Location) -> Iterable[MonitorResult]:
    query = ResultQuery(monitor=location.name, limit=1_000, reports=False)
    return all_pages(lambda token: engine.monitors.results(replace(query, page_token=token)))


def _open(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    app.enter(Location("result", str(result.id)))


def _monitor(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    app.enter(Location("monitor", result.monitor))


RESOURCE: Resource[MonitorResult] = Resource(
    name="results",
    noun="window",
    source=MemorySource(_fetch, lambda result: result.id, SHOWN, facts, SCHEMA),
    actions=(
        Action("open", "Enter", "open", _open, "Features side by side, and all numbers."),
        Action("monitor", "M", "monitor", _monitor, "The monitor that looked."),
    ),
    kinds=frozenset({"monitor"}),
    empty=("No window was looked at.", "`qd up` runs monitors; r on a monitor looks at once."),
)


def view(location: Location) -> View:
    """Windows of a monitor, or of all; the newest first."""
    return ListView(RESOURCE, location)
