from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.charts.spark import bar, sparkline


@given(values=st.lists(st.floats(), max_size=60), width=st.integers(0, 30), unicode=st.booleans())
def test_a_sparkline_has_exactly_its_width(values: list[float], width: int, unicode: bool) -> None:
    text = sparkline(values, width, unicode=unicode)
    assert cell_len(text) == width
    assert unicode or text.isascii()


@given(share=st.floats(), width=st.integers(0, 40), unicode=st.booleans())
def test_a_bar_has_exactly_its_width(share: float, width: int, unicode: bool) -> None:
    text = bar(share, width, unicode=unicode)
    assert cell_len(text) == width
    assert unicode or text.isascii()


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=500), width=st.integers(1, 30))
def test_a_spike_survives_in_a_sparkline(values: list[float], width: int) -> None:
    assert "█" in sparkline([*values, 100.0, *values], width)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█  "),
        ([1, math.nan, 2], "▁ █       "),
        ([5, 5], "▅▅        "),
        ([0, math.inf, 1, -math.inf], "▁██▁      "),
        ([math.nan], "          "),
        ([], "          "),
    ],
)
def test_sparklines(values: list[float], text: str) -> None:
    assert sparkline(values, 10) == text


@pytest.mark.parametrize(
    ("share", "text", "plain"),
    [
        (0.0, "    ", "...."),
        (0.5, "██  ", "##.."),
        (0.53125, "██▏ ", "##.."),
        (1.0, "████", "####"),
        (0.0001, "▏   ", "#..."),
        (0.9999, "███▉", "###."),
        (7.0, "████", "####"),
        (-1.0, "    ", "...."),
        (math.nan, "    ", "...."),
    ],
)
def test_bars(share: float, text: str, plain: str) -> None:
    assert bar(share, 4) == text
    assert bar(share, 4, unicode=False) == plain


@pytest.mark.parametrize(
    ("values", "text"),
    [([0, 0], "▁▁"), ([0], "▁"), ([4, 4], "██"), ([0, 4, 8], "▁▅█"), ([], "")],
)
def test_a_sparkline_with_a_floor_starts_there(values: list[float], text: str) -> None:
    assert sparkline(values, len(values), floor=0.0) == text
