"""The table's rows against the simplest model that could be right."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from console.widgets.table.column import Cell
from console.widgets.table.rows import TableRows

KEYS = st.lists(st.integers(0, 60), unique=True, max_size=50)
HEIGHTS = st.integers(0, 12)


def table(count: int, height: int = 10) -> TableRows:
    rows = TableRows()
    rows.resize(height)
    rows.set_keys(array("q", range(count)))
    return rows


class AgainstAList(RuleBasedStateMachine):
    """A list, an index and a window; each step is one plain sentence."""

    @initialize(keys=KEYS, height=HEIGHTS)
    def begin(self, keys: list[int], height: int) -> None:
        self.rows = TableRows()
        self.rows.resize(height)
        self.rows.set_keys(keys)
        self.keys = keys
        self.marks: set[int] = set()
        self.height = height

    @rule(index=st.integers(-5, 60))
    def go_to(self, index: int) -> None:
        self.rows.move_to(index)
        assert self.rows.cursor == (max(0, min(index, len(self.keys) - 1)) if self.keys else -1)

    @rule(count=st.integers(-15, 15))
    def page(self, count: int) -> None:
        before = self.rows.cursor
        self.rows.page(count)
        assert self.rows.cursor == (max(0, min(before + count, len(self.keys) - 1)) if self.keys else -1)

    @rule(count=st.integers(-15, 15))
    def scroll(self, count: int) -> None:
        top = self.rows.top
        self.rows.scroll(count)
        assert self.rows.top == max(0, min(top + count, len(self.keys) - self.height))

    @rule(keys=KEYS)
    def reorder(self, keys: list[int]) -> None:
        key, line = self.rows.cursor_key, self.rows.cursor - self.rows.top
        self.rows.set_keys(keys)
        self.keys = keys
        if key in keys and 0 <= line < self.height:
            assert self.rows.cursor_key == key
            ideal = keys.index(int(key)) - line
            assert self.rows.top == max(0, min(ideal, len(keys) - self.height))

    @rule(height=HEIGHTS)
    def resize(self, height: int) -> None:
        key = self.rows.cursor_key
        self.rows.resize(height)
        self.height = height
        assert self.rows.cursor_key == key

    @rule()
    def mark(self) -> None:
        if self.rows.cursor_key is not None:
            self.marks ^= {int(self.rows.cursor_key)}
        self.rows.toggle_mark()

    @rule(ahead=st.booleans())
    def read(self, ahead: bool) -> None:
        wanted = self.rows.missing(ahead=ahead)
        assert len(set(wanted)) == len(wanted)
        assert set(wanted) <= set(self.keys)
        self.rows.store({key: (Cell(str(key)),) for key in wanted}, known_only=False)
        if wanted:
            assert self.rows.complete

    @invariant()
    def cursor_is_in_view_and_marks_stay(self) -> None:
        assert (self.rows.cursor == -1) == (not self.keys)
        if self.keys and self.height:
            assert self.rows.cursor in self.rows.visible
            assert len(self.rows.visible) == min(self.height, len(self.keys))
        assert self.rows.marks == self.marks


AgainstAList.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAgainstAList = AgainstAList.TestCase


def test_new_rows_above_do_not_move_the_row_under_the_cursor() -> None:
    rows = table(100)
    rows.move_to(30)
    line = rows.cursor - rows.top
    rows.set_keys([*range(1000, 1012), *range(100)])
    assert rows.cursor_key == 30
    assert rows.cursor - rows.top == line


def test_a_deleted_row_leaves_the_cursor_in_its_place() -> None:
    rows = table(100)
    rows.move_to(30)
    rows.set_keys([key for key in range(100) if key != 30])
    assert rows.cursor_key == 31


def test_a_page_keeps_the_screen_line() -> None:
    rows = table(100)
    rows.move_to(4)
    rows.page(10)
    assert (rows.cursor, rows.top) == (14, 10)
    rows.page(-10)
    assert (rows.cursor, rows.top) == (4, 0)


@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_finding_the_cursors_key_in_a_million_rows_is_quick(count: int) -> None:
    rows = table(count)
    rows.move_to(count - 1)
    rows.set_keys(array("q", range(count - 1, -1, -1)))
    assert rows.cursor == 0


def test_rows_on_the_way_are_not_asked_for_twice() -> None:
    rows = table(100)
    assert rows.missing(ahead=False) == tuple(range(10))
    assert rows.missing(ahead=False) == ()


def test_rows_ahead_are_asked_for_by_pages_in_the_direction_of_travel() -> None:
    rows = table(1000)
    rows.move_to(500)
    wanted = rows.missing(ahead=True)
    assert wanted[:10] == tuple(range(491, 501))
    assert set(wanted) == set(range(481, 521))
    rows.store({key: (Cell("x"),) for key in wanted}, known_only=False)
    rows.move_to(505)
    assert rows.missing(ahead=True) == ()  # a whole page ahead is there still
    rows.move_to(515)
    assert set(rows.missing(ahead=True)) == set(range(521, 536))


def test_an_update_counts_only_cells_that_differ_and_rows_once_read() -> None:
    rows = table(10)
    rows.store({1: (Cell("a"), Cell("b", "ok"))}, known_only=False)
    assert rows.store({1: (Cell("a"), Cell("b", "ok")), 2: (Cell("c"),)}, known_only=True) == []
    assert rows.store({1: (Cell("a"), Cell("b", "bad"))}, known_only=True) == [1]
    assert rows.row(2) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 99_999), min_size=1, max_size=60))
def test_memory_stays_bounded_wherever_the_cursor_goes(places: list[int]) -> None:
    rows = table(100_000, height=40)
    for place in places:
        rows.move_to(place)
        rows.store({key: (Cell("x"),) for key in rows.missing(ahead=True)}, known_only=False)
        assert rows.complete
    held = sum(rows.row(key) is not None for place in places for key in range(max(0, place - 200), place + 200))
    assert held <= 400 * len(places)
