from __future__ import annotations

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gates import not_worse
from engine.gates.model import Status
from engine.policy.model import NotWorseGate
from engine.registry.model import Version
from tests.engine.gates.builders import make_facts, make_version

hundredths = st.integers(0, 100).map(lambda number: number / 100)


def baseline(auc: float = 0.91, number: int = 5, data_digest: str = "d1") -> Version:
    return make_version(number, metrics={"auc": auc}, data_digest=data_digest)


@pytest.mark.parametrize(
    ("value", "other", "margin", "better", "status"),
    [
        (0.91, 0.91, 0.0, "higher", Status.PASS),
        (0.90, 0.91, 0.01, "higher", Status.PASS),  # in binary floats 0.91 - 0.01 > 0.9
        (0.8999, 0.91, 0.01, "higher", Status.FAIL),
        (0.2, 0.1, 0.1, "lower", Status.PASS),
        (0.3, 0.1, 0.2, "lower", Status.PASS),  # in binary floats 0.1 + 0.2 > 0.3, and 0.3 - 0.1 < 0.2
        (0.2001, 0.1, 0.1, "lower", Status.FAIL),
    ],
)
def test_worse_than_production_by_more_than_the_margin_fails(
    value: float, other: float, margin: float, better: str, status: Status
) -> None:
    facts = make_facts(make_version(metrics={"auc": value}), baseline(other))
    result = not_worse.run(NotWorseGate("auc", margin=margin, better=better), facts)
    assert result.status is status
    assert result.evidence["baseline"] == 5


@pytest.mark.parametrize(
    ("value", "better", "shown"),
    [
        (0.88999999, "higher", "auc = 0.88999999 is worse than version 5 in Production (0.9, margin 0.01)."),
        (0.89, "higher", "auc = 0.89 is not worse than version 5 in Production (0.9, margin 0.01)."),
        (0.91000001, "lower", "auc = 0.91000001 is worse than version 5 in Production (0.9, margin 0.01)."),
        (0.123456789, "higher", "auc = 0.123457 is worse than version 5 in Production (0.9, margin 0.01)."),
    ],
)
def test_the_message_has_as_many_digits_as_make_the_comparison_evident(value: float, better: str, shown: str) -> None:
    facts = make_facts(make_version(metrics={"auc": value}), baseline(0.9))
    assert not_worse.run(NotWorseGate("auc", margin=0.01, better=better), facts).message == shown


def test_nothing_in_production_passes_with_a_message() -> None:
    result = not_worse.run(NotWorseGate("auc"), make_facts())
    assert result.status is Status.PASS
    assert "Nothing is in Production" in result.message


def test_other_data_cannot_be_compared_however_good_the_value() -> None:
    facts = make_facts(make_version(metrics={"auc": 1.0}), baseline(0.1, data_digest="d2"))
    result = not_worse.run(NotWorseGate("auc", margin=1.0), facts)
    assert result.status is Status.FAIL
    assert "different data" in result.message


@pytest.mark.parametrize(("mine", "theirs", "who"), [("", "d1", 7), ("d1", "", 5), ("", "", 7)])
def test_an_unknown_data_digest_fails(mine: str, theirs: str, who: int) -> None:
    facts = make_facts(make_version(data_digest=mine), baseline(data_digest=theirs))
    result = not_worse.run(NotWorseGate("auc"), facts)
    assert result.status is Status.FAIL
    assert f"Version {who} does not say" in result.message


@pytest.mark.parametrize(("mine", "theirs"), [({}, {"auc": 0.5}), ({"auc": 0.5}, {}), ({"auc": nan}, {"auc": 0.5})])
def test_a_missing_or_nan_metric_on_either_side_fails(mine: dict[str, float], theirs: dict[str, float]) -> None:
    facts = make_facts(make_version(metrics=mine), make_version(5, metrics=theirs))
    assert not_worse.run(NotWorseGate("auc"), facts).status is Status.FAIL


def test_the_best_of_several_production_versions_decides() -> None:
    facts = make_facts(make_version(metrics={"auc": 0.9}), baseline(0.5, 3), baseline(0.95, 4), baseline(0.7, 5))
    result = not_worse.run(NotWorseGate("auc"), facts)
    assert (result.status, result.evidence["baseline"]) == (Status.FAIL, 4)


def test_one_incomparable_production_version_fails_whatever_the_others_say() -> None:
    facts = make_facts(make_version(), baseline(0.5, 3), baseline(0.5, 4, data_digest="d2"))
    assert not_worse.run(NotWorseGate("auc"), facts).status is Status.FAIL


@given(value=hundredths, other=hundredths, margin=hundredths, better=st.sampled_from(("higher", "lower")))
def test_decimal_arithmetic_decides(value: float, other: float, margin: float, better: str) -> None:
    facts = make_facts(make_version(metrics={"auc": value}), baseline(other))
    result = not_worse.run(NotWorseGate("auc", margin=margin, better=better), facts)
    mine, theirs, room = (round(number * 100) for number in (value, other, margin))
    expected = mine >= theirs - room if better == "higher" else mine <= theirs + room
    assert (result.status is Status.PASS) == expected
