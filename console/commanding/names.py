"""What there is in the workspace by name, for completion and for words that are nearly right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from console.commanding.catalog import KINDS, SINGULAR, actions_of, kind_of
from console.commanding.grammar import verbs_by_name
from console.commanding.unknown import Unknown
from console.formats import STAGES, STATES
from engine.core.completion import Names
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from engine.api import Engine
    from engine.tracking.model import RunQuery

MOST = 200
"""Names of a resource that are offered: the newest, or the first."""

KEYS = 100
"""Metrics and parameters that are offered."""

_READERS: Mapping[str, Callable[[Engine], Sequence[str]]] = {
    "runs": lambda engine: [run.run_id[:8] for run in engine.run_reading.page(_newest_runs()).items],
    "experiments": lambda engine: [each.name for each in engine.experiments.page(limit=MOST).items],
    "models": lambda engine: [each.name for each in engine.models.page(limit=MOST).items],
    "versions": lambda engine: [each.key for each in engine.models.versions(limit=MOST).items],
    "endpoints": lambda engine: [each.name for each in engine.endpoints.page(limit=MOST).items],
    "external": lambda engine: [each.endpoint.name for each in engine.probing.page(limit=MOST).items],
    "alerts": lambda engine: [str(each.id) for each in engine.alerts.page(limit=MOST).items],
    "silences": lambda engine: [str(each.id) for each in engine.alerts.silences()],
    "monitors": lambda engine: [each.name for each in engine.monitors.page(limit=MOST).items],
    "approvals": lambda engine: [str(each.id) for each in engine.approvals.page(None, limit=MOST).items],
    "prompts": lambda engine: [each.name for each in engine.prompts.page(limit=MOST).items],
}

_LIKE: Mapping[str, Sequence[str]] = {
    "board": ("models",),
    "history": ("models",),
    "state": ("models",),
    "lineage": ("versions", "runs"),
    "predictions": ("endpoints",),
    "results": ("monitors",),
    "compare": ("runs",),
    "prompt-versions": ("prompts",),
    "drift": ("models",),
}
"""Views that are named like things of others."""

ASKED = ("runs", "experiments", "models", "versions", "endpoints", "alerts", "audit", "traces", "prompts")
"""Lists whose filters know what their things have, under the names of the schemas."""

_BEFORE: Mapping[str, str] = {"runs": "experiments", "versions": "models"}
"""Lists that are narrowed by a name of another resource; verbs take names of their own things."""


def _newest_runs() -> RunQuery:
    from engine.tracking.model import RunQuery as Query

    return Query(limit=50)


def names_of(engine: Engine, resource: str) -> Sequence[str]:
    """The names of things of a resource; none where they have no names. Runs in a worker thread.

    Args:
        engine: The open workspace.
        resource: Its name.
    """
    reader = _READERS.get(kind_of(resource))
    try:
        return reader(engine) if reader else ()
    except QuarterdeckError:  # completion does without what cannot be read now
        return ()


def own_values(app: ConsoleApp) -> Mapping[str, Sequence[str]]:
    """What the operator has by name: themes and saved views. Reads files: runs in a worker thread.

    Args:
        app: The application.
    """
    from console.arranging.saved import view_names
    from console.theming.choosing import names as themes

    try:
        views = view_names(app)
    except QuarterdeckError:  # a broken file is told where it is used
        views = []
    return {"theme": themes(app), "view name": views}


def known_names(engine: Engine, own_values: Mapping[str, Sequence[str]] | None = None) -> Names:
    """Everything that completion offers. Runs in a worker thread.

    Args:
        engine: The open workspace.
        own_values: What more there is by name, by option, or by verb and option.
    """
    verbs_by_name()  # imported here, off the screen's thread, while the first letters are typed
    own = {resource: names_of(engine, resource) for resource in _READERS}
    views: dict[str, Sequence[str]] = dict(own)
    views |= {shown: own.get(listed, ()) for shown, listed in SINGULAR.items()}
    views |= {view: [name for each in like for name in own[each]] for view, like in _LIKE.items()}
    views |= {resource: [*own[before], *own[resource]] for resource, before in _BEFORE.items()}
    try:
        columns = engine.run_reading.columns()
        keys = (*columns.metrics[:KEYS], *columns.params[:KEYS])
    except QuarterdeckError:
        keys = ()
    return Names(views, _columns(keys), {**_fixed(), **VALUES, **(own_values or {})}, own)


def _columns(keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What lists can be asked and sorted by: what was logged first, then what all have."""
    from engine.core.query import schema

    found: dict[str, Sequence[str]] = {}
    for resource in ASKED:
        logged = keys if resource in ("runs", "versions") else ()
        known: schema.Schema = getattr(schema, resource.upper())
        found[resource] = (*logged, *(each.name for each in known.attributes))
    return found


def _fixed() -> Mapping[str, Sequence[str]]:
    """The values of fields that take no others."""
    actions = [action for resource in KINDS for action in actions_of(resource).values()]
    return {field.name: field.among for action in actions for field in action.ask(Unknown()) if field.among}


VALUES: Mapping[str, Sequence[str]] = {
    "status": tuple(STATES),
    "stage": tuple(stage.lower() for stage in STAGES),
    "to": ("staging", "production", "archived"),
    "severity": ("info", "warning", "critical"),
    "share": ("canary", "shadow", "live"),
}
"""What keys and options can be, by name."""
