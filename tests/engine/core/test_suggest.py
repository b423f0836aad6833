from __future__ import annotations

import time

import pytest

from engine.core.suggest import did_you_mean, nearest

NAMES = ("churn", "church", "credit-risk", "Weather", "auc")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("chrun", ("churn",)),
        ("churm", ("churn", "church")),
        ("WEATHR", ("Weather",)),
        ("cred", ("credit-risk",)),
        ("zzz", ()),
        ("", ()),
        ("x" * 65, ()),
    ],
)
def test_the_nearest_names_come_best_first(word: str, expected: tuple[str, ...]) -> None:
    assert nearest(word, NAMES) == expected


def test_no_more_than_asked_for_and_none_twice() -> None:
    assert nearest("chur", NAMES, limit=1) == ("churn",)
    assert nearest("chur", ("churn", "CHURN", "church")) == ("churn", "church")
    assert nearest("churn", NAMES, limit=0) == ()


def test_the_question_names_one() -> None:
    assert did_you_mean("chrun", NAMES) == "Did you mean churn?"
    assert did_you_mean("zzz", NAMES) == ""
    assert did_you_mean("anything", ()) == ""


def test_a_hostile_name_is_suggested_harmlessly() -> None:
    assert did_you_mean("churn", ["churn\x1b[31m"]) == "Did you mean churn·?"


def test_many_and_long_names_do_not_stall() -> None:
    started = time.perf_counter()
    nearest("churn", (f"{'chur' * 20_000}{number}" for number in range(100)))
    nearest("churn-model-of-2026", (f"churn-model-{number}" for number in range(1_000_000)))
    assert time.perf_counter() - started < 3.0
