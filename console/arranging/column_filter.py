"""`=`: a filter of one column, typed with the operators and values that fit it; other columns' filters stay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.arranging.terms import FIRST_OPERATOR, OPERATORS, last_value, of_column, without
from console.location import filter_words
from console.typing import Stage, Typed, common_start
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.resources.resource import Shown
    from console.screens.list import ListView
    from engine.core.query.schema import Kind

T = TypeVar("T")

MOST_SHOWN = 12
"""Values shown in the hint line."""


def filter_column(view: ListView[Any]) -> None:
    """Let the operator type a filter of the column under the cursor; the list follows every letter."""
    shown = view.columns.here
    kind = view.columns.kind(shown) if shown is not None else None
    if shown is None or kind is None or not view.filterable:
        view.deck.say("This column cannot be compared; / filters by words.", "dim")
        return
    _ColumnFilter(view, shown, kind)


class _ColumnFilter(Generic[T]):
    """One filter being typed."""

    def __init__(self, view: ListView[T], shown: Shown[T], kind: Kind) -> None:
        self._view = view
        self._kind = kind
        self._title = clean(shown.column.title, limit=40)
        self._before = view.location.terms
        keys = {shown.sort, shown.column.name, shown.column.title}
        own = of_column(self._before, keys)
        self._others = without(self._before, keys)
        self._values: Sequence[str] = ()
        text = " ".join(own) or f"{shown.sort}{FIRST_OPERATOR[kind]}"
        source, engine = view.resource.source, view.deck.engine
        view.deck.frame.ask("=", text, self.typed)
        self._suggest(text)
        view.deck.read("filter.values", lambda: source.values(engine, shown.sort), self._known)

    def _known(self, values: Sequence[str]) -> None:
        self._values = values
        if values and self._view.deck.frame.typing:
            self._suggest("")

    def typed(self, typed: Typed) -> None:
        """A key in the line."""
        deck = self._view.deck
        if typed.stage is Stage.CHANGED:
            self._suggest(typed.text)
            terms = filter_words(typed.text)
            unfinished = bool(terms) and last_value(typed.text)[1] == ""
            self._go((*self._others, *(terms[:-1] if unfinished else terms)))
        elif typed.stage is Stage.COMPLETE:
            self._complete(typed.text)
        elif typed.stage in (Stage.DONE, Stage.GIVEN_UP):
            if typed.stage is Stage.GIVEN_UP:
                self._go(self._before)
            deck.frame.stop_typing()
            deck.frame_changed()
            self._view.take_focus()

    def _go(self, terms: tuple[str, ...]) -> None:
        self._view.go(replace(self._view.location, terms=terms))

    def _fitting(self, text: str) -> list[str]:
        begun = last_value(text)[1].lstrip("\"'").lower() if text else ""
        return [value for value in self._values if value.lower().startswith(begun)]

    def _suggest(self, text: str) -> None:
        values = "  ".join(map(clean, self._fitting(text)[:MOST_SHOWN]))
        self._view.deck.frame.suggest([(f"{self._title}  ", "key"), (values or OPERATORS[self._kind], "dim")])

    def _complete(self, text: str) -> None:
        found, (start, begun) = self._fitting(text), last_value(text)
        whole = common_start(found)
        if len(whole) > len(begun):
            quoted = f'"{whole}"' if " " in whole and len(found) == 1 else whole
            self._view.deck.frame.put_typing(text[:start] + quoted)
