"""The rows of a list in groups, against writing them all down."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from console.arranging.grouped_keys import GroupedKeys, Opened, head_key, mark_of
from engine.core.grouping import Partition

marks = some.lists(some.integers(0, 5), max_size=30)
openings = some.builds(Opened, some.booleans(), some.frozensets(some.integers(0, 6)))


def grouped(found: list[int], opened: Opened, *, named: bool) -> tuple[GroupedKeys, list[int | str]]:
    """The keys, and all rows written down."""
    names: list[int | str] = [f"thing {place}" for place in range(len(found))]
    things: list[int | str] = names if named else [100 + place for place in range(len(found))]
    numbers = range(len(found)) if named else range(100, 100 + len(found))
    keys = GroupedKeys(Partition(numbers, found), opened, names if named else None)
    order = sorted(set(found), key=lambda mark: (mark == 0, found.index(mark)))
    rows: list[int | str] = []
    for mark in order:
        rows.append(head_key(mark))
        if opened.has(mark):
            rows += [thing for thing, own in zip(things, found, strict=True) if own == mark]
    return keys, rows


@settings(max_examples=40)
@given(marks, openings, some.booleans())
def test_rows_are_the_groups_and_what_is_opened(found: list[int], opened: Opened, named: bool) -> None:
    keys, rows = grouped(found, opened, named=named)
    assert list(keys) == rows
    assert len(keys) == len(rows)
    assert [keys[index] for index in range(len(rows))] == rows
    assert keys[1:4] == rows[1:4]
    assert [keys.index(key) for key in rows] == list(range(len(rows)))
    assert all(key in keys for key in rows)
    for index in (-1, len(rows)):
        if not -len(rows) <= index < len(rows):
            with pytest.raises(IndexError):
                keys[index]
    closed = [key for key in keys.things if key not in rows]
    assert all(key not in keys for key in [*closed, "nothing", 7, head_key(99)])


@settings(max_examples=40)
@given(marks, openings, some.booleans())
def test_things_know_their_groups(found: list[int], opened: Opened, named: bool) -> None:
    keys, _ = grouped(found, opened, named=named)
    parents = [keys.parent(key) for key in keys.things]
    assert parents == [own for own, same in groupby(parents) for _ in same]
    for mark in set(found):
        assert [keys.parent(key) for key in keys.members(mark)] == [mark] * found.count(mark)
    assert list(keys.members(99)) == []
    assert keys.parent("nothing") is None


@settings(max_examples=40)
@given(marks, openings, some.data())
def test_a_group_is_marked_when_all_of_it_is(found: list[int], opened: Opened, data: some.DataObject) -> None:
    keys, _ = grouped(found, opened, named=False)
    marked = set(data.draw(some.sets(some.sampled_from(list(keys.things)))) if found else ())
    wanted = {head_key(mark) for mark in set(found) if marked and set(keys.members(mark)) <= marked}
    assert keys.full(marked) == wanted


@given(openings, some.integers(0, 6))
def test_turning_twice_is_as_before(opened: Opened, mark: int) -> None:
    assert opened.turn(mark).has(mark) is not opened.has(mark)
    assert opened.turn(mark).turn(mark) == opened


def test_keys_of_groups_are_told_from_those_of_things() -> None:
    assert mark_of(head_key(7)) == 7
    assert [mark_of(key) for key in (7, "group:7", "", None)] == [None] * 4


def test_a_hundred_thousand_groups_of_one_cost_nothing_per_row() -> None:
    keys = GroupedKeys(Partition(range(1, 100_001), range(1, 100_001)), Opened(every=True))
    assert (len(keys), keys[199_999], keys[100_000]) == (200_000, 100_000, head_key(50_001))
    assert keys.index(100_000) == 199_999
    turned = keys.turned(keys.opened.turn(1))
    assert (len(turned), turned[1]) == (199_999, head_key(2))
