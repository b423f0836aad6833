"""How columns share a terminal that is too narrow for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.layout import LEAST, arrange


@pytest.mark.parametrize(
    ("natural", "rigid", "room", "widths"),
    [
        ([5, 5], [False, False], 12, [5, 5]),
        ([5, 30], [False, False], 22, [5, 15]),
        ([20, 30], [False, False], 42, [20, 20]),
        ([20, 5], [False, True], 17, [10, 5]),
        ([20, 30, 8], [False, False, True], 32, [10, 10, 8]),
        ([20, 30, 8], [False, False, True], 22, [10, 10]),
        ([30], [False], 7, [7]),
        ([30], [True], 7, [7]),
    ],
)
def test_the_widest_text_is_cut_first_and_the_rightmost_columns_go(
    natural: list[int], rigid: list[bool], room: int, widths: list[int]
) -> None:
    assert arrange(natural, rigid, room=room, gap=2) == widths


COLUMNS = st.lists(st.tuples(st.integers(1, 130), st.booleans()), min_size=1, max_size=12)


@given(COLUMNS, st.integers(1, 300), st.integers(0, 3))
def test_a_table_always_fits_and_cuts_no_number(columns: list[tuple[int, bool]], room: int, gap: int) -> None:
    natural, rigid = [want for want, _ in columns], [stiff for _, stiff in columns]
    widths = arrange(natural, rigid, room=room, gap=gap)
    assert 1 <= len(widths) <= len(columns)
    assert sum(widths) + gap * (len(widths) - 1) <= room
    for wide, want, stiff in zip(widths, natural, rigid, strict=False):
        assert 1 <= wide <= want
        if len(widths) > 1:
            assert wide == want if stiff else wide >= min(want, LEAST)
