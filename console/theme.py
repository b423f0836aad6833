"""Looks by name: sixteen colours over the terminal's own background, so that light, dark and plain ones all work.

A theme (`console.theming`) says what the sixteen colours are and which looks differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = Style.null()

MEMORY = "theme"
"""The file, below the operator's state, that keeps the name of the theme chosen with `:theme`."""

USUAL_STYLES: Mapping[str, Style] = {
    "": PLAIN,
    "dim": Style(dim=True),
    "strong": Style(bold=True),
    "title": Style(bold=True),
    "title-selected": Style(bold=True, color="cyan"),
    "head": Style(bold=True, color="blue"),
    "key": Style(color="cyan", bold=True),
    "link": Style(color="cyan"),
    "name": Style(bold=True),
    "value": PLAIN,
    "axis": Style(dim=True),
    "grid": Style(dim=True),
    "cursor": Style(reverse=True),
    "good": Style(color="green"),
    "warn": Style(color="yellow"),
    "bad": Style(color="red"),
    "loud": Style(color="red", bold=True, reverse=True),
    "live": Style(color="green"),
    "running": Style(color="cyan"),
    "production": Style(color="magenta", bold=True),
    "staging": Style(color="blue"),
    "mark": Style(color="yellow", bold=True),
    "selected": Style(reverse=True),
    "added": Style(color="green"),
    "removed": Style(color="red"),
    "bar": Style(reverse=True),
    "series-1": Style(color="cyan"),
    "series-2": Style(color="yellow"),
    "series-3": Style(color="magenta"),
    "series-4": Style(color="green"),
    "series-5": Style(color="red"),
    "series-6": Style(color="blue"),
    "series-7": Style(color="bright_cyan"),
    "series-8": Style(color="bright_yellow"),
    "heat-1": Style(color="blue"),
    "heat-2": Style(color="bright_blue"),
    "heat-3": Style(color="cyan"),
    "heat-4": Style(color="bright_cyan"),
    "heat-5": Style(color="green"),
    "heat-6": Style(color="yellow"),
    "heat-7": Style(color="bright_red"),
    "heat-8": Style(color="red"),
}
"""Every look the console uses, as it is unless a theme says otherwise; charts name theirs the same way."""

STYLES: dict[str, Style] = dict(USUAL_STYLES)
"""The looks as they are now: there is one terminal, and it wears one theme."""


def dress(looks: Mapping[str, Style], *, themed: bool) -> None:
    """Let some looks differ from the usual ones, and all others be usual again.

    Args:
        looks: Those that differ.
        themed: Whether a theme other than the usual one is worn.
    """
    STYLES.update({**USUAL_STYLES, **looks})
    _themed.clear()
    if themed:
        _themed.update(STYLES)


_themed: dict[str, Style] = {}


def themed(look: str) -> Style | None:
    """The style of a look where a theme decides it; `None` where whoever draws may use colours of its own."""
    return _themed.get(look)


def style(look: str) -> Style:
    """The style of a look; a name nobody knows looks plain."""
    return STYLES.get(look, PLAIN)
