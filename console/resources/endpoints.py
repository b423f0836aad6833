"""Endpoints: who answers, how well, whether data planes serve what is desired; and beside ours those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.endpoints import words
from console.endpoints.acts import ROUTING
from console.endpoints.beside import Beside, name_of, of_ours, read_beside, read_one_beside
from console.endpoints.keeping import CREATE, KEEPING
from console.endpoints.measuring import OF_ENDPOINT
from console.endpoints.standing import Standing
from console.formats import NONE, age, pill
from console.location import Location
from console.resources.external import certificate, latency_ms, probed_latency
from console.resources.memory import Facts, MemorySource
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.serving import SETTLE_SECONDS
from console.widgets.table import Column
from engine.core.errors import NotFound
from engine.core.query.schema import ENDPOINTS as OURS
from engine.core.query.schema import Attribute, Kind
from engine.probing.model import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from console.app import ConsoleApp
    from console.serving import Beat
    from console.text import Part
    from console.views import View
    from console.widgets.table import Key
    from engine.api import Engine
    from engine.core.events import Event

    Cell = Callable[[Beside, int], Part]


SCHEMA = replace(OURS, attributes=(*OURS.attributes, Attribute("kind", Kind.WORD)))
"""What can be asked of both; only ours have generations."""


def _dash(_shown: Beside, _now: int) -> Part:
    return (NONE, "dim")


def _ours(cell: Callable[[Standing, int], Part], theirs: Callable[[Watched, int], Part] = _dash) -> Cell:
    return lambda shown, now: cell(shown, now) if isinstance(shown, Standing) else theirs(shown, now)


def _live(standing: Standing, _now: int) -> Part:
    live = standing.live
    return (NONE, "dim") if live is None else (f"◆ {live.version}", "production")


def _percentiles(standing: Standing, _now: int) -> Part:
    flow = standing.flow
    return ("/".join(words.milliseconds(each) for each in (flow.p50_ms, flow.p95_ms, flow.p99_ms)), "")


def _tls(watched: Watched, now_ms: int) -> Part:
    """In the column that those of others would leave empty, for there is no room for one more."""
    text, look = certificate(watched, now_ms)
    return (text if text == NONE else f"tls {text}", look)


def _errors(standing: Standing, _now: int) -> Part:
    flow = standing.flow
    return words.errors(flow.error_rate, flow.requests)


SHOWN: tuple[Shown[Beside], ...] = (
    Shown(
        Column("name", "ENDPOINT", width=12, minimum=8, maximum=40, weight=2, priority=9, whole=40),
        lambda shown, _now: (name_of(shown), "name"),
        "name",
    ),
    Shown(
        Column("kind", "KIND", width=8, minimum=8, priority=7),
        lambda shown, _now: (_kind(shown), "dim" if isinstance(shown, Standing) else "link"),
        "kind",
    ),
    Shown(
        Column("health", "HEALTH", width=16, minimum=16, priority=9),
        _ours(
            lambda standing, _now: pill(words.HEALTH, standing.health.value),
            lambda watched, _now: pill(words.EXTERNAL, watched.health.state.value),
        ),
    ),
    Shown(
        Column("model", "MODEL", width=12, minimum=8, maximum=40, weight=1, priority=3),
        lambda shown, _now: (shown.endpoint.model, ""),
        "model",
    ),
    Shown(
        Column("live", "LIVE", width=4, minimum=4, priority=8),
        _ours(_live, lambda _watched, _now: ("ext", "link")),  # said where there is no room for the kind
    ),
    Shown(
        Column("rps", "RPS", width=6, minimum=5, align="right", priority=8),
        _ours(lambda standing, _now: (words.rate(standing.flow.rps), "" if standing.flow.requests else "dim")),
        value=lambda shown: shown.flow.rps if isinstance(shown, Standing) else None,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("latency", "P50/P95/P99 ms", width=15, minimum=14, align="right", priority=8),
        _ours(_percentiles, probed_latency),
        value=lambda shown: shown.flow.p95_ms if isinstance(shown, Standing) else latency_ms(shown),
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("errors", "ERR %", width=5, minimum=5, align="right", priority=8),
        _ours(_errors),
        value=lambda shown: 100 * shown.flow.error_rate if isinstance(shown, Standing) else None,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("generation", "GEN", width=5, minimum=5, priority=8),
        _ours(lambda standing, _now: words.generation(standing)),
        "generation",
    ),
    Shown(
        Column("traffic", "TRAFFIC", width=27, minimum=27, maximum=60, weight=3, priority=6),
        _ours(
            lambda standing, _now: (words.traffic_words(standing), "loud" if standing.killed else ""),
            lambda watched, _now: (watched.endpoint.url, "link"),
        ),
    ),
    Shown(
        Column("rollout", "ROLLOUT · TLS", width=18, minimum=18, priority=5),
        _ours(lambda standing, now: words.rollout_step(standing.rollout, now), _tls),
    ),
    Shown(
        Column("updated", "CHANGED", width=7, minimum=7, align="right", priority=4),
        lambda shown, now: (age(shown.endpoint.updated_ms, now), "dim"),
        "last_updated_timestamp",
    ),
)


def _kind(shown: Beside) -> str:
    return "own" if isinstance(shown, Standing) else "external"


def facts(shown: Beside) -> Facts:
    """An endpoint as filters see it."""
    endpoint = shown.endpoint
    return Facts(
        {
            "name": endpoint.name,
            "kind": _kind(shown),
            "model": endpoint.model,
            "owner": endpoint.owner,
            "description": endpoint.description,
            "user_id": endpoint.created_by,
            "generation": shown.desired if isinstance(shown, Standing) else None,
            "capture": shown.endpoint.capture if isinstance(shown, Standing) else None,
            "creation_timestamp": endpoint.created_ms,
            "last_updated_timestamp": endpoint.updated_ms,
        },
        tags=endpoint.tags,
    )


@dataclass(frozen=True, slots=True)
class EndpointSource(MemorySource[Beside]):
    """Reads all endpoints for the order, and only those in view for what moves."""

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, Beside]:
        """Those that are in view, each by itself; one that is gone is left out.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        del location
        found: dict[Key, Beside] = {}
        for key in keys:
            try:
                found[key] = read_one_beside(engine, str(key))
            except NotFound:
                continue
        return found


