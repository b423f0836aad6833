"""The whole of a list as it is shown, read a piece at a time: every row the filter leaves, or those that are marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from engine.core.query.schema import Kind
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from console.location import Location
    from console.resources.resource import Shown, Source
    from console.screens.list import ListView
    from console.widgets.table import Key
    from engine.api import Engine
    from engine.core.query.evaluator import Stored

T = TypeVar("T")

AT_ONCE = 2_000
"""Rows read in one go."""

LONGEST = 100_000
"""Characters of a text that are written."""

Tell = Callable[[str, int, int], None]
"""Takes what happens, rows done and rows in all."""


@dataclass(frozen=True, slots=True)
class Value:
    """What stands in one place of a list.

    Args:
        text: As the list shows it, whole and cleaned.
        look: Its look.
        stored: What it is: a number unrounded, a time as ISO 8601; `None` for nothing.
    """

    text: str
    look: str
    stored: Stored | None


@dataclass(frozen=True, slots=True)
class Heading:
    """A column that is written.

    Args:
        name: What programs call it, such as `metrics.auc`.
        title: What the list calls it.
        right: Whether its texts stand on the right.
    """

    name: str
    title: str
    right: bool


@dataclass(frozen=True, slots=True)
class Whole(Generic[T]):
    """A list as it stood when somebody asked for it.

    Args:
        source: Where it reads.
        location: Filter, order and columns.
        shown: The columns that are shown, left to right.
        marks: The marked rows; all rows when there are none.
        now_ms: The time that ages are told by.
    """

    source: Source[T]
    location: Location
    shown: Sequence[Shown[T]]
    marks: frozenset[Key]
    now_ms: int

    @classmethod
    def of(cls, view: ListView[Any]) -> Whole[Any]:
        """The list that is shown."""
        deck = view.deck
        return cls(view.grouping.flat, view.location, tuple(view.columns.shown), view.marks, deck.now_ms())

    @property
    def headings(self) -> list[Heading]:
        """Its columns; no two have the same name."""
        found: dict[str, Heading] = {}
        for shown in self.shown:
            name = clean(shown.column.name, limit=LONGEST)
            name = name if name not in found else f"{name}~{len(found)}"
            found[name] = Heading(name, clean(shown.column.title), shown.column.align == "right")
        return list(found.values())

    def keys(self, engine: Engine) -> Sequence[Key]:
        """The keys of its rows, in order. Reads.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        keys = self.source.whole(engine, self.location).keys
        return [key for key in keys if key in self.marks] if self.marks else keys

    def things(self, engine: Engine, tell: Tell) -> Iterator[T]:
        """Its things, in order. Reads.

        Args:
            engine: The open workspace.
            tell: Told after every piece; may end it by raising.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        keys = self.keys(engine)
        for start in range(0, len(keys), AT_ONCE):
            piece = list(keys[start : start + AT_ONCE])
            found = self.source.rows(engine, piece, self.location)
            yield from (found[key] for key in piece if key in found)
            tell("rows", min(start + AT_ONCE, len(keys)), len(keys))

    def rows(self, engine: Engine, tell: Tell) -> Iterator[list[Value]]:
        """Its rows, in order; see `things`."""
        kinds = [self.source.kind(shown.sort) if shown.sort else None for shown in self.shown]
        for item in self.things(engine, tell):
            yield [self._value(item, shown, kind) for shown, kind in zip(self.shown, kinds, strict=True)]

    def _value(self, item: T, shown: Shown[T], kind: Kind | None) -> Value:
        said, look = shown.cell(item, self.now_ms)
        text, stored = clean(said, limit=LONGEST), self.source.value(item, shown)
        if kind is Kind.TIME and isinstance(stored, int):
            from engine.core.timetext import format_time

            stored = format_time(stored)
        elif isinstance(stored, str):
            stored = clean(stored, limit=LONGEST)
        elif stored is None and shown.value is None:
            stored = text or None
        return Value(text, look, stored)
