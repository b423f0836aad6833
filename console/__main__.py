"""The command `qd`: the console at once when that is all that is asked for, else the headless front."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from engine.core.wish import Wish

if TYPE_CHECKING:
    from collections.abc import Sequence


def plain_wish(argv: Sequence[str]) -> Wish | None:
    """Read a command line that opens the console and asks for nothing else.

    The command-line library takes a tenth of the console's start, and is not needed for `qd`, `qd console runs` and
    their options. Whatever is not exactly of that form is left to it, with its help and its messages.

    Args:
        argv: The words after `qd`.

    Returns:
        The wish, or `None` when the headless front must read the line.
    """
    words = list(argv)
    values: dict[str, str] = {}
    flags: set[str] = set()
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("--readonly", "--plain"):
            flags.add(option)
        elif option in ("--workspace", "--as", "--theme") and words and not words[0].startswith("-"):
            values[option] = words.pop(0)
        else:
            return None
    if words and words.pop(0) != "console":
        return None
    if any(word.startswith("-") for word in words):
        return None
    return Wish(
        values.get("--workspace"),
        values.get("--as"),
        "--readonly" in flags,
        tuple(words),
        "--plain" in flags,
        values.get("--theme", ""),
    )


def open_console(wish: Wish) -> int:
    """Run the console until it is left.

    Args:
        wish: Which, on which workspace.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, or the words are no view.
    """
    from console.start import start

    return start(wish)


def open_web(wish: Wish, port: int) -> int:
    """Serve the console to a browser until it is ended.

    Args:
        wish: Which, on which workspace.
        port: Where to listen; 0 takes a free one.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, the extra is missing, or the port is taken.
    """
    from console.web.start import start_web

    return start_web(wish, port)


def main() -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    # A shell that asks for completions calls `qd` without words.
    wish = None if "_QD_COMPLETE" in os.environ else plain_wish(sys.argv[1:])
    if wish is None:
        from engine.cli import main as run

        return run(open_console=open_console, open_web=open_web)
    from engine.core.errors import QuarterdeckError

    try:
        return open_console(wish)
    except QuarterdeckError as error:
        from engine.core.text import clean

        sys.stderr.write(clean(f"qd: {error}", limit=2_000) + "\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
