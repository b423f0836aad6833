"""Asking before what cannot be undone: the name must be typed, and where nobody can answer `--yes` must be given."""

from __future__ import annotations

import sys

import click

from engine.core.errors import InvalidInput


def confirm(act: str, name: str, *, yes: bool, final: bool = True) -> None:
    """Let a dangerous act pass, or stop it.

    Args:
        act: What is about to happen, such as `This deletes the model churn with 3 versions`.
        name: What must be typed.
        yes: Whether `--yes` was given.
        final: Whether it cannot be undone.

    Raises:
        InvalidInput: nobody can be asked, or something else was typed.
        click.Abort: the question was left with Ctrl-C.
    """
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(f"{act}, and nobody can be asked here.", hint="Add --yes if you mean it.")
    from engine.core.text import clean

    click.echo(f"{clean(act, limit=500)}.{' This cannot be undone.' if final else ''}", err=True)
    typed = click.prompt(f"Type {clean(name)} to go on", default="", show_default=False, err=True)
    if typed != name:
        raise InvalidInput("That is not the name; nothing was done.")
