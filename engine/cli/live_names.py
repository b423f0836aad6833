"""Arguments that name something in the workspace; the shell completes them from what is there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from engine.cli.cells import count
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from engine.api import Engine

Names = Callable[["Engine", click.Context], Iterable[tuple[str, str]]]
"""Takes the engine and what has been typed so far; gives names, each with a word about it."""

_MOST = 200
_MOST_DIGITS = 18


class LiveName(click.ParamType[str]):
    """A name of something in the workspace.

    Args:
        name: What the argument is called in help.
        names: Finds the names there are.
    """

    def __init__(self, name: str, names: Names) -> None:
        self.name = name
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that continue what was typed; none when the workspace cannot be read."""
        del param
        return _continuing(self._names, ctx, incomplete)


class LiveNumber(click.ParamType[int]):
    """A number that names something in the workspace, such as a version's.

    Args:
        name: What the argument is called in help.
        names: Finds the numbers there are, as text.
    """

    def __init__(self, name: str, names: Names) -> None:
        self.name = name
        self._names = names

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a whole number from 1."""
        word = str(value)
        if not (word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS and int(word) > 0):
            self.fail(f"{word!r} is no {self.name}; write a number from 1.", param, ctx)
        return int(word)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The numbers that continue what was typed; none when the workspace cannot be read."""
        del param
        return _continuing(self._names, ctx, incomplete)


def _continuing(names: Names, context: click.Context, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from engine import api
    from engine.core.text import clean

    try:
        with api.open(context.find_root().params.get("workspace"), read_only=True, via="cli") as opened:
            found = list(names(opened, context))
    except QuarterdeckError:
        return []
    # A name that does not survive cleaning could not be typed, and must not reach the terminal.
    return [
        CompletionItem(name, help=clean(about, limit=60))
        for name, about in found
        if name.startswith(incomplete) and clean(name, limit=1_000) == name
    ]


def _experiments(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(each.name, count(each.run_count, "run")) for each in engine.experiments.page(limit=_MOST).items]


def _runs(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    from engine.tracking.model import RunQuery

    found = engine.run_reading.page(RunQuery(limit=_MOST)).items
    return [(run.run_id, f"{run.name} {run.state}") for run in found]


def _metrics(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(key, "metric") for key in engine.runs.columns().metrics]


def _models(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(model.name, count(model.versions, "version")) for model in engine.models.page(limit=_MOST).items]


def _versions(engine: Engine, context: click.Context) -> Iterable[tuple[str, str]]:
    model = str(context.params.get("model", ""))
    return [(str(each.version), each.stage.value) for each in engine.models.versions(model, limit=_MOST).items]


def _references(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    for version in engine.models.versions(None, limit=_MOST).items:
        yield version.key, version.stage.value
        for alias in version.aliases:
            yield f"{version.model}@{alias}", version.key


def _aliases(engine: Engine, context: click.Context) -> Iterable[tuple[str, str]]:
    model = engine.models.get(str(context.params.get("model", "")))
    return [(alias, f"version {number}") for alias, number in model.aliases.items()]


def _prompts(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(prompt.name, count(prompt.versions, "version")) for prompt in engine.prompts.page(limit=_MOST).items]


def _prompt_versions(engine: Engine, context: click.Context) -> Iterable[tuple[str, str]]:
    name = str(context.params.get("name", ""))
    return [(str(each.version), each.commit_message) for each in engine.prompts.versions(name, limit=_MOST).items]


def _prompt_references(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    for version in engine.prompts.versions(None, limit=_MOST).items:
        yield version.key, version.commit_message
        for alias in version.aliases:
            yield f"{version.prompt}@{alias}", version.key


def _requests(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(str(each.id), f"{each.ref} to {each.to}") for each in engine.approvals.page(limit=_MOST).items]


def _traces(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    from engine.traces.model import TraceQuery

    found = engine.traces.page(TraceQuery(limit=_MOST)).items
    return [(trace.trace_id, f"{trace.name} {trace.state.value}") for trace in found]


def _tokens(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(str(each.id), f"{each.name} {each.state.value}") for each in engine.tokens.page(limit=_MOST).items]


def _alerts(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    found = engine.alerts.page("state != 'resolved'", limit=_MOST).items
    return [(str(each.id), f"{each.severity.value} {each.subject}") for each in found]


def _monitors(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(each.name, each.settings.target) for each in engine.monitors.page(limit=_MOST).items]


def _webhooks(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(each.id, each.name) for each in engine.webhooks.page(limit=_MOST).items]


def _endpoints(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(each.name, each.model) for each in engine.endpoints.page(limit=_MOST).items]


def _externals(engine: Engine, _context: click.Context) -> Iterable[tuple[str, str]]:
    return [(each.endpoint.name, each.endpoint.url) for each in engine.probing.page(limit=_MOST).items]


ENDPOINT = LiveName("endpoint", _endpoints)
EXTERNAL = LiveName("endpoint", _externals)
EXPERIMENT = LiveName("experiment", _experiments)
RUN = LiveName("run", _runs)
METRIC = LiveName("metric", _metrics)
MODEL = LiveName("model", _models)
REFERENCE = LiveName("version", _references)
ALIAS = LiveName("alias", _aliases)
VERSION = LiveNumber("version", _versions)
REQUEST = LiveNumber("request", _requests)
TRACE = LiveName("trace", _traces)
TOKEN = LiveNumber("token", _tokens)
PROMPT = LiveName("prompt", _prompts)
PROMPT_REFERENCE = LiveName("prompt", _prompt_references)
PROMPT_VERSION = LiveNumber("version", _prompt_versions)
ALERT = LiveNumber("alert", _alerts)
MONITOR = LiveName("monitor", _monitors)
WEBHOOK = LiveName("webhook", _webhooks)
