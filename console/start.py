"""Starting the console: refuse politely, open the workspace, then load the screen library."""

from __future__ import annotations

import gc
import os
import sys


def start(workspace: str | None, *, as_user: str | None, read_only: bool, words: tuple[str, ...]) -> int:
    """Open a workspace and run the console on it.

    Args:
        workspace: The directory named by the user, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: True refuses every change.
        words: Where to begin, in the console's command grammar.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, or the words are no view.
    """
    from console.terminal.capabilities import refusal

    reason = refusal(os.environ, stdin_tty=os.isatty(0), stdout_tty=os.isatty(1))
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
        return 2
    gc.disable()  # run_app turns it on again after the first frame
    from console.registry import GRAMMAR, START
    from engine import api
    from engine.core.command import View, parse_command
    from engine.core.errors import InvalidInput

    begin = parse_command(("console", *words), GRAMMAR) if words else START
    if not isinstance(begin, View):
        raise InvalidInput("The console opens at a view.", hint="Try `qd console runs`.")
    with api.open(workspace, read_only=read_only, as_user=as_user, via="console") as engine:
        from console.app import ConsoleApp
        from console.own import Own
        from console.terminal.run import run_app

        return run_app(ConsoleApp(engine, begin, workspace or "", Own.usual()))