def _fetch(engine: Engine, _location: Location) -> Iterable[Beside]:
    return read_beside(engine)


def _open(app: ConsoleApp, shown: Beside, _answers: Answers) -> None:
    app.enter(Location("endpoint" if isinstance(shown, Standing) else "external-endpoint", name_of(shown)))


def _external(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    app.enter(Location("external"))


def _json(app: ConsoleApp, shown: Beside, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, name_of(shown), shown)


ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        "Enter",
        "open",
        _open,
        "Versions, traffic, rollout and history; of others what was found.",
    ),
    *map(of_ours, ROUTING),
    CREATE,
    Action("external", "e", "others", _external, "What probes found at those of others.", needs=Needs.NOTHING),
    of_ours(OF_ENDPOINT),
    *map(of_ours, KEEPING),
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
)


def _key_of(event: Event) -> Key | None:
    return None if event.change in ("deleted", "registered", "unregistered") else event.key


ENDPOINTS: Resource[Beside] = Resource(
    name="endpoints",
    noun="endpoint",
    source=EndpointSource(_fetch, name_of, SHOWN, facts, SCHEMA),
    actions=ACTIONS,
    kinds=frozenset({"endpoint", "rollout"}),
    empty=(
        "No endpoints yet.",
        "Make one:  N here, or  qd endpoints create NAME MODEL",
        "Deploy to it:  D on it, or  qd endpoints deploy NAME VERSION --reason …",
        "Answer its callers:  qd serve",
        "Watch another's:  n in :external, or  qd endpoints register NAME --url URL",
    ),
    sort=("name", False),
    key_of=_key_of,
)


class EndpointList(ListView[Beside]):
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
