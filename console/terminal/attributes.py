"""Cell attributes as small integers, and the shortest SGR sequence from one to the next.

A style object becomes an integer once; a frame then compares integers. Attribute 0 is the terminal's own default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.color import Color, ColorSystem, ColorType

from console.terminal.capabilities import Colours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

BOLD, DIM, ITALIC, UNDERLINE, REVERSE, STRIKE = 1, 2, 4, 8, 16, 32
ON = {BOLD: "1", DIM: "2", ITALIC: "3", UNDERLINE: "4", REVERSE: "7", STRIKE: "9"}
OFF = {ITALIC: "23", UNDERLINE: "24", REVERSE: "27", STRIKE: "29"}
INTENSITY = BOLD | DIM  # one code, 22, ends both
LINES = UNDERLINE | STRIKE
MAX_STYLES = 60_000  # a table this full is a leak of generated styles: it starts again
MAX_TRANSITIONS = 20_000
CUBE = (0, 95, 135, 175, 215, 255)


class Attribute(NamedTuple):
    """What a cell looks like: SGR colour codes ("" is the default colour) and flag bits."""

    foreground: str = ""
    background: str = ""
    flags: int = 0


PLAIN = Attribute()


class AttributeTable:
    """Styles interned as integers, with cached SGR transitions.

    Args:
        colours: Colours the terminal takes; with 0 no colour code is ever made.
        palette: What the sixteen colours are, by number, where a theme says so and the terminal has more than sixteen.
    """

    def __init__(self, colours: Colours, palette: Mapping[int, tuple[int, int, int]] | None = None) -> None:
        self._colours = colours
        self._palette = {number: Color.from_rgb(*rgb) for number, rgb in (palette or {}).items() if colours > 16}
        self._attributes: list[Attribute] = [PLAIN]
        self._indices: dict[Attribute, int] = {PLAIN: 0}
        self._styles: dict[Style | None, int] = {None: 0}
        self._transitions: dict[tuple[int, int], str] = {}
        self.space: list[int] = [0]
        """For each attribute, the attribute of a blank that looks the same (letters' colour and weight do not show)."""

    def index(self, style: Style | None) -> int:
        """The integer of a style."""
        found = self._styles.get(style)
        if found is None:
            if len(self._styles) > MAX_STYLES:
                self._styles = {None: 0}  # attributes stay: frames hold their integers, and few of them exist
            found = self._styles[style] = self._intern(self._attribute(style)) if style else 0
        return found

    def transition(self, before: int, after: int) -> str:
        """The shortest SGR sequence that turns attribute `before` into `after`; "" when equal."""
        if before == after:
            return ""
        key = (before, after)
        found = self._transitions.get(key)
        if found is None:
            if len(self._transitions) > MAX_TRANSITIONS:
                self._transitions.clear()
            found = self._transitions[key] = self._shortest(before, self._attributes[after])
        return found

    def _shortest(self, before: int, after: Attribute) -> str:
        reset = ";".join(["0", *_codes(after)]) if after != PLAIN else ""
        delta = _delta(self._attributes[before], after)
        return f"\x1b[{delta if len(delta) <= len(reset) and after != PLAIN else reset}m"

    def _intern(self, attribute: Attribute) -> int:
        found = self._indices.get(attribute)
        if found is None:
            found = self._indices[attribute] = len(self._attributes)
            self._attributes.append(attribute)
            self.space.append(found)
            blank = _blank(attribute)
            if blank != attribute:
                self.space[found] = self._intern(blank)
        return found

    def _attribute(self, style: Style) -> Attribute:
        flags = (
            (BOLD if style.bold else 0)
            | (DIM if style.dim else 0)
            | (ITALIC if style.italic else 0)
            | (UNDERLINE if style.underline or style.underline2 else 0)
            | (REVERSE if style.reverse else 0)
            | (STRIKE if style.strike else 0)
        )
        return Attribute(self._colour(style.color), self._colour(style.bgcolor, foreground=False), flags)

    def _colour(self, colour: Color | None, *, foreground: bool = True) -> str:
        if colour is None or colour.type is ColorType.DEFAULT or not self._colours:
            return ""
        if colour.type is ColorType.STANDARD and colour.number is not None:
            colour = self._palette.get(colour.number, colour)
        if self._colours == 16:
            colour = colour.downgrade(ColorSystem.STANDARD)
        elif self._colours == 256:
            colour = colour.downgrade(ColorSystem.EIGHT_BIT)
        elif colour.triplet is not None and (number := EXACT.get(tuple(colour.triplet))) is not None:
            colour = Color.from_ansi(number)  # the same colour in 5 to 8 bytes less
        return ";".join(colour.get_ansi_codes(foreground))


def _blank(attribute: Attribute) -> Attribute:
    flags = attribute.flags & (REVERSE | LINES)
    return Attribute(attribute.foreground if flags else "", attribute.background, flags)


def _codes(attribute: Attribute) -> list[str]:
    codes = [code for flag, code in ON.items() if attribute.flags & flag]
    return codes + [colour for colour in attribute[:2] if colour]


def _delta(before: Attribute, after: Attribute) -> str:
    gone, new = before.flags & ~after.flags, after.flags & ~before.flags
    codes = [code for flag, code in OFF.items() if gone & flag]
    if gone & INTENSITY:
        codes.append("22")
        new |= after.flags & INTENSITY
    codes += [code for flag, code in ON.items() if new & flag]
    if before.foreground != after.foreground:
        codes.append(after.foreground or "39")
    if before.background != after.background:
        codes.append(after.background or "49")
    return ";".join(codes)


def _exact_palette() -> dict[tuple[int, ...], int]:
    levels = [(r, g, b) for r in CUBE for g in CUBE for b in CUBE] + [(8 + 10 * i,) * 3 for i in range(24)]
    return {level: number for number, level in enumerate(levels, 16)}


EXACT = _exact_palette()
"""The colours of the fixed part of the 256-colour palette (16 to 255), which every terminal shows alike."""
