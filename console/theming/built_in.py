"""The themes that come with the console."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style

from console.theming.theme import Palette, Rgb, Theme

USUAL = "ansi"
"""The theme that is worn unless somebody chose: the terminal's own sixteen colours, light or dark."""


def _palette(*colours: str) -> Palette:
    return {number: _rgb(colour) for number, colour in enumerate(colours)}


def _rgb(text: str) -> Rgb:
    return Rgb(*bytes.fromhex(text))


def _quiet(colour: str) -> Mapping[str, Style]:
    """Faint looks in a colour of their own: how faint `dim` is differs from terminal to terminal."""
    faint = Style(color=f"#{colour}")
    return {"dim": faint, "axis": faint, "grid": faint}


_DARK = _palette(
    *("8f96a3", "ff7b72", "6fcf83", "e3b341", "79b0ff", "e29bff", "56d4dd", "d0d7de"),
    *("9aa4b2", "ff9b94", "8ee6a0", "f2cc60", "a5cbff", "efc2ff", "8ae9f0", "ffffff"),
)
_LIGHT = _palette(
    *("24292f", "a8101c", "0b5c26", "6e4900", "0747b5", "7a1fa0", "00575f", "4b535c"),
    *("50585f", "8f0f18", "084c1f", "5a3c00", "063a93", "621782", "00474e", "000000"),
)
_STARK = _palette(
    *("d9d9d9", "ff9e9e", "7dff7d", "ffff5c", "a8c8ff", "ffb3ff", "7dffff", "ffffff"),
    *("e6e6e6", "ffc4c4", "b3ffb3", "ffffa3", "cfe0ff", "ffd6ff", "b8ffff", "ffffff"),
)
_STARK_LIGHT = _palette(
    *("000000", "7a0000", "003d0f", "4a3000", "00257a", "4f0066", "003a40", "1f1f1f"),
    *("262626", "5c0000", "002e0b", "382400", "001a57", "3b004d", "002b30", "000000"),
)
# After Okabe and Ito's set for all kinds of colour vision, made lighter or darker until each is legible.
_SAFE = _palette(
    *("8f96a3", "ff9440", "56b4e9", "f0e442", "7fa8ff", "ffd3ec", "4fd0b0", "d0d7de"),
    *("9aa4b2", "ffb37a", "8fd0f5", "f7f08a", "a9c4ff", "ffe6f5", "8ee6cf", "ffffff"),
)
_SAFE_LIGHT = _palette(
    *("24292f", "8f3b00", "00558c", "5f5200", "1b3fae", "5c0f3d", "00594a", "4b535c"),
    *("50585f", "7a3200", "00466f", "4d4300", "14308a", "470a2f", "00483c", "000000"),
)

BUILT_IN: Mapping[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme(USUAL, "the terminal's own sixteen colours"),
        Theme("dark", "soft colours on a dark background", "dark", _DARK, _quiet("9aa4b2")),
        Theme("light", "deep colours on a light background", "light", _LIGHT, _quiet("50585f")),
        Theme("contrast", "high contrast on a dark background", "dark", _STARK, _quiet("e6e6e6")),
        Theme("contrast-light", "high contrast on a light background", "light", _STARK_LIGHT, _quiet("262626")),
        Theme("safe", "for every kind of colour vision, dark background", "dark", _SAFE, _quiet("9aa4b2")),
        Theme("safe-light", "for every kind of colour vision, on light", "light", _SAFE_LIGHT, _quiet("50585f")),
        Theme("mono", "no colour at all", coloured=False),
    )
}
"""By name."""
