"""Rules that hold for every text, however hostile."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from engine.core.text import ascii_fold, clean, clean_json, csv_safe, fit, width

# Pieces that mean something to a terminal, among any characters at all (surrogates included).
_PIECES = [
    "\x1b[",
    "\x1b]",
    "\x9b",
    "\x07",
    "\x1b\\",
    "31m",
    "\u0301",
    "\u202e",
    "\ufe0f",
    "👍",
    "\n",
    "\r\n",
    "日",
    "[/x]",
]
hostile = st.text(st.characters(), max_size=60) | st.lists(st.sampled_from(_PIECES) | st.characters(), max_size=40).map(
    "".join
)
limits = st.integers(1, 60)

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(hostile, limits)
def test_no_control_or_invisible_character_passes(text: str, limit: int) -> None:
    cleaned = clean(text, limit=limit)
    assert len(cleaned) <= limit
    assert not {unicodedata.category(character) for character in cleaned} & FORBIDDEN
    assert cleaned.isprintable()
    assert "\n" not in cleaned


@given(hostile, limits)
def test_only_line_feeds_pass_where_they_may(text: str, limit: int) -> None:
    cleaned = clean(text, limit=limit, newlines=True)
    assert len(cleaned) <= limit
    assert cleaned.replace("\n", "").isprintable()


@given(hostile, limits, st.booleans())
def test_cleaning_twice_is_cleaning_once(text: str, limit: int, newlines: bool) -> None:
    cleaned = clean(text, limit=limit, newlines=newlines)
    assert clean(cleaned, limit=limit, newlines=newlines) == cleaned


@given(hostile)
def test_marks_never_stack_beyond_four(text: str) -> None:
    run = 0
    for character in clean(text):
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        assert run <= 4


@given(hostile, st.integers(0, 40), st.booleans(), st.sampled_from(["…", "~", "..."]))
def test_a_fitted_text_has_exactly_the_width(text: str, cells: int, right: bool, ellipsis: str) -> None:
    assert width(fit(clean(text), cells, right=right, ellipsis=ellipsis)) == cells


@given(hostile)
def test_a_folded_text_is_ascii_and_a_safe_cell_runs_nothing(text: str) -> None:
    cleaned = clean(text)
    assert ascii_fold(cleaned).isascii()
    assert csv_safe(csv_safe(cleaned)) == csv_safe(cleaned)
    safe = csv_safe(cleaned).lstrip(" ")
    assert safe[:1] not in set("=@|%")
    if safe[:1] in set("+-"):
        float(safe)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_cleaned_json_is_json_of_printable_texts(value: object) -> None:
    assert json.dumps(clean_json(value), ensure_ascii=False).isprintable()
