"""What is typed after `:` and `/`, and what it leads to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from console.location import Location, filter_text
from console.registry import GRAMMAR
from console.typing import Stage, Typed
from engine.core.command import Command, Grammar, ResourceWords, VerbWords, parse_command
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from console.app import ConsoleApp

_AGO = re.compile(r"\s+@?((?:[0-9.]+(?:ms|s|min|m|h|d|w))+)\s+ago\s*$")

_START = re.compile(r"\s*(?:qd\s+)?start\s+(?:--\s+)?(?!--command\b)(\S.*)", re.DOTALL)
"""A line for a job: all behind the verb is the job's."""

_SAME_EVERYWHERE = frozenset({"undo", "redo"})
"""Verbs that are done to what is on the screen only where that is named."""

_COPY = re.compile(r"\s*(?:qd\s+)?copy-cli\s+(?=\S)")
"""Before a command of which only the shell command is wanted."""


def type_command(app: ConsoleApp, text: str = "") -> None:
    """Let the operator type a command.

    Args:
        app: The application.
        text: What stands in the line at first.
    """
    from console.commanding.line import CommandLine, end_typing

    def run(text: str) -> None:
        command = understood(app, text)
        app.history.add(text)
        end_typing(app)
        _carry_out(app, command, copy=_COPY.match(text) is not None)

    CommandLine(app, run, text)


def understood(app: ConsoleApp, text: str) -> Command:
    """Parse what was typed, on the screen that is shown.

    Args:
        app: The application.
        text: The line.

    Raises:
        FilterSyntaxError: it means nothing; `details["column"]` says where in the line, from 1.
    """
    from console.commanding.grammar import grammar_of
    from engine.core.errors import FilterSyntaxError

    app.custom.settle()
    grammar, copied = grammar_of(app), _COPY.match(text)
    start = copied.end() if copied else 0
    line = _one_field(completed(app.custom.expanded(text[start:]), grammar))
    here = "" if line.partition(" ")[0] in _SAME_EVERYWHERE else app.navigator.here.resource
    try:
        return parse_command(line, grammar, here=here)
    except FilterSyntaxError as error:
        column = error.details.get("column")
        if isinstance(column, int):
            error.details["column"] = max(column + start - (len(line) - len(text[start:])), 1)
        raise


def _one_field(line: str) -> str:
    """A line for a job with what the job is to do as one word; any other line as it is."""
    found = _START.fullmatch(line)
    if found is None:
        return line
    from shlex import quote

    return f"start --command {quote(found[1].strip())}"


def run_command(app: ConsoleApp, text: str) -> None:
    """Do what a line says, as if it had been typed; what is wrong with it is told."""
    try:
        command = understood(app, text)
    except QuarterdeckError as error:
        app.fail(error)
    else:
        _carry_out(app, command, copy=_COPY.match(text) is not None)


def _carry_out(app: ConsoleApp, command: Command, *, copy: bool) -> None:
    from console.commanding.typed import do

    try:
        if copy:
            from console.commanding.copying import copy_command

            copy_command(app, command)
        elif isinstance(command, Location) and command.env:
            from console.commanding.environments import open_environment

            open_environment(app, command)
        elif isinstance(command, Location):
            app.jump(command)
        else:
            do(app, command)
    except QuarterdeckError as error:
        app.fail(error)


def completed(text: str, grammar: Grammar = GRAMMAR) -> str:
    """A command with its first word written out where only one begins like it, and `5m ago` as `@5m`; else as it is.

    Args:
        text: The command.
        grammar: The words there are.
    """
    text = _AGO.sub(r" @\1", text)
    word, space, rest = text.strip().partition(" ")
    if grammar.resource(word) or grammar.verb(word):
        return text
    known: list[ResourceWords | VerbWords] = [*grammar.resources.values(), *GRAMMAR.verbs.values()]
    found = [each.name for each in known if any(name.startswith(word) for name in (each.name, *each.aliases))]
    return f"{found[0]}{space}{rest}" if word and len(found) == 1 else text


def type_filter(app: ConsoleApp) -> None:
    """Let the operator type a filter; the view follows every letter."""
    from console.commanding.line import end_typing

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
            end_typing(app)
        elif typed.stage is Stage.DONE:
            end_typing(app)

    app.frame.ask("/", before, typed)
