from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.widgets.table.across import Across
from console.widgets.table.column import GUTTER, Column

COLUMNS = st.lists(
    st.builds(
        Column,
        name=st.uuids().map(str),
        title=st.just("T"),
        width=st.integers(1, 30),
        minimum=st.integers(1, 12),
        priority=st.integers(0, 5),
        pinned=st.booleans(),
    ),
    min_size=1,
    max_size=9,
).map(lambda columns: sorted(columns, key=lambda column: not column.pinned))
WIDTHS = st.integers(GUTTER + 1, 120)


def shown(across: Across) -> list[int]:
    return [place.column for place in across.placed]


def named(count: int, *, pinned: int = 0) -> list[Column]:
    return [Column(f"c{place}", f"C{place}", minimum=10, pinned=place < pinned) for place in range(count)]


@given(COLUMNS, WIDTHS)
def test_going_right_meets_every_column_and_going_left_comes_back(columns: list[Column], width: int) -> None:
    across = Across(columns)
    across.resize(width)
    at_first, met = shown(across), {across.at}
    while across.step(1):
        met.add(across.at)
        assert across.at in shown(across)
    assert met == set(range(len(columns)))
    while across.step(-1):
        assert across.at in shown(across)
    assert across.at == 0
    assert shown(across) == at_first


@given(COLUMNS, st.lists(st.one_of(st.sampled_from([-1, 1]), WIDTHS, st.randoms()), max_size=20))
def test_whatever_happens_the_cursor_stays_on_its_column_in_view(columns: list[Column], steps: list[object]) -> None:
    across = Across(columns)
    across.resize(80)
    for step in steps:
        before = across.column
        if step in (-1, 1) and isinstance(step, int):
            across.step(step)
        elif isinstance(step, int):
            across.resize(step)
            assert across.column == before
        else:
            other = list(columns)
            step.shuffle(other)  # type: ignore[attr-defined]  # Hypothesis's own random
            across.set_columns(sorted(other, key=lambda column: not column.pinned))
            assert across.column == before
        assert across.at in shown(across)


def test_the_cursor_of_a_column_that_goes_stays_on_its_place() -> None:
    across = Across(named(4))
    across.resize(80)
    assert across.go_to("c3")
    across.set_columns(named(3))
    assert across.at == 2
    across.set_columns([])
    assert across.column is None
    assert not across.step(1)


def test_pinned_columns_stay_while_the_others_are_scrolled() -> None:
    across = Across(named(8, pinned=2))
    across.resize(GUTTER + 12 * 4)
    for _ in range(7):
        across.step(1)
    assert shown(across) == [0, 1, 6, 7]
    assert (across.more_left, across.more_right) == (True, False)


def test_pinned_columns_that_leave_no_room_are_scrolled_like_others() -> None:
    across = Across(named(6, pinned=5))
    across.resize(GUTTER + 12 * 3)
    assert across.go_to("c5")
    assert shown(across) == [0, 1, 5]


def test_a_cursor_that_moves_in_view_scrolls_nothing() -> None:
    across = Across(named(8))
    across.resize(GUTTER + 12 * 4)
    before = across.placed
    across.step(1)
    assert across.placed is before
