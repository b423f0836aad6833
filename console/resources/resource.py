"""What a list is made of: columns, a source, actions. A resource is a description; the list view is one for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from console.widgets.table import Cell, Column, Key
from engine.core.frozen import frozen
from engine.core.query.schema import Kind
from engine.core.text import clean

if TYPE_CHECKING:
    from console.actions import Action
    from console.location import Location
    from console.resources.grouped import Grouper
    from console.text import Part
    from engine.api import Engine
    from engine.core.aggregates import Aggregates
    from engine.core.events import Event
    from engine.core.query.evaluator import Stored

T = TypeVar("T")

KEPT_TEXTS = 8_192
"""Texts of cells kept cleaned: several screens full."""

CELL_LIMIT = 160
"""Characters of a logged text that a cell can ever show."""


@frozen
class Shown(Generic[T]):
    """One column of a list.

    Args:
        column: Heading and width.
        cell: The cell's text and look, from an item and the present in milliseconds since the epoch.
        sort: The key it sorts by, as in `sort:`; empty when its source must find one.
        value: What it sorts by and is compared with where `sort` names nothing; by default the text of the cell.
        kind: What kind of value that is.
    """

    column: Column
    cell: Callable[[T, int], Part]
    sort: str = ""
    value: Callable[[T], Stored | None] | None = None
    kind: Kind = Kind.TEXT


@frozen
class Listing(Generic[T]):
    """An order of things, with those of them that have been read.

    Args:
        keys: All keys in order.
        items: Things by key; the rest is read when it comes into view.
        partial: True for a first page: the whole order follows.
        remark: What the status line adds, such as how far a search went.
    """

    keys: Sequence[Key]
    items: Mapping[Key, T]
    partial: bool = False
    remark: str = ""


class Source(Protocol[T]):
    """Where a list reads. Runs in a worker thread; every method may raise a `QuarterdeckError`."""

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[T]]:
        """The columns of a location, those of choice included."""

    def first(self, engine: Engine, location: Location) -> Listing[T]:
        """What can be shown at once."""

    def whole(self, engine: Engine, location: Location) -> Listing[T]:
        """The whole order."""

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, T]:
        """Things that come into view."""

    def choices(self, engine: Engine) -> Sequence[str]:
        """Keys of the columns that can be chosen; empty when there is no choice."""

    def kind(self, key: str) -> Kind | None:
        """What kind of values a key of `sort:` has; `None` for a key that cannot be compared."""

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """The values that a key can be compared with, where they are few and known; else none."""

    def value(self, item: T, shown: Shown[T]) -> Stored | None:
        """What a thing has in a column, whole and not put into words; `None` for nothing, or when its cell says all."""


@frozen
class Resource(Generic[T]):
    """A list the console shows.

    Args:
        name: Its name in commands.
        noun: What one of it is called, for counts.
        source: Where it reads.
        actions: What can be done to its things, most used first.
        kinds: Kinds of events that concern it.
        empty: Lines that say what is missing and which command fills it.
        sort: The order when none is asked for, as `(sort key, descending)`; only for the heading's mark.
        key_of: The key of the thing an event is about; `None` when the whole list must be read anew.
        filterable: Whether `/` filters it.
        aggregates: What numbers of columns come to over the whole list, where its source adds up faster than one by
            one; those it cannot add up are left out. Runs in a worker thread.
        grouper: What groups its things, where its source does that faster than one by one.
    """

    name: str
    noun: str
    source: Source[T]
    actions: tuple[Action, ...]
    kinds: frozenset[str]
    empty: tuple[str, ...]
    sort: tuple[str, bool] = ("", False)
    key_of: Callable[[Event], Key | None] = field(default=lambda _event: None)
    filterable: bool = True
    aggregates: Callable[[Engine, Location, Sequence[Shown[T]]], Aggregates] | None = None
    grouper: Grouper | None = None


def headings(columns: Sequence[Shown[T]]) -> list[Column]:
    """The columns as the table takes them; a heading may be a key that somebody logged, and is cleaned here."""
    return [replace(shown.column, title=clean(shown.column.title, limit=CELL_LIMIT)) for shown in columns]


def cells(item: T, columns: Sequence[Shown[T]], now_ms: int) -> tuple[Cell, ...]:
    """A thing as a row of the table; everything is cleaned here."""
    row: list[Cell] = []
    for shown in columns:
        text, look = shown.cell(item, now_ms)
        row.append(Cell(_cleaned(text) if len(text) <= CELL_LIMIT else clean(text, limit=CELL_LIMIT), look))
    return tuple(row)


@lru_cache(maxsize=KEPT_TEXTS)
def _cleaned(text: str) -> str:
    """A cell's text; of the cells of a live list few differ from those of a moment ago, or from their neighbours."""
    return clean(text, limit=CELL_LIMIT)
