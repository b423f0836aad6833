"""Text to terminal cells: the last place where a hostile character could slip through, and the judge of widths.

A cell is a string: one printable character, or a base with its combining marks; "" is the second half of a wide
character. No cell ever holds a control character, an escape, a bidirectional control or an invisible format character.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

from rich.cells import split_graphemes

JOINER = "\u200d"
REPLACEMENT = "\ufffd"
MAX_MARKS = 4  # combining marks a cell keeps; more is an attack on the lines above and below
MAX_JOINED = 11  # code points in an emoji sequence
CACHE_SIZE = 4096

_NARROW = (
    " ~\u00a1\u00ac\u00ae\u02ff\u0370\u0482\u048a\u058f\u2010\u2027\u2030\u205e\u20a0\u20bf\u2100\u2319"
    "\u231c\u2328\u232b\u23e8\u23ed\u23ef\u23f1\u23f2\u23f4\u25fc\u25ff\u25ff"
    "\u2713\u2713\u2717\u2717"  # marks of states, in every row of a list: no emoji, unlike their heavy twins
    "\u2800\u28ff\ufffd\ufffd"
)
_WIDE = "\u3001\u30ff\u3400\u4dbf\u4e00\u9fff\uac00\ud7a3\uff01\uff60"


class Alphabet:
    """Characters in ranges; which are met is remembered, so that a text of those is judged at the speed of a set.

    A regular expression of the same ranges takes six milliseconds to compile.

    Args:
        ranges: First and last characters by turns, ascending.
    """

    def __init__(self, ranges: str) -> None:
        self._ranges = ranges
        self._met: set[str] = set()
        self._strange: set[str] = set()

    def holds(self, text: str) -> bool:
        """Whether every character of a text is of them."""
        return self._met.issuperset(text) or (self._strange.isdisjoint(text) and all(map(self._meet, text)))

    def _meet(self, character: str) -> bool:
        place = bisect_right(self._ranges, character)
        inside = place % 2 == 1 or (place > 0 and self._ranges[place - 1] == character)
        if inside:
            self._met.add(character)
        elif len(self._strange) < CACHE_SIZE:
            self._strange.add(character)
        return inside


NARROW = Alphabet(_NARROW)
"""Characters that are one cell each wherever they stand: such text needs no search for clusters."""

TRUSTED = Alphabet("".join(sorted(_NARROW + _WIDE)))
"""Characters on whose width all terminals agree. After any other the cursor's place is not trusted."""

# ruff: noqa: RUF001 - the table lists look-alikes on purpose
_BOX = {
    "─━═╌╍┄┅┈┉╴╶╸╺╼╾▁▔⎯": "-",
    "│┃║╎╏┆┇┊┋╵╷╹╻╽╿▏▕▌▐▎▍▋▊": "|",
    "┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬┠┨┯┷┿": "+",
    "█▉▇▆▅▄▃▂▀■▪◼": "#",
    "░▒▓": ":",
    "▲△▴↑⇡": "^",
    "▼▽▾↓⇣": "v",
    "◀◁◂←⇠‹«❮": "<",
    "▶▷▸→⇢›»❯": ">",
    "●•◆◉★✱": "*",
    "○◇◦☆": "o",
    "·∙…‥": ".",
    "✓✔": "v",
    "✗✘×✕": "x",
    "–—‐‑‒−": "-",
    "‘’‚‛": "'",
    "“”„‟": '"',
    "≥": ">",
    "≤": "<",
    "≈∼": "~",
    "≠": "!",
    "µμ": "u",
    "Δ∆": "d",
    "±": "+",
    "∞": "~",
    "⚠": "!",
}
ASCII = {glyph: plain for glyphs, plain in _BOX.items() for glyph in glyphs}
"""What stands for our borders and marks where only ASCII may be sent; each keeps its width of one cell."""


class Glyphs:
    """Splits text into cells.

    Args:
        unicode: False to send ASCII only; every character keeps its width.
    """

    def __init__(self, *, unicode: bool) -> None:
        self._unicode = unicode
        self._cache: dict[str, list[str]] = {}

    def cells(self, text: str) -> list[str]:
        """The cells of a text; as many as its width. The list is shared: do not change it."""
        if text.isprintable() and (text.isascii() or (self._unicode and NARROW.holds(text))):
            return list(text)
        found = self._cache.get(text)
        if found is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            found = self._cache[text] = self._split(text)
        return found

    def _split(self, text: str) -> list[str]:
        cells: list[str] = []
        convert = _safe if self._unicode else _ascii
        for start, end, width in split_graphemes(text)[0]:
            if width:
                cells += convert(text[start:end], width)
        return cells


def is_odd(row: list[str]) -> bool:
    """Whether a row holds a cell on whose width terminals may disagree."""
    text = "".join(row)
    return not text.isascii() and (not TRUSTED.holds(text) or max(map(len, row)) > 1)


def _safe(cluster: str, width: int) -> list[str]:
    base = cluster[0]
    if not base.isprintable():
        plain = " " if unicodedata.category(base) == "Zs" else REPLACEMENT
        return [plain, *" " * (width - 1)]
    marks = [char for char in cluster[1:] if char.isprintable() or char == JOINER]
    limit = MAX_JOINED if JOINER in marks else MAX_MARKS
    cell = (base + "".join(marks[:limit])).rstrip(JOINER)
    return [cell, *[""] * (width - 1)]


def _ascii(cluster: str, width: int) -> list[str]:
    base = cluster[0]
    plain = ASCII.get(base) or unicodedata.normalize("NFKD", base)[:1]
    if plain.isspace():
        plain = " "
    elif not (plain.isascii() and plain.isprintable()):
        plain = "?"
    return [plain, *" " * (width - 1)]
