"""Starting the console: refuse politely, open the workspace, then load the screen library."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.location import Location
    from engine.api import Engine
    from engine.core.wish import Wish


def start(wish: Wish) -> int:
    """Open a workspace and run the console on it.

    Args:
        wish: Which, and where to begin; without a theme it wears the one chosen before, the workspace's, or the usual.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, or the words are no view.
    """
    from console.terminal.capabilities import refusal

    reason = None if wish.plain else refusal(os.environ, stdin_tty=os.isatty(0), stdout_tty=os.isatty(1))
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 2
    gc.disable()  # run_app turns it on again after the first frame
    from console.terminal.lean import import_textual

    import_textual()
    from console.registry import START
    from engine import api

    with api.open(wish.workspace, read_only=wish.read_only, as_user=wish.as_user, via="console") as engine:
        begin = _view(engine, wish.words) if wish.words else START
        if begin.env:
            return _elsewhere(engine, begin, wish)
        from console.own import Own

        if wish.plain:
            from console.plain.app import PlainApp
            from console.plain.run import run_plain

            return run_plain(PlainApp(engine, begin, wish.workspace or "", Own.usual()))
        from console.app import ConsoleApp
        from console.terminal.run import run_app
        from console.theme import MEMORY

        own = Own.usual()
        app = ConsoleApp(engine, begin, wish.workspace or "", own)
        if wish.theme or (own.state / MEMORY).exists():  # 6 ms that a start without a theme does not pay
            from console.theming.choosing import wear_at_start

            wear_at_start(app, wish.theme)
        return run_app(app)


def _view(engine: Engine, words: tuple[str, ...]) -> Location:
    from console.commanding.beginning import first_view
    from engine.core.command import View
    from engine.core.errors import InvalidInput

    begin = first_view(engine, words)
    if not isinstance(begin, View):
        raise InvalidInput("The console opens at a view.", hint="Try `qd console runs`.")
    return begin


def _elsewhere(engine: Engine, begin: Location, wish: Wish) -> int:
    """Open the workspace that `@name` names instead; its console says by which name."""
    from console.commanding.beginning import environment_of
    from console.commanding.environments import NAME

    path, words = environment_of(engine, begin)
    engine.close()
    os.environ[NAME] = begin.env
    return start(wish._replace(workspace=path, words=words))
