"""Cuts filter text into tokens, in time linear in its length, each with its place."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.core.errors import FilterSyntaxError
    from engine.core.query.source import Source

_PATTERN = r"""(?P<space>\s++)
    |(?P<text>'(?:[^']++|'')*+')
    |(?P<quoted>"(?:[^"]++|"")*+"|`(?:[^`]++|``)*+`)
    |(?P<operator>[=!<>~]++)
    |(?P<mark>[(),])
    |(?P<word>[\w.\-+/:@$\#%]++)"""


@cache
def _token_pattern() -> re.Pattern[str]:
    """The pattern of all tokens; its quantifiers are possessive so that an unclosed quote is not tried again."""
    return re.compile(_PATTERN, re.VERBOSE)


class Token(NamedTuple):
    """A piece of the text (a named tuple: thousands may be made, and they never leave the parser).

    Args:
        kind: `text` ('…'), `quoted` ("…" or `…`), `operator`, `mark`, `word`, or `end`.
        raw: As written.
        start: Offset of its first character, from 0.
    """

    kind: str
    raw: str
    start: int

    @property
    def end(self) -> int:
        """Offset just after its last character."""
        return self.start + len(self.raw)

    @property
    def keyword(self) -> str:
        """The word in upper case; nothing when it is not a word."""
        return self.raw.upper() if self.kind == "word" else ""

    @property
    def content(self) -> str:
        """What a quoted piece holds, its doubled quotes undone; any other piece as written."""
        if self.kind not in ("text", "quoted"):
            return self.raw
        quote = self.raw[0]
        return self.raw[1:-1].replace(quote * 2, quote)


def tokenize(source: Source) -> list[Token]:
    """Cut a text into tokens, without the spaces; the last one is of kind `end`.

    Raises:
        FilterSyntaxError: the text is too long, a quote is not closed, or a character has no meaning here.
    """
    source.check()
    tokens: list[Token] = []
    offset, text, pattern = 0, source.text, _token_pattern()
    while offset < len(text):
        found = pattern.match(text, offset)
        if found is None:
            raise _stray(source, offset)
        if found.lastgroup != "space":
            tokens.append(Token(str(found.lastgroup), found.group(), offset))
        offset = found.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def _stray(source: Source, offset: int) -> FilterSyntaxError:
    character = source.text[offset]
    if character in "'\"`":
        return source.error(offset, f"the quote {character} opened here is never closed.", "Close it.")
    hint = "Put unusual keys in `backticks` and texts in 'single quotes'."
    return source.error(offset, f"{character!r} has no meaning here.", hint)
