"""Every theme is legible, by computation; no theme says something by colour alone."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from console.theme import USUAL_STYLES
from console.theming.built_in import BUILT_IN, USUAL
from console.theming.theme import COLOURS, GROUNDS, Rgb, Theme, contrast, least_contrast

if TYPE_CHECKING:
    from rich.style import Style

LEGIBLE = 4.5
"""WCAG 2.2 AA, for text of any size."""

STARK = 7.0
"""AAA, which the themes of high contrast reach."""

APART = 20.0
"""How far colours that mean different things lie apart in CIE L*a*b*; under about 2 nobody tells them apart."""

TRUE = [theme for theme in BUILT_IN.values() if theme.palette]


def colour_of(theme: Theme, look: str) -> Rgb | None:
    """The colour a look is drawn in; `None` when it is the terminal's own."""
    style: Style = {**USUAL_STYLES, **theme.looks}[look]
    if style.color is None:
        return None
    if style.color.triplet is not None:
        return Rgb(*style.color.triplet)
    assert style.color.number is not None
    return theme.palette[style.color.number]


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_every_colour_and_look_is_legible_on_every_ground_the_theme_is_made_for(theme: Theme) -> None:
    assert set(theme.palette) == set(range(len(COLOURS)))
    needed = STARK if theme.name.startswith("contrast") else LEGIBLE
    for number, colour in theme.palette.items():
        assert least_contrast(colour, theme.ground) >= needed, (theme.name, COLOURS[number])
    for look in USUAL_STYLES:
        drawn = colour_of(theme, look)
        assert drawn is None or least_contrast(drawn, theme.ground) >= needed, (theme.name, look)
        style = {**USUAL_STYLES, **theme.looks}[look]
        assert not style.dim, f"{look} would be fainter than computed"


@pytest.mark.parametrize("theme", TRUE, ids=lambda theme: theme.name)
def test_production_is_bold_and_of_a_colour_no_state_has(theme: Theme) -> None:
    style = {**USUAL_STYLES, **theme.looks}["production"]
    assert style.bold
    assert all(colour_of(theme, look) != colour_of(theme, "production") for look in ("good", "warn", "bad", "staging"))


# Viénot, Brettel and Mollon (1999): linear RGB as people without one kind of cone see it.
VISION = {
    "protanopia": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deuteranopia": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


@pytest.mark.parametrize("kind", VISION)
@pytest.mark.parametrize("name", ["safe", "safe-light"])
def test_good_and_bad_and_production_stay_apart_for_every_kind_of_colour_vision(name: str, kind: str) -> None:
    theme = BUILT_IN[name]
    seen = {look: _lab(_seen(colour_of(theme, look), kind)) for look in ("good", "bad", "production")}
    for one, other in combinations(seen, 2):
        assert _distance(seen[one], seen[other]) >= APART, (one, other)


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast(Rgb(0, 0, 0), Rgb(255, 255, 255)) == pytest.approx(21)
    assert contrast(Rgb(118, 118, 118), Rgb(255, 255, 255)) == pytest.approx(4.54, abs=0.01)
    assert contrast(Rgb(9, 9, 9), Rgb(9, 9, 9)) == 1


def test_the_usual_theme_is_the_terminals_own_colours_and_mono_has_none() -> None:
    assert not BUILT_IN[USUAL].palette
    assert not BUILT_IN[USUAL].looks
    assert not BUILT_IN["mono"].coloured
    assert set(GROUNDS) == {theme.ground for theme in BUILT_IN.values()}


def _seen(colour: Rgb | None, kind: str) -> tuple[float, float, float]:
    assert colour is not None
    linear = [_linear(part / 255) for part in colour]
    red, green, blue = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in VISION[kind])
    return max(red, 0), max(green, 0), max(blue, 0)


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)


def _lab(linear: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = linear
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _distance(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)
