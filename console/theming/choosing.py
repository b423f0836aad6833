"""Which theme is worn: the one asked for, else the one chosen before, the workspace's, or the usual one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from console.theme import MEMORY, STYLES, dress
from console.theming.built_in import BUILT_IN, USUAL
from console.theming.files import NAME, find_theme, own_names
from engine.core.errors import InvalidInput, QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from console.app import ConsoleApp
    from console.own import Own
    from console.theming.theme import Theme

AUTO = "auto"
"""The name of the choice by the terminal: `dark` or `light` where it says which it is."""

MOST_REMEMBERED = 64


def remembered(state: Path) -> str:
    """The name chosen before; empty when none was, or when it cannot be read."""
    try:
        with (state / MEMORY).open("rb") as file:
            name = file.read(MOST_REMEMBERED).decode("ascii", "replace").strip()
    except OSError:
        return ""
    return name if NAME.fullmatch(name) else ""


def remember(state: Path, name: str) -> None:
    """Keep a name for the next session.

    Raises:
        InvalidInput: it cannot be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / MEMORY).write_text(f"{name}\n")
    except OSError as error:
        raise InvalidInput(
            f"The theme is worn, but cannot be remembered: {error}", hint=f"Mend {state}, or say --theme {name}."
        ) from error


def ground_of(environ: Mapping[str, str]) -> str:
    """`dark` or `light` where the terminal says what its background is (COLORFGBG, `15;0`); else empty."""
    number = environ.get("COLORFGBG", "").rpartition(";")[2]
    if not number.isascii() or not number.isdigit() or int(number) > 15:
        return ""
    return "light" if number in ("7", "15", "11", "14") else "dark"


def choose(asked: str, own: Own | None, policy: str, environ: Mapping[str, str] | None = None) -> Theme:
    """The theme to start with.

    Args:
        asked: The name given with `--theme`; empty when none was.
        own: The operator's folders; `None` when there are none.
        policy: The name in `quarterdeck.toml`; empty when there is none.
        environ: Environment variables, for `auto`; those of this process by default.

    Returns:
        The theme.

    Raises:
        NotFound: there is no such theme.
        InvalidInput: its file says something a theme cannot be.
    """
    name = asked or (remembered(own.state) if own is not None else "") or policy or USUAL
    if name == AUTO:
        name = ground_of(os.environ if environ is None else environ) or USUAL
    return find_theme(name, own.config if own is not None else None)


def wear(app: ConsoleApp, theme: Theme) -> None:
    """Let everything look so from now on, whatever is shown already."""
    dress(theme.looks, themed=theme.name != USUAL)
    app.recolour(theme.palette, coloured=theme.coloured)
    if not app.screen_stack:
        return
    from console.widgets.table import VirtualTable

    for screen in app.screen_stack:
        for table in screen.query(VirtualTable):
            table.set_roles(STYLES)


def wear_at_start(app: ConsoleApp, asked: str) -> None:
    """Wear the theme to start with; a choice of before that no longer stands is told, not fatal.

    Raises:
        QuarterdeckError: the theme that was asked for cannot be worn.
    """
    app.theme_asked = bool(asked)
    try:
        theme = choose(asked, app.own, "")
    except QuarterdeckError as error:
        if asked:
            raise
        app.call_later(app.fail, error)  # once there is a line to say it in
        return
    wear(app, theme)


def workspace_theme(app: ConsoleApp, name: str) -> None:
    """Wear what the workspace says, where the operator chose nothing; at the start, and when the file changes.

    Args:
        app: The application.
        name: The name in `quarterdeck.toml`; empty when there is none.
    """
    if app.theme_asked or (app.own is not None and remembered(app.own.state)):
        return
    try:
        wear(app, choose("", app.own, name))
    except QuarterdeckError as error:
        app.fail(error)


def names(app: ConsoleApp) -> list[str]:
    """The names of all themes, for completion; reads the operator's folder."""
    own = own_names(app.own.config) if app.own is not None else []
    return [*dict.fromkeys([AUTO, *BUILT_IN, *own])]


def change(app: ConsoleApp, name: str) -> None:
    """Wear another theme from now on, and remember it; without a name, say which there are."""
    if not name:
        app.say("Themes: " + ", ".join(names(app)), "dim")
        return
    try:
        wear(app, choose(name, app.own, ""))
        if app.own is not None:
            remember(app.own.state, name)
    except QuarterdeckError as error:
        app.fail(error)
        return
    app.say(f"Theme {name}.")
