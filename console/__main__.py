"""The command `qd`: the console at once when that is all that is asked for, else the headless front."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wish(NamedTuple):
    """What a plain command line asks of the console.

    Args:
        workspace: The directory given with `--workspace`, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: Whether `--readonly` was given.
        words: Where to begin.
        plain: Whether `--plain` was given.
        theme: The name given with `--theme`; empty when none was.
    """

    workspace: str | None
    as_user: str | None
    read_only: bool
    words: tuple[str, ...]
    plain: bool = False
    theme: str = ""


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


def open_console(
    *,
    workspace: str | None,
    as_user: str | None,
    read_only: bool,
    words: tuple[str, ...],
    plain: bool = False,
    theme: str = "",
) -> int:
    """Run the console until it is left; see `engine.cli.session.OpenConsole`.

    Args:
        workspace: The directory named by the user, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: True refuses every change.
        words: Where to begin, in the console's command grammar.
        plain: True talks in lines instead of drawing screens.
        theme: The theme to wear; empty for the usual choice.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, or the words are no view.
    """
    from console.start import start

    return start(workspace, as_user=as_user, read_only=read_only, words=words, plain=plain, theme=theme)


def open_web(workspace: str | None, *, as_user: str | None, read_only: bool, theme: str, port: int) -> int:
    """Serve the console to a browser until it is ended; see `engine.cli.session.OpenWeb`.

    Args:
        workspace: The directory named by the user, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: True refuses every change.
        theme: The theme to wear; empty for the usual choice.
        port: Where to listen; 0 takes a free one.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: the workspace cannot be opened, the extra is missing, or the port is taken.
    """
    from console.web.start import start_web

    return start_web(workspace, as_user=as_user, read_only=read_only, theme=theme, port=port)


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
        return open_console(
            workspace=wish.workspace,
            as_user=wish.as_user,
            read_only=wish.read_only,
            words=wish.words,
            plain=wish.plain,
            theme=wish.theme,
        )
    except QuarterdeckError as error:
        from engine.core.text import clean

        sys.stderr.write(clean(f"qd: {error}", limit=2_000) + "\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
