"""Regular expressions that may take for ever: Python's matcher tries every way, and nothing can stop it meanwhile."""

from __future__ import annotations

import re
from functools import cache

MOST_REPEATS = 4
"""Repeats of varying length in one expression; each multiplies the time by the length of the text."""

_PIECE = (
    r"(?P<plain>\\.|\[\^?\]?(?:[^\]\\]|\\.)*+\]|[^\\()|*+?{])"
    r"|(?P<open>\((?:\?(?:P?<[=!]?\w*>?|P=\w*|[:=!>]|[a-zA-Z-]*:?))?)"
    r"|(?P<close>\))"
    r"|(?P<choice>\|)"
    r"|(?P<once>\?|\{\d+\})[?+]?"
    r"|(?P<repeat>[*+]|\{\d*,\d*\})[?+]?"
    r"|(?P<other>.)"
)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


def why_explosive(expression: str) -> str:
    """Say why an expression may take for ever on some text; errs on the safe side.

    Args:
        expression: One that compiles.

    Returns:
        The reason, as the end of a sentence, or an empty text for one that is quick on every text.
    """
    repeats = 0
    varying = [False]
    """Whether each open group, outermost first, repeats or chooses within itself."""
    closed = False
    for piece in _pattern(_PIECE).finditer(expression):
        kind = piece.lastgroup
        several = kind == "repeat" or (kind == "once" and piece["once"] != "?")
        if several and closed:
            return "it repeats a group that itself repeats or chooses"
        closed = False
        if kind == "open":
            varying.append(False)
        elif kind == "close" and len(varying) > 1:
            closed = varying.pop()
            varying[-1] |= closed
        elif kind in {"choice", "repeat"}:
            varying[-1] = True
            repeats += kind == "repeat"
    return f"it repeats more than {MOST_REPEATS} things" if repeats > MOST_REPEATS else ""
