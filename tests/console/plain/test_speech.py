"""What a screen shows, as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.plain.speech import ascii_only, speakable

DRAWN = "─│┌█▁▂░▒◆◇●○▲⠿⣿"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("  auc        0.93   +0.01", "auc; 0.93; +0.01"),
        ("✓ finished  12s", "finished; 12s"),
        ("✓  auc at least 0.8", "ok; auc at least 0.8"),
        ("✗  owner", "failed; owner"),
        ("◆ 3, 4", "3, 4"),
        ("churn/3 → production", "churn/3 -> production"),
        ("────── Metrics ──────", "Metrics"),
        ("▁▂▃▄▅▆▇█", ""),
        ("⣀⣤⣶  0.9", "0.9"),
        ("a · b · c", "a, b, c"),
        ("≥ 0.8 … 12", ">= 0.8 ... 12"),
        ("", ""),
    ],
)
def test_a_line_reads_as_words(shown: str, said: str) -> None:
    assert speakable(shown) == said


@given(st.text(alphabet=st.sampled_from(DRAWN + "ab 1✓✗→·…"), max_size=60))
def test_nothing_drawn_is_ever_said_and_no_word_is_lost(text: str) -> None:
    said = speakable(text)
    assert not set(said) & set(DRAWN)
    assert [char for char in said if char in "b1"] == [char for char in text if char in "b1"]


@given(st.text(max_size=80))
def test_where_only_ascii_may_be_said_only_ascii_is(text: str) -> None:
    assert ascii_only(text).isascii()


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert ascii_only(text) == text
