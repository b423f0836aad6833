"""`:copy-cli`: the line for the shell that does or shows the same, put on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Needs
from console.commanding.catalog import KINDS, actions_of, kind_of
from console.commanding.typed import PLANNED, named, promotion_of, read_named, words_for
from console.location import Location
from console.shell import in_workspace, shell_of
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from engine.api import Engine
    from engine.core.command import Action as Deed
    from engine.core.command import Command


def copy_here(app: ConsoleApp) -> None:
    """Copy the command of what was done last on this screen, else of what the screen shows."""
    here = app.navigator.here
    app.read("copy-cli", lambda: app.last_shell or shell_of(app.engine, here), lambda line: _copy(app, line))


def copy_command(app: ConsoleApp, command: Command) -> None:
    """Copy the line for the shell of a command that was typed, without doing it.

    Args:
        app: The application.
        command: A view or an action.
    """
    app.read("copy-cli", lambda: line_of(app.engine, command), lambda line: _copy(app, line))


def line_of(engine: Engine, command: Command) -> str:
    """The line for the shell that does what a command of the console does. Runs in a worker thread.

    Args:
        engine: The open workspace.
        command: A view or an action on things that are named.

    Returns:
        The line.

    Raises:
        InvalidInput: it only moves about on the screen.
        QuarterdeckError: what it names cannot be read.
    """
    if isinstance(command, Location):
        return shell_of(engine, command)
    resource = kind_of(command.resource)
    if command.verb in PLANNED and resource in ("models", "versions") and command.arguments:
        return _planned(command)
    action = actions_of(resource).get(command.verb) if resource in KINDS else None
    if action is None:
        raise InvalidInput(f"{command.verb} is of this screen alone; the shell has no word for it.")
    names, words = named(action, KINDS[resource], command.arguments)
    things = tuple(read_named(engine, resource, name) for name in names)
    subject = things if action.needs is Needs.MANY else next(iter(things), None)
    answers = words_for(action, subject, words, command.options)
    if line := action.twin(subject, answers):
        return line
    raise InvalidInput(f"The shell has no word for {command.verb} {resource}.", hint="Copy the view it leads to.")


def _planned(deed: Deed) -> str:
    place = promotion_of(deed)
    model, *rest = place.name.split("/")
    reason = dict(deed.options).get("reason")
    why = ["--reason", reason] if reason else []
    from shlex import join

    if rest == ["rollback"]:
        return join(["qd", "models", "rollback", model, *why])
    return join(["qd", "models", "promote", model, rest[0], "--to", rest[1], *why])


def _copy(app: ConsoleApp, line: str) -> None:
    app.copy(in_workspace(line, app.workspace))
