"""A list's source with its things in groups: rows of groups among those of things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from console.arranging.footer import NUMBERS, one_by_one
from console.arranging.grouped_keys import GroupedKeys, Opened, mark_of
from console.resources.resource import Listing, Shown
from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.grouping import WITHOUT, Group, Partition
from engine.core.text import clean

if TYPE_CHECKING:
    from console.location import Location
    from console.resources.resource import Resource, Source
    from console.widgets.table import Key
    from engine.api import Engine
    from engine.core.aggregates import Aggregate
    from engine.core.query.schema import Kind

T = TypeVar("T")

MOST_READ = 5_000
"""Things that are read to be grouped one by one."""

AT_ONCE = 5_000
"""Things of groups in view whose numbers are added up while one waits; of more they follow the rows."""


@frozen
class GroupRow:
    """The row of a group.

    Args:
        mark: The mark of the group.
        group: What it is, and what its numbers come to or came to when they were last added up.
        added: Whether its numbers were added up since the list was read.
    """

    mark: int
    group: Group
    added: bool = True


class Grouper(Protocol):
    """What groups things faster than one by one. Runs in a worker thread."""

    def grouped(self, engine: Engine, keys: Sequence[Key], by: str) -> Partition:
        """The groups of things.

        Raises:
            QuarterdeckError: they cannot be grouped by that.
        """

    def rows(
        self, engine: Engine, found: Partition, marks: Sequence[int], by: str, columns: Sequence[str]
    ) -> Mapping[int, Group]:
        """What groups come to, by mark."""


_NUMBERS = count(1)


class GroupedSource(Generic[T]):
    """Reads a list in groups.

    Args:
        resource: The list.
        by: The column it is grouped by, as in `group:`.
        opened: Which groups are opened at first.
    """

    def __init__(self, resource: Resource[T], by: str, opened: Opened) -> None:
        self._resource = resource
        self._source: Source[T] = resource.source
        self.by = by
        self._of = next(_NUMBERS)
        self.opened = opened
        """Which groups are opened."""
        self.found: GroupedKeys | None = None
        """The groups as they were read last."""
        self.seconds = 0.0
        """What reading the groups in view took last."""
        self._shown: Sequence[Shown[T]] = ()
        self._numbers: dict[object, int] = {}
        self._added: dict[int, tuple[Aggregate, ...]] = {}
        self._fresh: set[int] = set()

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[T]]:
        """The columns of the list."""
        self._shown = self._source.columns(engine, location)
        return self._shown

    def first(self, engine: Engine, location: Location) -> Listing[T]:
        """All of it: a first page knows nothing of groups."""
        return self.whole(engine, location)

    def whole(self, engine: Engine, location: Location) -> Listing[T]:
        """The groups, with the things of those that are opened.

        Raises:
            QuarterdeckError: they cannot be grouped by that, or the workspace cannot be read.
        """
        if not self._shown:
            self.columns(engine, location)
        listing = self._source.whole(engine, location)
        column, keys = self.column(), listing.keys
        if self._resource.grouper is not None:
            found = GroupedKeys(self._resource.grouper.grouped(engine, keys, self._by()), self.opened, of=self._of)
        else:
            if column is None:
                problem = f"There is no column {clean(self.by, limit=80)} to group by."
                raise InvalidInput(problem, hint="Press % on one.")
            items = _items(self._source, engine, listing, location)
            marks = [self._mark(self._value(items.get(key), column)) for key in keys]
            found = GroupedKeys(Partition(range(len(keys)), marks), self.opened, keys, of=self._of)
        self.found = found
        self._fresh.clear()
        return Listing(found, {}, remark=listing.remark)

    def column(self) -> Shown[T] | None:
        """The column it is grouped by; `None` when it is none of those there are."""
        names = ((shown, (shown.sort, shown.column.name, shown.column.title)) for shown in self._shown)
        return next((shown for shown, called in names if self.by in called), None)

    def _value(self, item: T | None, column: Shown[T]) -> object:
        if item is None:
            return None
        value = self._source.value(item, column)
        if value is None:
            text = clean(column.cell(item, 0)[0]).strip()
            return None if text in ("", "-", "–", "—") else text  # noqa: RUF001 the dashes of cells without a value
        return value

    def _mark(self, value: object) -> int:
        """The number that stands for a value, the same as long as the list is shown."""
        return WITHOUT if value is None else self._numbers.setdefault(value, len(self._numbers) + 1)

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, T]:
        """Things and groups that come into view."""
        marks = [mark for key in keys if (mark := mark_of(key)) is not None]
        things = [key for key in keys if mark_of(key) is None]
        items: dict[Key, Any] = dict(self._source.rows(engine, things, location)) if things else {}
        if marks and self.found is not None and self.found.head_key(marks[0]) in keys:
            partition = self.found.partition
            sizes = (partition.size(place) for mark in marks if (place := partition.place(mark)) is not None)
            add = sum(sizes) <= AT_ONCE or self._resource.grouper is None
            items.update(self.add_up(engine, marks, location) if add else self._groups(engine, self.found, marks))
        return items

    def add_up(self, engine: Engine, marks: Sequence[int], location: Location) -> Mapping[Key, GroupRow]:
        """The rows of groups with what their numbers come to.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        found, begin = self.found, perf_counter()
        if found is None:
            return {}
        added = [shown for shown in self._shown if shown.sort and self.kind(shown.sort) in NUMBERS]
        if self._resource.grouper is None:
            rows = self._one_by_one(engine, found, marks, location, added)
        else:
            names = [each.sort for each in added if "$" not in each.sort]
            told = self._resource.grouper.rows(engine, found.partition, marks, self._by(), names)
            rows = {found.head_key(mark): GroupRow(mark, group) for mark, group in told.items()}
        if found is self.found:
            self._fresh.update(marks)
        self._added.update((row.mark, row.group.columns) for row in rows.values())
        self.seconds = perf_counter() - begin
        return rows

    def _by(self) -> str:
        column = self.column()
        return column.sort if column is not None else self.by

    def _groups(self, engine: Engine, found: GroupedKeys, marks: Sequence[int]) -> Mapping[Key, GroupRow]:
        """The rows of groups at once, with the numbers they had."""
        if self._resource.grouper is None:
            return {}
        told = self._resource.grouper.rows(engine, found.partition, marks, self._by(), ())
        return {
            found.head_key(mark): GroupRow(mark, replace(group, columns=self._added.get(mark, ())), mark in self._fresh)
            for mark, group in told.items()
        }

    def _one_by_one(
        self,
        engine: Engine,
        found: GroupedKeys,
        marks: Sequence[int],
        location: Location,
        added: Sequence[Shown[T]],
    ) -> dict[Key, GroupRow]:
        values = {mark: value for value, mark in self._numbers.items()}
        members = {mark: found.members(mark) for mark in marks}
        items = self._source.rows(engine, [key for keys in members.values() for key in keys], location)
        rows: dict[Key, GroupRow] = {}
        for mark, keys in members.items():
            numbers = one_by_one(self._source, added, [items[key] for key in keys if key in items])
            value = values.get(mark)
            known = value if isinstance(value, str | float | int) or value is None else str(value)
            rows[found.head_key(mark)] = GroupRow(mark, Group(known, len(keys), numbers.columns))
        return rows

    def choices(self, engine: Engine) -> Sequence[str]:
        """Those of the list."""
        return self._source.choices(engine)

    def kind(self, key: str) -> Kind | None:
        """As the list says."""
        return self._source.kind(key)

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """Those of the list."""
        return self._source.values(engine, key)

    def value(self, item: T, shown: Shown[T]) -> Any:
        """As the list says."""
        return self._source.value(item, shown)


class Flat(GroupedSource[T]):
    """Reads the things of a list group after group, without the groups: what is copied and saved."""

    def whole(self, engine: Engine, location: Location) -> Listing[T]:
        """All things, in the order of their groups; see `GroupedSource.whole`."""
        found = super().whole(engine, location)
        return replace(found, keys=self.found.things if self.found is not None else found.keys)


def _items(source: Source[T], engine: Engine, listing: Listing[T], location: Location) -> Mapping[Key, T]:
    """The things of a list, all of them.

    Raises:
        InvalidInput: there are too many.
    """
    if len(listing.keys) > MOST_READ:
        raise InvalidInput(f"More than {MOST_READ:,} rows are not grouped.", hint="Filter them first.")
    missing = [key for key in listing.keys if key not in listing.items]
    return {**listing.items, **source.rows(engine, missing, location)} if missing else listing.items
