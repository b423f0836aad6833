"""Things of a list by what they have in common: which group each is in, and what a group comes to. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.core.aggregates import Aggregate

WITHOUT = 0
"""The mark of the group of things that have no value."""


@frozen
class Group:
    """Things that have one value in common.

    Args:
        value: The value, whole; `None` of the things that have none.
        count: How many things there are.
        columns: What the numbers of columns come to, in the order they were asked for.
        filter: A filter that finds just these among the others; empty when none can be written.
    """

    value: str | float | None
    count: int
    columns: tuple[Aggregate, ...] = ()
    filter: str = ""


@frozen
class Groups:
    """One page of the groups of a list.

    Args:
        things: How many things there are in all groups together.
        amount: How many groups there are.
        items: The groups of this page, in the order of their first things; those without a value come last.
        next_page_token: Hand it back to continue; `None` on the last page.
    """

    things: int
    amount: int
    items: tuple[Group, ...]
    next_page_token: str | None = None


class Partition:
    """Things sorted into groups: 8 bytes a thing and 16 a group, however long their values are.

    Args:
        things: Integer keys of all things, in the list's order.
        marks: What group each of them is in, in the same order: a number from 1 that stands for the value; `WITHOUT`
            for those that have none.
    """

    def __init__(self, things: Sequence[int], marks: Iterable[int]) -> None:
        places: dict[int, int] = {}
        sizes = array("q")
        group_of = array("q")
        for mark in marks:
            place = places.get(mark)
            if place is None:
                place = places[mark] = len(sizes)
                sizes.append(0)
            sizes[place] += 1
            group_of.append(place)
        order = [place for mark, place in places.items() if mark != WITHOUT]
        order += [place for mark, place in places.items() if mark == WITHOUT]
        found = list(places)
        self.marks = array("q", (found[place] for place in order))
        """The marks of the groups, in the order of their first things; `WITHOUT` last."""
        self.starts = array("q", [0])
        """Where each group begins among `things`, and where the last one ends."""
        free = array("q", bytes(8 * len(sizes)))
        for place in order:
            free[place] = self.starts[-1]
            self.starts.append(self.starts[-1] + sizes[place])
        self.things = array("q", bytes(8 * len(group_of)))
        """All things, group after group, in each in the list's order."""
        for thing, place in zip(things, group_of, strict=True):
            self.things[free[place]] = thing
            free[place] += 1
        self._places = {mark: place for place, mark in enumerate(self.marks)}

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self.marks)

    def size(self, place: int) -> int:
        """How many things the group at a place from 0 has."""
        return self.starts[place + 1] - self.starts[place]

    def members(self, place: int) -> array[int]:
        """The things of the group at a place from 0, in the list's order."""
        return self.things[self.starts[place] : self.starts[place + 1]]

    def place(self, mark: int) -> int | None:
        """The place of the group of a mark; `None` when there is none."""
        return self._places.get(mark)

    def group_at(self, index: int) -> int:
        """The place of the group that the thing at an index of `things` is in."""
        return bisect_right(self.starts, index) - 1
