"""Which resources there are and where their views are defined; nothing is imported before it is opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from console.location import Location, identity
from console.past import tellable
from engine.core.command import Grammar, ResourceWords, VerbWords
from engine.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.views import View

__all__ = ["GRAMMAR", "START", "Entry", "identity", "make_view"]

START = Location("pulse")
"""Where the console begins when nothing else is asked for."""


class Entry(NamedTuple):
    """A resource of the console.

    Args:
        place: `module:function`; the function takes a location and returns a view.
        summary: What it shows, for help, palette and completion.
        aliases: Shorter names.
        named: Whether it needs a name, as `run` does.
    """

    place: str
    summary: str
    aliases: tuple[str, ...] = ()
    named: bool = False


RESOURCES: dict[str, Entry] = {
    "pulse": Entry(
        "console.screens.pulse:Pulse", "what is going on: states, live runs, Production, what waits", ("home",)
    ),
    "runs": Entry("console.resources.runs:view", "runs: parameters, metrics, state", ("r",)),
    "run": Entry("console.screens.run:RunView", "one run: charts, parameters, artifacts, environment", (), named=True),
    "compare": Entry("console.screens.compare:Compare", "several runs side by side: ID,ID,…", ("cmp",), named=True),
    "experiments": Entry("console.resources.experiments:view", "groups of runs", ("exp",)),
    "models": Entry("console.resources.models:view", "registered models and what is in Production", ("m",)),
    "versions": Entry("console.resources.versions:view", "versions of a model, or of all models", ("v",)),
    "board": Entry("console.screens.board:Board", "versions in four columns, one a stage", ("stages",)),
    "version": Entry("console.screens.version:VersionView", "one version: digest, signature, metrics", (), named=True),
    "promotion": Entry(
        "console.screens.promotion:PromotionView", "gates, approvals and changes: MODEL/N/STAGE", (), named=True
    ),
    "history": Entry("console.screens.history:History", "promotions and rollbacks of a model", (), named=True),
    "state": Entry("console.screens.state:State", "which version was where; @TIME for the past"),
    "lineage": Entry("console.screens.lineage:LineageView", "what led to it and what came of it", (), named=True),
    "endpoints": Entry("console.resources.endpoints:view", "endpoints: health, traffic, latency, rollouts", ("ep",)),
    "endpoint": Entry(
        "console.screens.endpoint:EndpointView", "one endpoint: versions, canary against live, history", (), named=True
    ),
    "external": Entry("console.resources.external:view", "endpoints that somebody else serves, as probes find them"),
    "external-endpoint": Entry("console.screens.external:ExternalView", "one of them, hour by hour", (), named=True),
    "predictions": Entry("console.resources.predictions:view", "captured requests of an endpoint", (), named=True),
    "alerts": Entry("console.resources.alerts:view", "what monitors have found: take on, silence, resolve", ("al",)),
    "alert": Entry("console.screens.alert:AlertView", "one alert: features, shapes, windows, history", (), named=True),
    "silences": Entry("console.resources.silences:view", "what nobody wants to be told of for a while"),
    "monitors": Entry("console.resources.monitors:view", "what is looked at, how often, what came of it", ("mon",)),
    "monitor": Entry("console.screens.monitor:MonitorView", "one monitor: settings and windows", (), named=True),
    "results": Entry("console.resources.results:view", "windows that monitors looked at", ("windows",)),
    "result": Entry("console.screens.result:ResultView", "one window: features side by side", (), named=True),
    "drift": Entry("console.screens.drift:DriftView", "models by features over time, by how bad it is"),
    "approvals": Entry("console.resources.approvals:view", "requests that wait for a decision", ("a", "inbox")),
    "audit": Entry("console.resources.audit:view", "who changed what, when and why"),
    "record": Entry("console.screens.record:Record", "one audit record: before and after", (), named=True),
    "workspace": Entry(
        "console.screens.workspace:WorkspaceView", "policy, storage, soundness, backup", ("ws", "policy")
    ),
    "traces": Entry("console.resources.traces:view", "what programs did while they answered requests", ("t",)),
    "trace": Entry("console.screens.trace:TraceView", "one trace: its spans as a tree, in time", (), named=True),
    "prompts": Entry("console.resources.prompts:view", "prompts and their aliases", ("pr",)),
    "prompt-versions": Entry("console.resources.prompts:versions_view", "versions of a prompt", (), named=True),
    "prompt": Entry("console.screens.prompt:PromptView", "one version of a prompt: NAME/N", (), named=True),
    "prompt-diff": Entry("console.screens.prompt:PromptDiffView", "two versions line by line", (), named=True),
    "server": Entry("console.screens.server:ServerView", "the server: clients, rates, latencies, failures", ("srv",)),
    "jobs": Entry("console.screens.jobs:JobsView", "long work: how far, how it ended; it goes on when you leave"),
    "job": Entry("console.screens.jobs:JobView", "one job: progress and log", (), named=True),
    "output": Entry("console.commanding.output:OutputView", "what a program of quarterdeck.toml wrote", (), named=True),
    "processes": Entry("console.screens.processes:ProcessesView", "processes that `qd up` looks after", ("up",)),
    "glossary": Entry("console.screens.glossary:Glossary", "the words on screens: stages, states, tests", ("words",)),
    "log": Entry("console.screens.log:LogView", "what the console has said, in this session and before"),
    "help": Entry("console.screens.help:Help", "keys and commands"),
}
"""By name, in the order help lists them."""


def _verbs() -> dict[str, VerbWords]:
    words = (
        VerbWords(
            "promote", ("versions", "models"), ("to", "reason"), summary="plan MODEL N --to STAGE", usual="versions"
        ),
        VerbWords("archive", ("versions",), ("reason",), summary="plan taking MODEL N out of service"),
        VerbWords(
            "rollback", ("models",), ("reason",), (), ("roll-back",), "plan the rollback of MODEL", usual="models"
        ),
        VerbWords("quit", (), (), (), ("q",), "leave the console"),
        VerbWords("copy-cli", (), (), (), (), "copy the shell command of this view or of the last action"),
        VerbWords("refresh", (), (), (), (), "read everything anew"),
    )
    return {word.name: word for word in words}


GRAMMAR = Grammar(
    {name: ResourceWords(name, entry.aliases, entry.summary) for name, entry in RESOURCES.items()}, _verbs()
)
"""The words of the command line."""


def make_view(location: Location) -> View:
    """Make the view of a location.

    Args:
        location: Where to.

    Returns:
        The view, not yet mounted.

    Raises:
        NotFound: there is no such resource, or it needs a name.
    """
    entry = RESOURCES.get(location.resource)
    if entry is None:
        raise NotFound(f"There is no resource {location.resource}.", hint=f"There are {', '.join(RESOURCES)}.")
    if entry.named and not location.name:
        raise NotFound(f"{location.resource} needs a name.", hint=f"It shows {entry.summary}.")
    if location.at and not tellable(location):
        return import_module("console.screens.untold").Untold(location)  # type: ignore[no-any-return]
    module, _, name = entry.place.partition(":")
    make: Callable[[Location], View] = getattr(import_module(module), name)
    return make(location)
