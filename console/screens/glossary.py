"""The glossary: the words on the screens, by group, or those that hold a text."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from console.glossary import TERMS, Term
from console.text import wrap
from console.views import Page
from console.widgets.document import Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDENT, _NARROWEST = 6, 20


class Glossary(Page["tuple[Term, ...]"]):
    """All words, or those that the location's name is found in."""

    def fetch(self) -> tuple[Term, ...]:
        """The words; nothing is read."""
        asked = self.location.name.casefold()
        return tuple(term for term in TERMS if asked in f"{term.name} {term.group}".casefold())

    def lines(self, data: tuple[Term, ...], width: int) -> Sequence[Line]:
        """Group after group."""
        if not data:
            return [Line([(f"  No word has {self.location.name} in it; :glossary shows them all.", "dim")])]
        lines: list[Line] = []
        for group, terms in groupby(data, key=lambda term: term.group):
            lines.append(heading(group.capitalize()))
            for term in terms:
                lines.append(Line([(f"  {term.name}", "name")], key=term.name, subject=term))
                room = max(width - _INDENT - 2, _NARROWEST)
                lines += [Line([(" " * _INDENT + text, "")]) for text in wrap(term.meaning, room)]
            lines.append(blank())
        return lines
