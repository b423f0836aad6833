"""Looks by name: sixteen colours over the terminal's own background, so that light, dark and plain ones all work."""

from __future__ import annotations

from rich.style import Style

PLAIN = Style.null()

STYLES: dict[str, Style] = {
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
}
"""Every look the console uses; charts name theirs the same way."""


def style(look: str) -> Style:
    """The style of a look; a name nobody knows looks plain."""
    return STYLES.get(look, PLAIN)
