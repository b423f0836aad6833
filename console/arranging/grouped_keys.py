"""The rows of a list whose things stand in groups, some of them opened: worked out, never written down. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, overload

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from console.widgets.table import Key
    from engine.core.grouping import Partition

_HEAD = "\0group:"
"""Begins the key of a group's own row; no thing is called so."""


def head_key(mark: int, of: int = 0) -> str:
    """The key of the row of a group.

    Args:
        mark: The mark of the group.
        of: Tells groups by one column from those by another, whose marks mean other values.
    """
    return f"{_HEAD}{of}:{mark}"


def mark_of(key: Key | None) -> int | None:
    """The mark of the group whose row has this key; `None` for the key of a thing."""
    return int(key.rpartition(":")[2]) if isinstance(key, str) and key.startswith(_HEAD) else None


@frozen
class Opened:
    """Which groups are opened.

    Args:
        every: Whether all are, also those to come.
        but: Marks of the groups for which it is the other way round.
    """

    every: bool = False
    but: frozenset[int] = frozenset()

    def has(self, mark: int) -> bool:
        """Whether a group is opened."""
        return (mark in self.but) != self.every

    def turn(self, mark: int) -> Opened:
        """Open a group, or close it."""
        return Opened(self.every, self.but ^ {mark})


class GroupedKeys(Sequence["Key"]):
    """The keys of all rows: those of groups, and below each that is opened those of its things.

    Costs as much as there are opened groups, not as there are rows: a hundred thousand groups open at once.

    Args:
        partition: The groups.
        opened: Which of them are opened.
        names: The keys of the things that the partition counts by place; `None` when it holds their keys.
        of: As for `head_key`.
    """

    def __init__(
        self, partition: Partition, opened: Opened, names: Sequence[Key] | None = None, *, of: int = 0
    ) -> None:
        self.partition = partition
        self.opened = opened
        self.of = of
        self._names = names
        turned = sorted(place for mark in opened.but if (place := partition.place(mark)) is not None)
        self._turned = turned
        self._rows = [0, *accumulate(partition.size(place) for place in turned)]

    def turned(self, opened: Opened) -> GroupedKeys:
        """The same groups, others of them opened."""
        return GroupedKeys(self.partition, opened, self._names, of=self.of)

    # --- things

    @property
    def things(self) -> Sequence[Key]:
        """The keys of all things, group after group, also of those that are closed."""
        found = self.partition.things
        return found if self._names is None else [self._names[place] for place in found]

    def members(self, mark: int) -> Sequence[Key]:
        """The keys of a group's things, in order; none of a group that is gone."""
        place = self.partition.place(mark)
        if place is None:
            return ()
        found = self.partition.members(place)
        return found if self._names is None else [self._names[thing] for thing in found]

    def parent(self, key: Key) -> int | None:
        """The mark of the group that a thing is in; `None` when it is in none."""
        index = self._thing(key)
        return None if index is None else self.partition.marks[self.partition.group_at(index)]

    def full(self, marked: Collection[Key]) -> set[Key]:
        """The keys of those groups all of whose things are marked."""
        found: set[Key] = set()
        partition = self.partition
        if marked:
            inside = [int(thing in marked) for thing in self.things]
            before = [0, *accumulate(inside)]
            for place, mark in enumerate(partition.marks):
                start, end = partition.starts[place], partition.starts[place + 1]
                if before[end] - before[start] == end - start:
                    found.add(self.head_key(mark))
        return found

    def _thing(self, key: Key) -> int | None:
        """Where a thing stands among all things."""
        try:
            thing = key if self._names is None else self._names.index(key)
            return self.partition.things.index(thing)  # type: ignore[arg-type]  # what is no number is not among them
        except (ValueError, TypeError):
            return None

    # --- rows

    def head_key(self, mark: int) -> str:
        """The key of the row of a group."""
        return head_key(mark, self.of)

    def head(self, place: int) -> int:
        """The row of the group at a place from 0; behind the last group the number of rows."""
        turned = self._rows[bisect_left(self._turned, place)]
        return place + (self.partition.starts[place] - turned if self.opened.every else turned)

    def __len__(self) -> int:
        """How many rows there are."""
        return self.head(len(self.partition))

    @overload
    def __getitem__(self, index: int) -> Key: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Key]: ...

    def __getitem__(self, index: int | slice) -> Key | Sequence[Key]:
        """The key of a row, or of several."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(index)
        place = bisect_right(range(len(self.partition)), row, key=self.head) - 1
        below = row - self.head(place)
        if not below:
            return self.head_key(self.partition.marks[place])
        return self._key(self.partition.starts[place] + below - 1)

    def _key(self, index: int) -> Key:
        thing = self.partition.things[index]
        return thing if self._names is None else self._names[thing]

    def __iter__(self) -> Iterator[Key]:
        """The keys of all rows."""
        partition = self.partition
        for place, mark in enumerate(partition.marks):
            yield self.head_key(mark)
            if self.opened.has(mark):
                yield from map(self._key, range(partition.starts[place], partition.starts[place + 1]))

    def __contains__(self, key: object) -> bool:
        """Whether a row has this key."""
        return isinstance(key, int | str) and self.row(key) is not None

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """The row of a key.

        Raises:
            ValueError: no row has it.
        """
        row = self.row(value) if isinstance(value, int | str) else None
        if row is None or row < start or (stop is not None and row >= stop):
            raise ValueError(value)
        return row

    def row(self, key: Key) -> int | None:
        """The row of a key; `None` when there is none, or its group is closed."""
        mark = mark_of(key)
        if mark is not None:
            place = self.partition.place(mark) if key == self.head_key(mark) else None
            return None if place is None else self.head(place)
        index = self._thing(key)
        if index is None:
            return None
        place = self.partition.group_at(index)
        if not self.opened.has(self.partition.marks[place]):
            return None
        return self.head(place) + 1 + index - self.partition.starts[place]
