"""Which sort of audit record each action leaves, so that what cannot be undone says so before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.undoing.registry import can_be_undone, why_final

if TYPE_CHECKING:
    from console.actions import Action

Sorts = tuple[tuple[str, str], ...]

_APPROVING: Mapping[str, Sorts] = {
    verb: (("approval", verb),) for verb in ("approve", "reject", "revoke", "withdraw", "request")
}
_ROUTING: Mapping[str, Sorts] = {
    verb: (("endpoint", verb),) for verb in ("deploy", "kill", "retire", "revive", "shadow", "traffic", "undo")
}

_PLACES: Mapping[str, Mapping[str, Sorts]] = {
    "console.drift.baselines": {"baseline": (("version", "baseline"),)},
    "console.endpoints.acts": {
        **_ROUTING,
        "rollback": (("endpoint", "roll back"),),
        "promote": (("rollout", "begin"),),
        "pause": (("rollout", "pause"),),
        "resume": (("rollout", "step"),),
        "abort": (("rollout", "aborted"),),
    },
    "console.endpoints.keeping": {
        "create": (("endpoint", "create"),),
        "delete": (("endpoint", "delete"),),
        "edit": (("endpoint", "update"),),
        "tag": (("endpoint", "tag"),),
    },
    "console.resources.alerts": {
        "acknowledge": (("alert", "acknowledge"),),
        "give-back": (("alert", "reopen"),),
        "resolve": (("alert", "resolve"),),
        "retrain": (("model", "ask retraining"),),
        "silence": (("alert", "silence"),),
    },
    "console.resources.approvals": _APPROVING,
    "console.resources.experiments": {
        "create": (("experiment", "create"),),
        "delete": (("experiment", "delete"),),
        "rename": (("experiment", "rename"),),
        "restore": (("experiment", "restore"),),
        "tag": (("experiment", "tag"),),
    },
    "console.resources.external": {
        "edit": (("external endpoint", "update"),),
        "forget": (("external endpoint", "unregister"),),
        "register": (("external endpoint", "register"),),
    },
    "console.resources.models": {
        "create": (("model", "create"),),
        "delete": (("model", "delete"),),
        "edit": (("model", "update"),),
        "remove-alias": (("model", "remove alias"),),
        "rename": (("model", "rename"),),
        "tag": (("model", "tag"),),
    },
    "console.resources.monitors": {
        "change": (("monitor", "change"),),
        "create-monitor": (("monitor", "create"),),
        "delete": (("monitor", "delete"),),
        "pause": (("monitor", "pause"),),
        "resume": (("monitor", "resume"),),
    },
    "console.resources.prompts": {"alias": (("prompt", "set alias"),)},
    "console.resources.runs": {
        "delete": (("run", "delete"),),
        "note": (("run", "note"),),
        "reap": (("run", "reap"),),
        "register": (("version", "register"),),
        "rename": (("run", "rename"),),
        "tag": (("run", "tag"),),
    },
    "console.resources.silences": {"end": (("silence", "unsilence"),)},
    "console.resources.traces": {"delete": (("trace", "delete"),)},
    "console.resources.versions": {
        "alias": (("model", "set alias"),),
        "allow-pickle": (("version", "allow pickle"),),
        "delete": (("version", "delete"),),
        "describe": (("version", "update"),),
        "forbid-pickle": (("version", "forbid pickle"),),
        "tag": (("version", "tag"),),
    },
    "console.screens.promotion": {**_APPROVING, "promote": (("promotion", "promote"),)},
    "console.runs.acts": {"restore": (("run", "restore"),)},
}

UNAUDITED: Mapping[tuple[str, str], str] = {
    ("console.endpoints.measuring", "measure"): "measures, and changes nothing",
    ("console.resources.external", "probe"): "looks, and keeps what it found",
    ("console.resources.monitors", "run"): "looks, and keeps what it found",
    ("console.resources.traces", "tag"): "what programs and people say of a trace is no change of the workspace",
    ("console.jobs", "start"): "a process of its own, whose changes leave their own records",
    ("console.screens.jobs", "forget"): "only what the job said is forgotten",
    ("console.screens.jobs", "cancel"): "what is given up kept nothing",
    ("console.screens.promotion", "gates"): "evidence, and nothing moves",
    ("console.runs.acts", "close-run"): "what a program says of its run, said for it",
    ("console.screens.server", "stop"): "a process, not the workspace",
    ("console.screens.workspace", "backup"): "a copy elsewhere",
    ("console.undoing.acts", "undo"): "its own dialog tells whether it can be undone in its turn",
    ("console.undoing.acts", "redo"): "same",
}
"""Actions that change something but leave no record of their own, each with the reason."""


def identity(action: Action) -> tuple[str, str]:
    """The place where an action is defined, and its name: the same on every screen that offers it."""
    function = getattr(action.run, "func", action.run)
    return function.__module__, action.name


def sorts_of(action: Action) -> Sorts:
    """Kind and verb of the records that an action leaves; nothing for what is not audited."""
    module, name = identity(action)
    return _PLACES.get(module, {}).get(name, ())


def beforehand(action: Action) -> tuple[str, ...]:
    """What is to be said before an action is done: lines on what of it cannot be undone; nothing when all can."""
    told = []
    for kind, verb in sorts_of(action):
        if why := why_final(kind, verb):
            told.append(f"Not all of this can be undone: {why}" if can_be_undone(kind, verb) else f"{FINAL} {why}")
    return tuple(told)


FINAL = "This cannot be undone:"


def is_undoable(action: Action) -> bool:
    """Whether `z` takes back what an action does."""
    sorts = sorts_of(action)
    return bool(sorts) and all(can_be_undone(kind, verb) for kind, verb in sorts)
