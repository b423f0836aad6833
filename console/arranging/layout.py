"""The columns of one list: those there are, those that are shown, and what their headings say of the order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from console.arranging.arrangement import Arrangement
from console.arranging.orders import Order, Orders, read_orders
from console.resources.resource import headings
from engine.core.query.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.location import Location
    from console.resources.resource import Resource, Shown
    from console.widgets.table import VirtualTable

T = TypeVar("T")

RANGED = frozenset({Kind.NUMBER, Kind.DURATION})
"""Kinds of columns that show the range of a group's numbers where it fits."""

RANGE = 26
"""Cells that such a range takes at most."""

RANGE_WEIGHT = 4
"""Its share of the width nobody wants: more than names take, which have their room already."""


class Layout(Generic[T]):
    """Puts a list's columns into its table as the operator wants them.

    Args:
        resource: What it is a list of.
        table: Where they are shown.
    """

    def __init__(self, resource: Resource[T], table: VirtualTable) -> None:
        self._resource = resource
        self._table = table
        self.arrangement = Arrangement()
        """How they are laid out."""
        self.every: Sequence[Shown[T]] = ()
        """All columns there are, as the source gave them, hidden ones too."""
        self.shown: Sequence[Shown[T]] = ()
        """Those that are shown, left to right."""

    @property
    def names(self) -> list[str]:
        """Names of all columns there are, in their usual order."""
        return [shown.column.name for shown in self.every]

    @property
    def here(self) -> Shown[T] | None:
        """The column under the column cursor."""
        here = self._table.column
        return next((shown for shown in self.shown if here is not None and shown.column.name == here.name), None)

    def kind(self, shown: Shown[T]) -> Kind | None:
        """What kind of values a column has; `None` when it cannot be compared."""
        return self._resource.source.kind(shown.sort) if shown.sort else None

    def room(self, name: str) -> int:
        """Cells that a column has."""
        return self._table.width_of(name)

    def orders(self, location: Location) -> Orders:
        """What the list is sorted by, under the keys that its columns have."""
        if not location.sort:
            key, descending = self._resource.sort
            return (Order(key, descending),) if key else ()
        known = {shown.column.title: shown.sort for shown in self.every if shown.sort}
        known.update((shown.sort, shown.sort) for shown in self.every)
        return tuple(Order(known.get(key, key), descending) for key, descending in read_orders(location.sort))

    def _roomier(self, shown: Shown[T]) -> Shown[T]:
        """A column of numbers as it is in groups: room that nobody wants is for the range of a group."""
        column = shown.column
        if self.kind(shown) not in RANGED or column.name in self.arrangement.widths:
            return shown
        return replace(
            shown, column=replace(column, maximum=max(column.maximum, RANGE), weight=max(column.weight, RANGE_WEIGHT))
        )

    def take(self, every: Sequence[Shown[T]], location: Location) -> None:
        """Show these columns, arranged, with the orders of a location."""
        self.every = every
        shown = self.arrangement.laid_out(every)
        if location.group:
            shown = [self._roomier(each) for each in shown]
        if [each.column for each in shown] != [each.column for each in self.shown]:
            self._table.set_columns(headings(shown))
        self.shown = shown
        names = {each.sort: each.column.name for each in reversed(shown) if each.sort}
        self._table.set_orders([(names.get(key, ""), descending) for key, descending in self.orders(location)])
