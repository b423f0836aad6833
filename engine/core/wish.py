"""What a command line asks of the console; the engine knows the console only as what takes this."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Wish(NamedTuple):
    """Which console on which workspace.

    Args:
        workspace: The directory given with `--workspace`, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: Whether `--readonly` was given: every change is refused.
        words: Where to begin, in the console's command grammar, such as `("runs",)`.
        plain: Whether it talks in lines instead of drawing screens.
        theme: The name given with `--theme`; empty for the usual choice.
    """

    workspace: str | None = None
    as_user: str | None = None
    read_only: bool = False
    words: tuple[str, ...] = ()
    plain: bool = False
    theme: str = ""


OpenConsole = Callable[[Wish], int]
"""Runs the console until it is left; returns the exit code."""

OpenWeb = Callable[[Wish, int], int]
"""Serves the console to a browser on a port (0: a free one) until it is ended; returns the exit code."""
