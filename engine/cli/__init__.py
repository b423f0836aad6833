"""The headless front: `qd <noun> <verb>`. Decodes arguments, calls one engine operation, encodes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.wish import OpenConsole, OpenWeb

__all__ = ["main"]

_GARBAGE = 50_000
"""Objects between two searches for cyclic garbage; most verbs end before the first, which saves 6 ms of their start."""


def main(
    argv: Sequence[str] | None = None, *, open_console: OpenConsole | None = None, open_web: OpenWeb | None = None
) -> int:
    """Run one command line.

    Args:
        argv: The words after `qd`; the process's own when `None`.
        open_console: Starts the console; handed in from above, because the engine knows no screen.
        open_web: Serves it to a browser; handed in likewise.

    Returns:
        The exit code: 0 ok, 1 failed, 2 usage, 3 unreachable or busy, 4 refused by a gate or policy,
        5 recorded but not yet served, 130 interrupted.
    """
    try:
        return _run(argv, open_console, open_web)
    except KeyboardInterrupt:  # while the command line itself was still being loaded
        return 130


def _run(argv: Sequence[str] | None, open_console: OpenConsole | None, open_web: OpenWeb | None) -> int:
    import gc

    from engine.cli.diagnostics import leave, run_command
    from engine.cli.root import root
    from engine.cli.session import Session

    gc.set_threshold(_GARBAGE)
    session = Session(open_console=open_console, open_web=open_web)
    code = run_command(root, argv, session)
    if argv is None and not session.long_lived:
        leave(code)
    return code
