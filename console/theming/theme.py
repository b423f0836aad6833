"""A theme: sixteen colours, the looks it draws otherwise, and the grounds it is legible on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from rich.style import Style

Ground = Literal["dark", "light", "any"]
"""Of what brightness the terminal's own background is; themes never paint it."""


class Rgb(NamedTuple):
    """A colour; each part 0 to 255."""

    red: int
    green: int
    blue: int


GROUNDS: Mapping[Ground, tuple[Rgb, ...]] = {
    "dark": (Rgb(0, 0, 0), Rgb(0x26, 0x26, 0x26)),
    "light": (Rgb(0xFF, 0xFF, 0xFF), Rgb(0xEE, 0xEE, 0xEE)),
    "any": (),
}
"""The extremes between which a ground of that name lies; every colour of a theme is legible on both."""

COLOURS = (
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    *(f"bright_{name}" for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")),
)
"""The sixteen colours, in the order of their numbers."""

Palette: TypeAlias = Mapping[int, Rgb]
"""What the sixteen colours are, by number; empty for the terminal's own."""


@frozen
class Theme:
    """How the console looks.

    Args:
        name: As in `:theme NAME`.
        about: One line for completion and help.
        ground: On what background it is legible.
        palette: What the sixteen colours are; empty for the terminal's own.
        looks: Looks that differ from the usual ones.
        coloured: False sends no colour at all.
    """

    name: str
    about: str = ""
    ground: Ground = "any"
    palette: Palette = field(default_factory=dict)
    looks: Mapping[str, Style] = field(default_factory=dict)
    coloured: bool = True


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast of two colours as WCAG 2.2 counts it: 1 (none) to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def least_contrast(colour: Rgb, ground: Ground) -> float:
    """The contrast of a colour on the worst background a theme is made for; 21 where it is made for any."""
    return min((contrast(colour, each) for each in GROUNDS[ground]), default=21.0)
