"""A screen as text that can be read in a review: what stands in each cell, and below it how each cell looks."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from textual.strip import Strip

_LETTERS = string.ascii_letters + string.digits
_PLAIN = "·"
"""Marks a cell without a look of its own."""


def picture(strips: list[Strip]) -> str:
    """What a screen shows, and how.

    Args:
        strips: The rows of the screen, from the top.

    Returns:
        The rows as text; then the same rows with a letter for the look of each cell; then what the letters mean.
    """
    looks: dict[str, str] = {}
    rows = ["".join(_marks(strip, looks)).rstrip(_PLAIN) for strip in strips]
    shown = [f"|{strip.text.rstrip()}" for strip in strips]
    return "\n".join(
        [*shown, "", *(f"|{row}" for row in rows), "", *(f"{mark} {look}" for look, mark in looks.items())]
    )


def _marks(strip: Strip, looks: dict[str, str]) -> list[str]:
    marks = []
    for segment in strip:
        style = segment.style
        look = str(style.without_color) if style else ""
        if style:
            colours = [("", style.color), ("on ", style.bgcolor)]
            look = " ".join([look, *(f"{word}{colour.name}" for word, colour in colours if colour)])
        look = look.replace("none", "").strip()
        mark = looks.setdefault(look, _LETTERS[len(looks) % len(_LETTERS)]) if look else _PLAIN
        marks.append(mark * cell_len(segment.text))
    return marks
