from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from console.widgets.table.column import GAP, GUTTER, Cell, Column, arrange, widened

COLUMNS = st.lists(
    st.builds(
        Column,
        name=st.uuids().map(str),
        title=st.just("T"),
        width=st.integers(1, 30),
        minimum=st.integers(1, 12),
        maximum=st.sampled_from([0, 40]),
        weight=st.integers(0, 3),
        priority=st.integers(0, 5),
        pinned=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
WIDTHS = st.integers(0, 150)


def column(name: str, width: int = 10, **more: int) -> Column:
    return Column(name, name.upper(), width=width, minimum=more.pop("minimum", 5), **more)  # type: ignore[arg-type]  # ints only


@given(COLUMNS, WIDTHS, st.integers(0, 8))
def test_columns_never_overlap_and_stay_in_order_and_the_first_is_always_there(
    columns: list[Column], available: int, offset: int
) -> None:
    placed = arrange(columns, available, offset)
    if available <= GUTTER:
        assert placed == []
        return
    assert placed[0].column == 0
    assert placed[0].x == GUTTER
    for left, right in itertools.pairwise(placed):
        assert left.column < right.column
        assert left.x + left.width + GAP == right.x
    assert all(place.width >= 1 for place in placed)


@given(COLUMNS, WIDTHS)
def test_what_is_shown_fits_when_the_least_widths_fit(columns: list[Column], available: int) -> None:
    placed = arrange(columns, available)
    if placed and len(placed) > 1:
        assert placed[-1].x + placed[-1].width <= available
        assert all(place.width >= columns[place.column].minimum for place in placed)


@given(COLUMNS, WIDTHS)
def test_every_column_can_be_scrolled_into_view(columns: list[Column], available: int) -> None:
    seen = {place.column for offset in range(len(columns)) for place in arrange(columns, available, offset)}
    if available > GUTTER:
        assert seen == set(range(len(columns)))


@given(COLUMNS, WIDTHS)
def test_no_column_grows_beyond_its_maximum(columns: list[Column], available: int) -> None:
    for place in arrange(columns, available):
        wanted = columns[place.column]
        assert not wanted.maximum or place.width <= max(wanted.maximum, wanted.width, wanted.minimum)


def test_spare_width_goes_to_columns_by_weight() -> None:
    columns = [column("a", weight=1), column("b"), column("c", weight=2)]
    spare = 30
    available = GUTTER + 30 + 2 * GAP + spare
    assert [place.width for place in arrange(columns, available)] == [20, 10, 30]


def test_columns_shrink_to_their_minimum_before_one_leaves() -> None:
    columns = [column("a"), column("b"), column("c")]
    assert [place.width for place in arrange(columns, GUTTER + 15 + 2 * GAP)] == [5, 5, 5]


def test_the_column_of_lowest_priority_leaves_first() -> None:
    columns = [column("a", priority=0), column("b", priority=1), column("c", priority=2), column("d", priority=1)]
    fitting = GUTTER + 3 * 5 + 2 * GAP
    assert [place.column for place in arrange(columns, fitting)] == [0, 1, 2]
    assert [place.column for place in arrange(columns, fitting - 1)] == [0, 2]


def test_scrolling_right_keeps_the_first_column_and_goes_on_from_a_later_one() -> None:
    columns = [column(name) for name in "abcdef"]
    narrow = GUTTER + 3 * 10 + 2 * GAP
    assert [place.column for place in arrange(columns, narrow, offset=3)][:2] == [0, 3]


def _widths(columns: tuple[Column, ...], available: int) -> dict[str, int]:
    return {columns[place.column].name: place.width for place in arrange(columns, available)}


@given(st.lists(st.text(alphabet="ab漢", max_size=60), max_size=5), st.integers(30, 160))
def test_what_identifies_a_row_is_whole_where_it_fits_beside_the_first_column(texts: list[str], available: int) -> None:
    columns = (
        column("number", 4, minimum=3, priority=9),
        column("reference", 14, minimum=10, weight=2, priority=9, whole=100),
        column("reason", 30, minimum=10, priority=5, weight=4),
        column("state", 12, minimum=12, priority=8),
    )
    grown = widened(columns, [(Cell("1"), Cell(text), Cell("why")) for text in texts])
    widths = _widths(grown, available)
    needed = max((sum(2 if letter == "漢" else 1 for letter in text) for text in texts), default=0)
    assert widths["reference"] >= min(needed, available - GUTTER - 3 - GAP)


def test_columns_that_identify_nothing_never_grow_with_their_texts() -> None:
    columns = (column("reference", whole=8), column("reason"))
    assert widened(columns, [(Cell("short"), Cell("a reason of many words"))]) is widened(columns, [])
    assert [each.minimum for each in widened(columns, [(Cell("x" * 50), Cell("y" * 50))])] == [8, 5]
