"""What is typed in the plain console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.plain.words import MOST_NUMBERS, Act, Plain, Word, read_act, read_line
from engine.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Plain(Word.NOTHING)),
        ("  12 ", Plain(Word.OPEN, "12")),
        ("open 3", Plain(Word.OPEN, "3")),
        ("Next", Plain(Word.NEXT)),
        ("what  is new", Plain(Word.NEWS)),
        ("/forest auc>0.9", Plain(Word.FILTER, "forest auc>0.9")),
        ("/", Plain(Word.FILTER)),
        ("watch 30", Plain(Word.WATCH, "30")),
        (":quit", Plain(Word.QUIT)),
        ("runs", None),
        ("versions churn", None),
        ("٣", None),
    ],
)
def test_its_own_words(line: str, meant: Plain | None) -> None:
    assert read_line(line) == meant


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("delete", Act("delete")),
        ("delete 3", Act("delete", (3,))),
        ("delete 2,4-6 5", Act("delete", (2, 4, 5, 6))),
        ('delete 3 --reason "too old"', Act("delete", (3,), {"reason": "too old"})),
        ("delete --reason=old --yes 3", Act("delete", (3,), {"reason": "old", "yes": "y"})),
        ("delete churn", None),
        ("promote 3", None),
    ],
)
def test_actions_with_rows_and_answers(line: str, meant: Act | None) -> None:
    assert read_act(line, ["delete", "open"]) == meant


@pytest.mark.parametrize("line", ['delete "x', "delete --reason", f"delete 1-{MOST_NUMBERS + 9}"])
def test_what_cannot_be_read_says_why(line: str) -> None:
    with pytest.raises(InvalidInput):
        read_act(line, ["delete"])


@given(st.text(max_size=60))
def test_no_line_breaks_the_reader(line: str) -> None:
    read_line(line)
    try:
        read_act(f"delete {line}", ["delete"])
    except InvalidInput:
        return
