"""What can be done to things by name: for each resource its actions, and how a thing is read that somebody names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from console.actions import Action, Needs
from engine.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from engine.api import Engine


class Kind(NamedTuple):
    """A kind of thing that actions are done to.

    Args:
        places: `module:name` of what has the actions: a tuple of them, a list's resource, or a view.
        read: Reads the thing of a name, in a worker thread; `None` where its view must be opened first.
        singular: The resource that shows one of them.
        numbered: Whether its things are named `NAME/N`, so that `NAME N` is one of them, too.
    """

    places: tuple[str, ...]
    read: Callable[[Engine, str], object] | None = None
    singular: str = ""
    numbered: bool = False


def _number(word: str, what: str) -> int:
    """A number somebody typed as a name.

    Raises:
        InvalidInput: it is none.
    """
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise InvalidInput(f"{what} is named by its number.", hint="Such as 12.")
    return int(word)


def _version(engine: Engine, name: str) -> object:
    model, number = _key(name, "A version", "churn/7")
    return engine.models.version(model, number)


def _prompt_version(engine: Engine, name: str) -> object:
    prompt, number = _key(name, "A version of a prompt", "greeting/3")
    return engine.prompts.version(prompt, number)


def _key(name: str, what: str, example: str) -> tuple[str, int]:
    thing, _, number = name.rpartition("/")
    if not thing:
        raise InvalidInput(f"{what} is named NAME/NUMBER.", hint=f"Such as {example}.")
    return thing, _number(number, what)


def _silence(engine: Engine, name: str) -> object:
    number = _number(name, "A silence")
    found = next((each for each in engine.alerts.silences(ended=True) if each.id == number), None)
    if found is None:
        raise NotFound(f"There is no silence {number}.", hint=":silences lists them.")
    return found


def _endpoint(engine: Engine, name: str) -> object:
    from console.endpoints.beside import read_one_beside

    return read_one_beside(engine, name)


KINDS: Mapping[str, Kind] = {
    "runs": Kind(
        ("console.resources.runs:ACTIONS", "console.screens.run:RunView"),
        lambda engine, name: engine.runs.get(name),
        "run",
    ),
    "experiments": Kind(("console.resources.experiments:ACTIONS",), lambda engine, name: engine.experiments.get(name)),
    "models": Kind(("console.resources.models:ACTIONS",), lambda engine, name: engine.models.get(name)),
    "versions": Kind(("console.resources.versions:ACTIONS",), _version, "version", numbered=True),
    "promotion": Kind(("console.screens.promotion:PromotionView",)),
    "endpoints": Kind(("console.resources.endpoints:ACTIONS",), _endpoint, "endpoint"),
    "external": Kind(
        ("console.resources.external:RESOURCE",), lambda engine, name: engine.probing.get(name), "external-endpoint"
    ),
    "alerts": Kind(
        ("console.resources.alerts:ALERT_LIST",),
        lambda engine, name: engine.alerts.get(_number(name, "An alert")),
        "alert",
    ),
    "silences": Kind(("console.resources.silences:RESOURCE",), _silence),
    "monitors": Kind(
        ("console.resources.monitors:RESOURCE",), lambda engine, name: engine.monitors.get(name), "monitor"
    ),
    "approvals": Kind(
        ("console.resources.approvals:ACTIONS",),
        lambda engine, name: engine.approvals.get(_number(name, "A request")),
    ),
    "audit": Kind(
        ("console.resources.audit:ACTIONS",),
        lambda engine, name: engine.audit.entry(_number(name, "A record")),
        "record",
    ),
    "traces": Kind(("console.resources.traces:ACTIONS",), lambda engine, name: engine.traces.get(name), "trace"),
    "prompts": Kind(("console.resources.prompts:PROMPT_LIST",), lambda engine, name: engine.prompts.get(name)),
    "prompt-versions": Kind(("console.resources.prompts:VERSION_LIST",), _prompt_version, "prompt", numbered=True),
    "workspace": Kind(("console.screens.workspace:WorkspaceView",)),
    "server": Kind(("console.screens.server:ServerView",)),
}
"""By the resource that lists them. What else can be done belongs to the view on the screen."""

SYNONYMS: Mapping[tuple[str, str], str] = {
    ("versions", "describe"): "update",
    ("models", "edit"): "update",
    ("models", "remove-alias"): "unalias",
    ("endpoints", "edit"): "update",
    ("external", "forget"): "unregister",
    ("runs", "close-run"): "finish",
    ("alerts", "retrain"): "ask-retraining",
    ("silences", "end"): "unsilence",
    ("monitors", "create-monitor"): "create",
    ("versions", "measure"): "bench",
    ("promotion", "gates"): "check",
    ("workspace", "backup"): "backup",
}
"""What the shell calls an action that the console calls otherwise: both are understood."""

SINGULAR: Mapping[str, str] = {kind.singular: name for name, kind in KINDS.items() if kind.singular}
"""The resource that lists what another one shows one of."""


def kind_of(resource: str) -> str:
    """The resource that lists what a resource shows: `versions` for `version`; itself where there is no other."""
    return SINGULAR.get(resource, resource)


@cache
def actions_of(resource: str) -> Mapping[str, Action]:
    """What can be done to things of a resource, by verb; other words of the shell for it included.

    Args:
        resource: A name in `KINDS`.
    """
    found: dict[str, Action] = {}
    for place in KINDS[resource].places:
        for action in _actions_at(place):
            if _by_name(action):
                found.setdefault(action.name, action)
    spoken = {SYNONYMS[resource, name]: action for name, action in found.items() if (resource, name) in SYNONYMS}
    return {**found, **{verb: action for verb, action in spoken.items() if verb not in found}}


def _actions_at(place: str) -> Iterator[Action]:
    module, _, name = place.partition(":")
    holder = getattr(import_module(module), name)
    yield from getattr(holder, "actions", holder)


def _by_name(action: Action) -> bool:
    """Whether it is done to a thing, or changes something; what only moves about needs its view on the screen."""
    return action.name not in _OF_THE_SCREEN and (action.changes or action.needs is not Needs.NOTHING)


_OF_THE_SCREEN = frozenset({"open", "read"})
"""What Enter does where the cursor is; by name that is a view."""
