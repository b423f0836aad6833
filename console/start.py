"""Starting the console: refuse politely, open the workspace, then load the screen library."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.location import Location
    from engine.api import Engine


def start(
    workspace: str | None,
    *,
    as_user: str | None,
    read_only: bool,
    words: tuple[str, ...],
    plain: bool = False,
    theme: str = "",
) -> int:
    """Open a workspace and run the console on it.

    Args:
        workspace: The directory named by the user, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: True refuses every change.
        words: Where to begin, in the console's command grammar.
        plain: True talks in lines instead of drawing screens.
        theme: The theme to wear; empty for the one chosen before, the workspace's, or the usual one.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, or the words are no view.
    """
    from console.terminal.capabilities import refusal

    reason = None if plain else refusal(os.environ, stdin_tty=os.isatty(0), stdout_tty=os.isatty(1))
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 2
    gc.disable()  # run_app turns it on again after the first frame
    from console.terminal.lean import import_textual

    import_textual()
    from console.registry import START
    from engine import api

    with api.open(workspace, read_only=read_only, as_user=as_user, via="console") as engine:
        begin = _view(engine, words) if words else START
        if begin.env:
            return _elsewhere(engine, begin, as_user=as_user, read_only=read_only, plain=plain, theme=theme)
        from console.own import Own

        if plain:
            from console.plain.app import PlainApp
            from console.plain.run import run_plain

            return run_plain(PlainApp(engine, begin, workspace or "", Own.usual()))
        from console.app import ConsoleApp
        from console.terminal.run import run_app
        from console.theme import MEMORY

        own = Own.usual()
        app = ConsoleApp(engine, begin, workspace or "", own)
        if theme or (own.state / MEMORY).exists():  # 6 ms that a start without a theme does not pay
            from console.theming.choosing import wear_at_start

            wear_at_start(app, theme)
        return run_app(app)


def _view(engine: Engine, words: tuple[str, ...]) -> Location:
    from console.commanding.beginning import first_view
    from engine.core.command import View
    from engine.core.errors import InvalidInput

    begin = first_view(engine, words)
    if not isinstance(begin, View):
        raise InvalidInput("The console opens at a view.", hint="Try `qd console runs`.")
    return begin


def _elsewhere(
    engine: Engine, begin: Location, *, as_user: str | None, read_only: bool, plain: bool, theme: str
) -> int:
    """Open the workspace that `@name` names instead; its console says by which name."""
    from console.commanding.beginning import environment_of
    from console.commanding.environments import NAME

    path, words = environment_of(engine, begin)
    engine.close()
    os.environ[NAME] = begin.env
    return start(path, as_user=as_user, read_only=read_only, words=words, plain=plain, theme=theme)
