"""How long a process rests that fails: pure rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.processes.up_model import (
    FIRST_REST_S,
    LONGEST_REST_S,
    WELL_S,
    ChildState,
    ChildStatus,
    UpStatus,
    ending,
    failures_after,
    rest_s,
)


def test_each_failure_in_a_row_rests_twice_as_long_up_to_a_bound() -> None:
    assert [rest_s(failures) for failures in range(1, 9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.integers(1, 10**9))
def test_no_rest_is_shorter_than_the_first_or_longer_than_the_longest(failures: int) -> None:
    assert FIRST_REST_S <= rest_s(failures) <= rest_s(failures + 1) <= LONGEST_REST_S


@given(st.integers(0, 10**6), st.floats(0, 10**6))
def test_who_lived_for_a_minute_begins_anew(failures: int, lived_s: float) -> None:
    assert failures_after(failures, lived_s) == (1 if lived_s >= WELL_S else failures + 1)


def test_an_end_is_told_in_words() -> None:
    assert ending(3) == "exit code 3"
    assert ending(-9) == "killed by signal 9"


def test_a_status_survives_its_file() -> None:
    child = ChildStatus("serve", ChildState.RESTING, "failing once: exit code 3", None, 5, 1, 1, "what\u2028", 9)
    status = UpStatus(1, "ada", 2, "0.1", (child,))
    assert UpStatus.from_json(status.to_json()) == status
