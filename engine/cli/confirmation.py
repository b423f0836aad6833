"""Asking before what loses something: the name must be typed, and where nobody can answer `--yes` must be given."""

from __future__ import annotations

import sys

import click

from engine.core.errors import InvalidInput


def confirm(act: str, name: str, *, yes: bool, sort: tuple[str, str]) -> None:
    """Let a dangerous act pass, or stop it; what of it cannot be undone is said first.

    Args:
        act: What is about to happen, such as `This deletes the model churn with 3 versions`.
        name: What must be typed.
        yes: Whether `--yes` was given.
        sort: Kind and verb of the audit record that it leaves; the registry of inverses tells whether it can be undone.

    Raises:
        InvalidInput: nobody can be asked, or something else was typed.
        click.Abort: the question was left with Ctrl-C.
    """
    if not yes:
        ask_for_name(act, name, beforehand(*sort))


def beforehand(kind: str, verb: str) -> str:
    """What to say of undoing before something is done: that it cannot be, what is lost, or how it is done."""
    from engine.undoing.registry import can_be_undone, why_final

    why = why_final(kind, verb)
    if not can_be_undone(kind, verb):
        return f"This cannot be undone: {why}"
    return f"Not all of this can be undone: {why}" if why else "`qd undo` takes it back."


def ask_for_name(act: str, name: str, told: str) -> None:
    """Have a name typed before an act, or stop it.

    Args:
        act: What is about to happen.
        name: What must be typed.
        told: What to say of undoing.

    Raises:
        InvalidInput: nobody can be asked, or something else was typed.
        click.Abort: the question was left with Ctrl-C.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(f"{act}, and nobody can be asked here.", hint="Add --yes if you mean it.")
    from engine.core.text import clean

    click.echo(f"{clean(act, limit=500)}. {told}".rstrip(), err=True)
    typed = click.prompt(f"Type {clean(name)} to go on", default="", show_default=False, err=True)
    if typed != name:
        raise InvalidInput("That is not the name; nothing was done.")
