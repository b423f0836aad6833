from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gates import metric
from engine.gates.model import Status
from engine.policy.model import MetricGate
from tests.engine.gates.builders import make_facts, make_version

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "low", "high", "status"),
    [
        (0.8, 0.8, None, Status.PASS),
        (0.79999, 0.8, None, Status.FAIL),
        (0.81, None, 0.8, Status.FAIL),
        (0.8, None, 0.8, Status.PASS),
        (0.5, 0.4, 0.6, Status.PASS),
        (0.7, 0.4, 0.6, Status.FAIL),
        (0.3, 0.4, 0.6, Status.FAIL),
        (nan, 0.4, None, Status.FAIL),
        (inf, 0.4, None, Status.FAIL),
        (-inf, None, 0.4, Status.FAIL),
    ],
)
def test_metric_is_held_against_its_bounds(value: float, low: float | None, high: float | None, status: Status) -> None:
    facts = make_facts(make_version(metrics={"auc": value}))
    assert metric.run(MetricGate("auc", min=low, max=high), facts).status is status


def test_missing_metric_fails_and_says_so() -> None:
    result = metric.run(MetricGate("f1", min=0.5), make_facts())
    assert (result.status, result.value, result.threshold) == (Status.FAIL, None, 0.5)
    assert "f1 was not recorded" in result.message


def test_result_carries_value_threshold_and_margin_of_the_nearer_bound() -> None:
    result = metric.run(MetricGate("auc", min=0.8, max=0.95), make_facts())
    assert (result.value, result.threshold, result.margin) == (0.9, 0.95, 0.05)
    assert result.label == "metric auc"


@given(value=finite, low=finite)
def test_a_minimum_passes_exactly_when_the_value_reaches_it(value: float, low: float) -> None:
    result = metric.run(MetricGate("auc", min=low), make_facts(make_version(metrics={"auc": value})))
    assert (result.status is Status.PASS) == (value >= low)
    assert result.margin is not None
    assert (result.margin >= 0) == (value >= low)


def test_a_value_just_below_its_bound_does_not_look_like_the_bound() -> None:
    result = metric.run(MetricGate("auc", min=0.9), make_facts(make_version(metrics={"auc": 0.89999999})))
    assert result.message == "auc = 0.89999999 breaks the minimum 0.9."
