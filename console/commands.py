"""What is typed after `:` and `/`: parsing, completion, history, and what it leads to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from console.everywhere import EVERYWHERE
from console.location import Location, filter_text
from console.registry import GRAMMAR
from console.typing import Stage, Typed, common_start
from engine.core.command import Action as Deed
from engine.core.command import ResourceWords, VerbWords, parse_command
from engine.core.completion import Names, complete
from engine.core.errors import InvalidInput, QuarterdeckError

if TYPE_CHECKING:
    from console.app import ConsoleApp

_AGO = re.compile(r"\s+@?((?:[0-9.]+(?:ms|s|min|m|h|d|w))+)\s+ago\s*$")

MOST_SHOWN = 8
"""Completions shown in the hint line."""


class _CommandLine:
    """One command being typed."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._names = Names()
        self._back = 0
        app.frame.ask(":", "", self.typed)
        app.read("command.names", lambda: known_names(app), self._take_names)

    def _take_names(self, names: Names) -> None:
        self._names = names

    def typed(self, typed: Typed) -> None:
        """A key in the line."""
        app = self._app
        if typed.stage is Stage.CHANGED:
            found = complete(typed.text, typed.cursor, GRAMMAR, self._names)
            app.frame.suggest("  ".join(each.text for each in found[:MOST_SHOWN]))
        elif typed.stage is Stage.COMPLETE:
            self._complete(typed)
        elif typed.stage in (Stage.OLDER, Stage.NEWER):
            self._recall(1 if typed.stage is Stage.OLDER else -1)
        else:
            _end(app)
            if typed.stage is Stage.DONE and typed.text.strip():
                app.history.append(typed.text)
                run_command(app, typed.text)

    def _complete(self, typed: Typed) -> None:
        found = complete(typed.text, typed.cursor, GRAMMAR, self._names)
        if not found:
            return
        first = found[0]
        text = common_start([each.text for each in found]) if len(found) > 1 else first.text + " "
        if len(text) > first.end - first.start:
            self._put(typed.text[: first.start] + text + typed.text[first.end :])

    def _recall(self, step: int) -> None:
        history = self._app.history
        self._back = max(0, min(self._back + step, len(history)))
        self._put(history[-self._back] if self._back else "")

    def _put(self, text: str) -> None:
        self._app.frame.put_typing(text)


def type_command(app: ConsoleApp) -> None:
    """Let the operator type a command."""
    _CommandLine(app)


def _end(app: ConsoleApp) -> None:
    app.frame.stop_typing()
    app.frame_changed()
    if app.view is not None:
        app.view.take_focus()


def known_names(app: ConsoleApp) -> Names:
    """The names there are, for completion. Runs in a worker thread.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    engine = app.engine
    models = [model.name for model in engine.models.page(limit=200).items]
    versions = [version.key for version in engine.models.versions(limit=200).items]
    experiments = [experiment.name for experiment in engine.experiments.page(limit=200).items]
    endpoints = [endpoint.name for endpoint in engine.endpoints.page(limit=200).items]
    external = [watched.endpoint.name for watched in engine.probing.page(limit=200).items]
    columns = engine.runs.columns()
    keys = [*columns.metrics[:100], *columns.params[:100]]
    return Names(
        {
            "models": models,
            "versions": [*models, *versions],
            "board": models,
            "version": versions,
            "history": models,
            "lineage": versions,
            "experiments": experiments,
            "state": models,
            "endpoint": endpoints,
            "predictions": endpoints,
            "external-endpoint": external,
        },
        {"runs": keys, "versions": keys},
    )


def run_command(app: ConsoleApp, text: str) -> None:
    """Do what was typed; what is wrong with it is told."""
    try:
        command = parse_command(completed(text), GRAMMAR)
        if isinstance(command, Deed):
            _do(app, command)
        else:
            app.jump(command)
    except QuarterdeckError as error:
        app.fail(error)


def completed(text: str) -> str:
    """A command with its first word written out where only one begins like it, and `5m ago` as `@5m`; else as it is."""
    text = _AGO.sub(r" @\1", text)
    word, space, rest = text.strip().partition(" ")
    if GRAMMAR.resource(word) or GRAMMAR.verb(word):
        return text
    known: list[ResourceWords | VerbWords] = [*GRAMMAR.resources.values(), *GRAMMAR.verbs.values()]
    found = [each.name for each in known if any(name.startswith(word) for name in (each.name, *each.aliases))]
    return f"{found[0]}{space}{rest}" if word and len(found) == 1 else text


def _do(app: ConsoleApp, deed: Deed) -> None:
    if deed.verb == "promote":
        app.jump(promotion_of(deed))
    elif deed.verb == "rollback":
        name = deed.arguments[0] if deed.arguments else ""
        app.jump(Location("promotion", f"{name}/rollback"))
    else:
        action = next(each for each in EVERYWHERE if each.name == deed.verb)
        app.invoke(action)


def promotion_of(deed: Deed) -> Location:
    """The promotion a command asks for: `promote churn 7 --to production` or `promote churn/7 --to staging`.

    Raises:
        InvalidInput: the model or the version is missing.
    """
    words = [part for word in deed.arguments for part in word.split("/")]
    if len(words) != 2 or not words[1].isdigit():
        raise InvalidInput("promote takes a model and a version.", hint="Type `:promote churn 7 --to production`.")
    to = dict(deed.options).get("to") or "production"
    return Location("promotion", f"{words[0]}/{words[1]}/{to.lower()}")


def type_filter(app: ConsoleApp) -> None:
    """Let the operator type a filter; the view follows every letter."""
    view = app.view
    if view is None or not view.filterable:
        app.say("This view has nothing to filter.", "dim")
        return
    before = filter_text(view.location)

    def typed(typed: Typed) -> None:
        if typed.stage is Stage.CHANGED:
            view.set_filter(typed.text)
        elif typed.stage is Stage.GIVEN_UP:
            view.set_filter(before)
            _end(app)
        elif typed.stage is Stage.DONE:
            _end(app)

    app.frame.ask("/", before, typed)
