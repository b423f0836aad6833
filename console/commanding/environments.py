"""Other workspaces by name: `@staging` opens one over this console; leaving it comes back."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from shlex import split
from typing import TYPE_CHECKING

from engine.core.command import unparse_command
from engine.core.errors import NotFound
from engine.core.text import clean

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.location import Location

NAME = "QUARTERDECK_ENVIRONMENT"
"""Tells a console under which name it was opened; its frame says so."""

_TOLD = 2_000


def environment_name() -> str:
    """The name under which this console's workspace was opened from another one; empty for none."""
    return clean(os.environ.get(NAME, ""), limit=40)


def arguments_for(location: Location, path: str, *, read_only: bool, as_user: str = "") -> list[str]:
    """The command that opens a workspace at a view.

    Args:
        location: The view.
        path: The workspace's directory; `~` stands for the home folder.
        read_only: Whether every change is refused there too.
        as_user: The name to act under; empty for one's own.
    """
    words = split(unparse_command(replace(location, env="")))[1:]
    options = ["--workspace", str(Path(path).expanduser())]
    options += ["--readonly"] if read_only else []
    options += ["--as", as_user] if as_user else []
    return [sys.executable, "-m", "console", *options, *words]


def open_environment(app: ConsoleApp, location: Location) -> None:
    """Open another workspace over this console, as readable and writable as this one.

    Args:
        app: The application.
        location: The view there; its `env` names the workspace.

    Raises:
        NotFound: no workspace has that name any more.
    """
    from textual.app import SuspendNotSupported

    path = app.custom.settings.environments.get(location.env)
    if path is None:
        raise NotFound(f"There is no environment {location.env}.", hint="[console.environments] names them.")
    access = app.engine.access
    acting = access.actor.name if access.actor.on_behalf_of else ""
    arguments = arguments_for(location, path, read_only=access.read_only, as_user=acting)
    try:
        with app.suspend():
            code, told = _run(arguments, {**os.environ, NAME: location.env})
    except SuspendNotSupported:
        app.say("Another workspace needs a terminal of its own.", "warn")
        return
    if code:
        app.say(clean(told or f"@{location.env} ended with code {code}.", limit=_TOLD), "bad")
    else:
        app.say(f"Back from @{location.env}.", "dim")


def _run(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a console, and keep what it says when it cannot begin."""
    import tempfile

    from console.commanding.programs import run_in_front

    with tempfile.TemporaryFile() as errors:
        code = run_in_front(arguments, environment, str(Path.cwd()), errors=errors.fileno())
        errors.seek(0)
        return code, errors.read(_TOLD).decode("utf-8", "replace").strip()
