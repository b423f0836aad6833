"""Endpoints: who answers, how well, and whether data planes serve what is desired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.endpoints import words
from console.endpoints.acts import ROUTING
from console.endpoints.keeping import CREATE, KEEPING
from console.endpoints.measuring import OF_ENDPOINT
from console.endpoints.standing import Standing, read_all, read_one
from console.formats import NONE, age, pill
from console.location import Location
from console.resources.memory import Facts, MemorySource
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.serving import SETTLE_SECONDS
from console.widgets.table import Column
from engine.core.errors import NotFound
from engine.core.query.schema import ENDPOINTS as SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.serving import Beat
    from console.text import Part
    from console.views import View
    from console.widgets.table import Key
    from engine.api import Engine
    from engine.core.events import Event


def _live(standing: Standing, _now: int) -> Part:
    live = standing.live
    return (NONE, "dim") if live is None else (f"◆ {live.version}", "production")


def _percentiles(standing: Standing, _now: int) -> Part:
    flow = standing.flow
    return ("/".join(words.milliseconds(each) for each in (flow.p50_ms, flow.p95_ms, flow.p99_ms)), "")


def _errors(standing: Standing, _now: int) -> Part:
    flow = standing.flow
    return words.errors(flow.error_rate, flow.requests)


SHOWN: tuple[Shown[Standing], ...] = (
    Shown(
        Column("name", "ENDPOINT", width=12, minimum=8, maximum=40, weight=2, priority=9, whole=40),
        lambda standing, _now: (standing.name, "name"),
        "name",
    ),
    Shown(
        Column("health", "HEALTH", width=16, minimum=16, priority=9),
        lambda standing, _now: pill(words.HEALTH, standing.health.value),
    ),
    Shown(
        Column("model", "MODEL", width=12, minimum=8, maximum=40, weight=1, priority=3),
        lambda standing, _now: (standing.endpoint.model, ""),
        "model",
    ),
    Shown(Column("live", "LIVE", width=4, minimum=4, priority=8), _live),
    Shown(
        Column("rps", "RPS", width=6, minimum=5, align="right", priority=8),
        lambda standing, _now: (words.rate(standing.flow.rps), "" if standing.flow.requests else "dim"),
    ),
    Shown(Column("latency", "P50/P95/P99 ms", width=15, minimum=14, align="right", priority=7), _percentiles),
    Shown(Column("errors", "ERR %", width=5, minimum=5, align="right", priority=8), _errors),
    Shown(
        Column("generation", "GEN", width=5, minimum=5, priority=8),
        lambda standing, _now: words.generation(standing),
        "generation",
    ),
    Shown(
        Column("traffic", "TRAFFIC", width=26, minimum=22, maximum=60, weight=3, priority=6),
        lambda standing, _now: (words.traffic_words(standing), "loud" if standing.killed else ""),
    ),
    Shown(
        Column("rollout", "ROLLOUT", width=18, minimum=14, priority=5),
        lambda standing, now: words.rollout_step(standing.rollout, now),
    ),
    Shown(
        Column("updated", "CHANGED", width=7, minimum=7, align="right", priority=4),
        lambda standing, now: (age(standing.endpoint.updated_ms, now), "dim"),
        "last_updated_timestamp",
    ),
)


def facts(standing: Standing) -> Facts:
    """An endpoint as filters see it."""
    endpoint = standing.endpoint
    return Facts(
        {
            "name": endpoint.name,
            "model": endpoint.model,
            "owner": endpoint.owner,
            "description": endpoint.description,
            "user_id": endpoint.created_by,
            "generation": standing.desired,
            "capture": endpoint.capture,
            "creation_timestamp": endpoint.created_ms,
            "last_updated_timestamp": endpoint.updated_ms,
        },
        tags=endpoint.tags,
    )


@dataclass(frozen=True, slots=True)
class EndpointSource(MemorySource[Standing]):
    """Reads all endpoints for the order, and only those in view for what moves."""

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, Standing]:
        """Those that are in view, each by itself; one that is gone is left out.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        del location
        found: dict[Key, Standing] = {}
        for key in keys:
            try:
                found[key] = read_one(engine, str(key))
            except NotFound:
                continue
        return found


def _fetch(engine: Engine, _location: Location) -> Iterable[Standing]:
    return read_all(engine)


def _open(app: ConsoleApp, standing: Standing, _answers: Answers) -> None:
    app.enter(Location("endpoint", standing.name))


def _external(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    app.enter(Location("external"))


def _json(app: ConsoleApp, standing: Standing, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, standing.name, standing)


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "open", _open, "Versions, traffic, rollout and history of the endpoint."),
    *ROUTING,
    CREATE,
    Action("external", "e", "others", _external, "Endpoints that somebody else serves.", needs=Needs.NOTHING),
    OF_ENDPOINT,
    *KEEPING,
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
)


def _key_of(event: Event) -> Key | None:
    return None if event.change == "deleted" else event.key


ENDPOINTS: Resource[Standing] = Resource(
    name="endpoints",
    noun="endpoint",
    source=EndpointSource(_fetch, lambda standing: standing.name, SHOWN, facts, SCHEMA),
    actions=ACTIONS,
    kinds=frozenset({"endpoint", "rollout"}),
    empty=(
        "No endpoints yet.",
        "Make one:  N here, or  qd endpoints create NAME MODEL",
        "Deploy to it:  D on it, or  qd endpoints deploy NAME VERSION --reason …",
        "Answer its callers:  qd serve",
    ),
    sort=("name", False),
    key_of=_key_of,
)


class EndpointList(ListView[Standing]):
    """The list of endpoints; what moves is read anew once a second while it moves.

    Args:
        location: Filter, order and columns.
    """

    def __init__(self, location: Location) -> None:
        super().__init__(ENDPOINTS, location)

    def beat(self, beat: Beat) -> None:
        """Read what is in view while traffic is reported, or when a data plane came or went."""
        if beat.planes_moved or beat.quiet_seconds < SETTLE_SECONDS:
            self.tick()


def view(location: Location) -> View:
    """The list of endpoints."""
    return EndpointList(location)
