"""The sequential test: right whenever one looks, quick where the difference is large."""

from __future__ import annotations

import random
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stats.betting import STAKES, Bet, dealt


def first_rejection(values: list[float], bet: Bet, alpha: float) -> int | None:
    for place, value in enumerate(values, start=1):
        bet = bet.extended([value])
        if bet.rejects(alpha):
            return place
    return None


def test_a_true_hypothesis_is_refuted_no_more_often_than_promised_though_one_looks_every_time() -> None:
    random_ = random.Random(20_261)
    refuted = 0
    for _ in range(400):
        values = [float(random_.random() < 0.1) for _ in range(300)]
        refuted += first_rejection(values, Bet(0.1, 0.0, 1.0), 0.1) is not None
    assert refuted <= 400 * 0.1


@pytest.mark.parametrize(("share", "at_most"), [(1.0, 8), (0.5, 25), (0.3, 70)])
def test_a_great_excess_is_found_within_few_values(share: float, at_most: int) -> None:
    random_ = random.Random(7)
    found = []
    for _ in range(50):
        values = [float(random_.random() < share) for _ in range(400)]
        found.append(first_rejection(values, Bet(0.05, 0.0, 1.0), 0.005) or 400)
    assert sorted(found)[25] <= at_most


@given(st.lists(st.floats(-1, 1), max_size=60), st.integers(0, 60), st.floats(-0.5, 0.5))
def test_a_test_that_is_interrupted_goes_on_where_it_was(values: list[float], at: int, limit: float) -> None:
    whole = Bet(limit, -1.0, 1.0).extended(values)
    parts = Bet(limit, -1.0, 1.0).extended(values[:at]).extended(values[at:])
    assert parts == whole


@given(st.integers(0, 300), st.integers(0, 300))
def test_counted_values_are_as_good_as_listed_ones(ones: int, zeros: int) -> None:
    counted = Bet(0.2, 0.0, 1.0).extended((1.0, 0.0), (ones, zeros))
    listed = Bet(0.2, 0.0, 1.0).extended([1.0] * ones + [0.0] * zeros)
    assert counted.count == listed.count
    assert counted.log_wealth == pytest.approx(listed.log_wealth)


def test_nothing_seen_is_no_evidence() -> None:
    bet = Bet(0.1, 0.0, 1.0)
    assert bet.log_wealth == pytest.approx(0.0)
    assert not bet.rejects(0.99)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_wealth_is_the_mean_of_the_wealths_of_all_stakes(values: list[float]) -> None:
    limit = 0.3
    wealths = []
    for stake in STAKES:
        wealth = 1.0
        for value in values:
            wealth *= 1 + stake / limit * (value - limit)
        wealths.append(wealth)
    expected = log(sum(wealths) / len(wealths))
    assert Bet(limit, 0.0, 1.0).extended(values).log_wealth == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("value", [-1.1, 1.1, float("nan")])
def test_a_value_out_of_bounds_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        Bet(0.0, -1.0, 1.0).extended([value])


@st.composite
def groups(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(0, 200))
    return total, draw(st.integers(0, total))


@given(groups(), groups(), st.integers(0, 1_000))
def test_a_deal_keeps_to_the_bounds_and_to_the_smaller_group(
    ours: tuple[int, int], theirs: tuple[int, int], seed: int
) -> None:
    pairs = dealt(ours, theirs, seed=seed)
    assert len(pairs) == min(ours[0], theirs[0])
    assert all(-1 <= pair <= 1 for pair in pairs)
    assert list(pairs) == list(dealt(ours, theirs, seed=seed))


@given(st.integers(1, 50), st.integers(1, 6), st.data())
def test_an_even_deal_leaves_nothing_out(pairs: int, times: int, data: st.DataObject) -> None:
    ours, theirs = data.draw(st.integers(0, pairs)), data.draw(st.integers(0, pairs * times))
    dealt_pairs = dealt((pairs, ours), (pairs * times, theirs), seed=3)
    assert sum(dealt_pairs) == pytest.approx(ours - theirs / times)
