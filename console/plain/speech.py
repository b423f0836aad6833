"""What a screen shows, as words: no frames, no bars, no marks whose meaning is their shape."""

from __future__ import annotations

import re
import unicodedata

from console.terminal.glyphs import ASCII

# ruff: noqa: RUF001 - the table lists look-alikes on purpose
_WORDS = {
    "✓": "ok",
    "✔": "ok",
    "✗": "failed",
    "✘": "failed",
    "⚠": "warning",
    "→": "->",
    "←": "<-",
    "↑": "up",
    "↓": "down",
    "…": "...",
    "·": ",",
    "›": ">",
    "≥": ">=",
    "≤": "<=",
    "±": "+/-",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
}
"""What stands for a sign that means something."""

_DOUBLED = re.compile("[✓✔✗✘⚠] (?=\\S)")
"""A mark before the word that says the same."""

_SHAPES = re.compile("[\u2500-\u25ff\u2600-\u26ff\u2800-\u28ff•◦⎯]+")
"""Frames, blocks, braille and figures: they draw, or double a word that stands beside them."""

_SIGNS = re.compile("|".join(map(re.escape, _WORDS)))
_GAP = re.compile(r"\s{2,}")
_LOOSE = re.compile(r"\s+(?=,)")


def speakable(text: str) -> str:
    """A line of a screen as it can be read aloud.

    Args:
        text: The line, cleaned; columns stand two blanks apart.

    Returns:
        Its words, columns parted by semicolons; empty when the line only drew something.
    """
    words = _SIGNS.sub(lambda found: _WORDS[found[0]], _SHAPES.sub("  ", _DOUBLED.sub("", text)))
    pieces = (_LOOSE.sub("", piece).strip(" ,") if piece.strip(" ,") else "" for piece in _GAP.split(words))
    return "; ".join(piece for piece in pieces if piece)


def ascii_only(text: str) -> str:
    """A text in ASCII: letters without their accents, `?` for what has no likeness."""
    if text.isascii():
        return text
    plain = (ASCII.get(char) or unicodedata.normalize("NFKD", char)[:1] for char in text)
    return "".join(plain).encode("ascii", "replace").decode()
