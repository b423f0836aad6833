"""Settings of monitors are read from the file and from commands by the same rules, and written as they are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.drift.methods import METHODS as OF_COMPARISONS
from engine.policy.monitors import (
    ACTIONS,
    DETECTORS,
    METHODS,
    METRICS,
    REFERENCES,
    SEVERITIES,
    STREAMS,
    TESTS,
    Span,
    checked_settings,
    written_settings,
)

TIMES = st.sampled_from(["1s", "90s", "5m", "1h30m", "7d"])
SOME = {
    "window": st.one_of(TIMES, st.integers(1, 10**6).map(lambda rows: f"{rows} rows")),
    "lateness": TIMES,
    "every": TIMES,
    "tests": st.lists(st.sampled_from(TESTS), min_size=1, unique=True),
    "columns": st.lists(st.text(min_size=1).filter(str.strip), unique=True, max_size=3),
    "reference": st.sampled_from(REFERENCES),
    "against": st.sampled_from(["churn/7", "files parts/*.csv"]),
    "method": st.sampled_from(["margin", "psi>0.25", "ks", "js > 1", "wasserstein"]),
    "delta": st.floats(0, 10),
    "metric": st.sampled_from(METRICS),
    "tolerance": st.floats(0, 10),
    "label_delay": TIMES,
    "streams": st.lists(st.sampled_from(STREAMS), min_size=1, unique=True),
    "detector": st.sampled_from(DETECTORS),
    "budget": st.sampled_from(["1 per 30d", "2.5 per 7d", "1/12h", "3 in 90d"]),
    "severity": st.sampled_from(SEVERITIES),
    "raise": st.sampled_from(["1 of 1", "2 of 3", "100 of 100"]),
    "clear": st.integers(1, 100),
    "cool_down": TIMES,
    "escalate_after": TIMES,
    "auto_resolve": st.booleans(),
    "actions": st.lists(st.sampled_from(ACTIONS), unique=True),
}
TARGETS = st.sampled_from(["endpoint churn", "churn@production", "churn@Production", "files parts/*.parquet"])
GIVEN = st.fixed_dictionaries({"target": TARGETS}, optional=SOME)


@given(given=GIVEN)
def test_what_is_written_is_read_as_the_same(given: dict[str, Any]) -> None:
    found = checked_settings(given)
    assert checked_settings(written_settings(found)) == found


@given(given=GIVEN)
def test_a_step_is_the_window_unless_it_is_said(given: dict[str, Any]) -> None:
    found = checked_settings(given)
    assert found.step == found.window
    assert bool(found.window.ms) != bool(found.window.rows)


@given(value=st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans(), st.lists(st.text())))
@pytest.mark.parametrize("key", ["target", *SOME, "threshold", "unknown"])
def test_a_value_of_any_kind_is_taken_or_refused_by_its_key(key: str, value: Any) -> None:
    said = ""
    try:
        checked_settings({"target": "endpoint churn"} | {key: value})
    except InvalidInput as refusal:
        said = refusal.message
    assert not said or key in said or "target" in said


@pytest.mark.parametrize(
    ("window", "step", "well"),
    [("1h", "15m", True), ("1h", "2h", False), ("100 rows", "10 rows", True), ("100 rows", "1m", False)],
)
def test_a_step_is_of_the_windows_kind_and_not_longer(window: str, step: str, *, well: bool) -> None:
    given = {"target": "endpoint churn", "window": window, "step": step}
    if well:
        assert checked_settings(given).step != Span()
    else:
        with pytest.raises(InvalidInput, match="step"):
            checked_settings(given)


@pytest.mark.parametrize("method", ["nope", "psi>", "psi>-1", "margin>0.2", "ad", ">1", "psi>0.2>3", ""])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    with pytest.raises(InvalidInput, match="method"):
        checked_settings({"target": "endpoint churn", "method": method})


def test_the_methods_are_those_of_comparisons_that_need_counts_alone() -> None:
    assert {name for name, info in OF_COMPARISONS.items() if not info.exact_only} == set(METHODS)


def test_a_threshold_needs_a_method_that_has_one() -> None:
    given = {"target": "endpoint churn", "threshold": 0.1}
    with pytest.raises(InvalidInput, match="threshold"):
        checked_settings(given)
    found = checked_settings(given | {"method": "psi"})
    assert (found.method, found.threshold) == ("psi", 0.1)
    assert checked_settings({"target": "endpoint churn", "method": "psi>0.3"}).threshold == 0.3
