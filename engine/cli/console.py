"""`qd console`: hand over to the console that was given from above."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import click

from engine.core.errors import InvalidInput

_LONG_LIVED = (700, 10, 10)
"""Python's own setting of the garbage collector, for a process that stays."""

if TYPE_CHECKING:
    from engine.cli.session import Session


def start(session: Session, words: tuple[str, ...]) -> int:
    """Open the console.

    Args:
        session: The options before the noun.
        words: Where to begin, in the console's command grammar.

    Returns:
        The exit code.

    Raises:
        InvalidInput: this installation came without the console.
    """
    if session.open_console is None:
        raise InvalidInput("This command line has no console.", hint="Use `qd --help` for the headless commands.")
    gc.set_threshold(*_LONG_LIVED)
    return session.open_console(session.wish(words))


@click.command()
@click.argument("words", nargs=-1, metavar="[RESOURCE] …")
@click.option("--readonly", "read_only", is_flag=True, help="Refuse every change.")
@click.option("--plain", is_flag=True, help="Talk in lines: for screen readers, dumb terminals and scripts.")
@click.option("--theme", default="", metavar="NAME", help="How it looks: dark, light, contrast, safe, mono …")
@click.pass_obj
def console(session: Session, words: tuple[str, ...], *, read_only: bool, plain: bool, theme: str) -> int:
    """Open the console, at a resource if one is named: `qd console runs`."""
    session.read_only = session.read_only or read_only
    session.plain = session.plain or plain
    session.theme = theme or session.theme
    return start(session, words)
