"""The command `qd`: the headless front, with the console handed in."""

from __future__ import annotations

import sys


def open_console(*, workspace: str | None, as_user: str | None, read_only: bool, words: tuple[str, ...]) -> int:
    """Run the console until it is left; see `engine.cli.session.OpenConsole`.

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
    from console.start import start

    return start(workspace, as_user=as_user, read_only=read_only, words=words)


def main() -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    from engine.cli import main as run

    return run(open_console=open_console)


if __name__ == "__main__":
    sys.exit(main())
