"""A list whose things the fuzz test makes and changes, and a plain model of what it must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from console.location import Location
from console.resources.memory import Facts, MemorySource
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, Field, OrderBy

Row = int | str
"""What stands in a row: a thing by its key, or a group."""


@dataclass(frozen=True)
class Thing:
    """Something listed."""

    key: int
    word: str
    number: float | None
    note: str


THINGS: dict[int, Thing] = {}
"""What there is, by key; the newest come first."""

COLUMNS = ("key", "word", "number", "note", "size")

SCHEMA = Schema(
    name="things",
    attributes=(Attribute("key", Kind.NUMBER), Attribute("word", Kind.TEXT), Attribute("number", Kind.NUMBER)),
    entities=frozenset(),
    ties=(OrderBy(Field(Entity.ATTRIBUTE, "key"), descending=True),),
)


def text_of(thing: Thing, column: str) -> str:
    """What a cell shows."""
    if column == "number":
        return "" if thing.number is None else f"{thing.number:g}"
    return str(len(thing.note)) if column == "size" else str(getattr(thing, column))


SHOWN: tuple[Shown[Thing], ...] = (
    Shown(Column("key", "KEY", 6, minimum=4, align="right", priority=9), lambda it, _: (text_of(it, "key"), ""), "key"),
    Shown(Column("word", "WORD", 12, minimum=6, weight=1, priority=5), lambda it, _: (text_of(it, "word"), ""), "word"),
    Shown(
        Column("number", "NUMBER", 8, align="right", priority=4), lambda it, _: (text_of(it, "number"), ""), "number"
    ),
    Shown(Column("note", "NOTE", 20, minimum=8, priority=1), lambda it, _: (text_of(it, "note"), "")),
    Shown(
        Column("size", "SIZE", 5, minimum=5, priority=2),
        lambda it, _: (text_of(it, "size"), ""),
        value=lambda it: len(it.note),
        kind=Kind.NUMBER,
    ),
)

RESOURCE: Resource[Thing] = Resource(
    name="things",
    noun="thing",
    source=MemorySource(
        lambda _engine, _location: [THINGS[key] for key in sorted(THINGS, reverse=True)],
        lambda thing: thing.key,
        SHOWN,
        lambda thing: Facts({"key": thing.key, "word": thing.word, "number": thing.number}),
        SCHEMA,
    ),
    actions=(),
    kinds=frozenset({"thing"}),
    empty=("No things.",),
    key_of=lambda event: event.row_id,
)


def view(location: Location) -> ListView[Thing]:
    """The list."""
    return ListView(RESOURCE, location)


@dataclass
class Model:
    """What the list must show, said as plainly as can be."""

    listed: list[Row] = field(default_factory=list)
    cursor: int = -1
    marks: set[Row] = field(default_factory=set)
    marked_last: Row | None = None
    announced: set[Row] = field(default_factory=set)
    orders: list[tuple[str, bool]] = field(default_factory=list)
    least: float | None = None
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    hidden: set[str] = field(default_factory=set)
    pinned: set[str] = field(default_factory=set)

    # --- rows

    def listing(self) -> list[Row]:
        """The keys that pass, in order: values first, missing last, ties by the newest."""
        return list(self.things())

    def things(self) -> list[int]:
        """The keys of all things that pass, in order."""
        found = sorted(THINGS, reverse=True)
        if self.least is not None:
            found = [key for key in found if (value := THINGS[key].number) is not None and value > self.least]
        for column, descending in reversed(self.orders):
            values = {key: _value(THINGS[key], column) for key in found}
            present = [key for key in found if values[key] is not None]
            present.sort(key=lambda key: values[key], reverse=descending)  # type: ignore[arg-type, return-value]
            found = [*present, *(key for key in found if values[key] is None)]
        return found

    @property
    def key(self) -> Row | None:
        """The key under the cursor."""
        return self.listed[self.cursor] if self.listed else None

    def take(self, keys: list[Row], height: int, *, at_top: bool) -> None:
        """Another order: the cursor stays on its key, else on its place; who follows the top stays there."""
        key = self.key
        self.cursor = keys.index(key) if key in keys else min(max(self.cursor, 0), len(keys) - 1)
        self.listed = keys
        self.announced = set()
        if at_top and self.cursor >= height:
            self.cursor = 0

    def news(self, height: int, *, following: bool) -> None:
        """Something came or went: shown to who follows the top, else only announced; what is gone is gone."""
        now = self.listing()
        if following or not self.listed or now == self.listed:
            self.take(now, height, at_top=following)
            return
        known = set(self.listed)
        stay = [key for key in self.listed if key in now]
        if stay != self.listed:
            self.take(stay, height, at_top=False)
        self.announced = set(now) - known

    def go(self, index: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(index, len(self.listed) - 1)) if self.listed else -1

    def mark_range(self) -> None:
        """From the row marked last to the cursor, if that row is listed."""
        if self.marked_last in self.listed and self.key is not None:
            first, last = sorted((self.listed.index(self.marked_last), self.cursor))
            self.marks |= set(self.listed[first : last + 1])

    def mark_all(self) -> None:
        """All that are listed, or none of them when all are marked."""
        here = set(self.listed)
        self.marks = self.marks - here if here and here <= self.marks else self.marks | here

    def is_marked(self, key: Row) -> bool:
        """Whether a row has a mark."""
        return key in self.marks

    # --- columns

    def indent(self, column: str) -> str:
        """What stands before the text of a cell."""
        del column
        return ""

    def shown(self) -> list[str]:
        """Names of the columns in order: the first one shown, pinned ones, the others."""
        visible = [name for name in self.columns if name not in self.hidden]
        return visible[:1] + sorted(visible[1:], key=lambda name: name not in self.pinned)

    def cells(self, columns: Sequence[str]) -> list[list[str]]:
        """The texts of every listed row."""
        return [[text_of(THINGS[key], column) for column in columns] for key in self.listed if isinstance(key, int)]


def _value(thing: Thing, column: str) -> float | str | None:
    if column == "note":
        return thing.note or None
    return len(thing.note) if column == "size" else getattr(thing, column)
