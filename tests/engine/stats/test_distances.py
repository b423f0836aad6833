from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from engine.stats import hellinger, jensen_shannon, kullback_leibler, l_infinity
from engine.stats.psi import psi

Measure = Callable[[list[int], list[int]], float]

SYMMETRIC = [psi, jensen_shannon.distance, hellinger.distance, l_infinity.distance]
EVERY = [*SYMMETRIC, kullback_leibler.divergence]
BOUNDED = [jensen_shannon.distance, hellinger.distance, l_infinity.distance]

COUNT = st.integers(0, 2**62)


@st.composite
def pairs(draw: st.DrawFn, least: int = 0) -> tuple[list[int], list[int]]:
    size = draw(st.integers(1, 12))
    side = st.lists(COUNT.map(lambda count: count + least), min_size=size, max_size=size).filter(any)
    return draw(side), draw(side)


@pytest.mark.parametrize("measure", EVERY)
@settings(max_examples=50)
@given(pair=pairs())
def test_a_distance_is_a_finite_number_from_zero(measure: Measure, pair: tuple[list[int], list[int]]) -> None:
    assert 0 <= measure(*pair) < np.inf


@pytest.mark.parametrize("measure", SYMMETRIC)
@settings(max_examples=50)
@given(pair=pairs())
def test_exchanging_the_sides_changes_nothing(measure: Measure, pair: tuple[list[int], list[int]]) -> None:
    assert measure(*pair) == pytest.approx(measure(*reversed(pair)), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("measure", EVERY)
@settings(max_examples=50)
@given(pair=pairs(), seed=st.integers(0, 99))
def test_the_order_of_the_bins_changes_nothing(measure: Measure, pair: tuple[list[int], list[int]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(pair[0]))
    moved = ([pair[0][place] for place in order], [pair[1][place] for place in order])
    assert measure(*moved) == pytest.approx(measure(*pair), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("measure", EVERY)
@settings(max_examples=50)
@given(counts=st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any), times=st.integers(1, 1000))
def test_equal_shares_have_no_distance(measure: Measure, counts: list[int], times: int) -> None:
    assert measure(counts, [times * count for count in counts]) == pytest.approx(0, abs=2e-7)


@pytest.mark.parametrize("measure", BOUNDED)
@settings(max_examples=50)
@given(pair=pairs())
def test_a_bounded_distance_is_at_most_one(measure: Measure, pair: tuple[list[int], list[int]]) -> None:
    assert measure(*pair) <= 1


@pytest.mark.parametrize("measure", BOUNDED)
def test_sides_without_a_bin_in_common_are_one_apart(measure: Measure) -> None:
    assert measure([7, 0], [0, 1]) == pytest.approx(1, abs=1e-12)


@settings(max_examples=50)
@given(pair=pairs(least=1))
def test_the_oracle_agrees_on_full_bins(pair: tuple[list[int], list[int]]) -> None:
    ref, cur = np.array(pair[0], float), np.array(pair[1], float)
    forth, back = float(entropy(cur, ref)), float(entropy(ref, cur))
    assert kullback_leibler.divergence(*pair) == pytest.approx(forth, rel=1e-9, abs=1e-9)
    assert psi(*pair) == pytest.approx(forth + back, rel=1e-9, abs=1e-9)


@settings(max_examples=50)
@given(pair=pairs())
def test_jensen_shannon_is_that_of_the_oracle(pair: tuple[list[int], list[int]]) -> None:
    ref, cur = np.array(pair[0], float), np.array(pair[1], float)
    assert jensen_shannon.distance(*pair) == pytest.approx(float(jensenshannon(ref, cur, 2)), rel=1e-9, abs=1e-7)


def test_the_index_of_a_textbook_table() -> None:
    assert psi([50, 30, 20], [40, 30, 30]) == pytest.approx(0.1 * np.log(5 / 4) + 0.1 * np.log(3 / 2))


def test_a_bin_of_one_side_counts_half_a_row_on_the_other() -> None:
    assert psi([100, 0], [50, 50]) == pytest.approx(0.5 * np.log(2) + (0.5 - 0.005) * np.log(0.5 / 0.005))


@pytest.mark.parametrize("measure", EVERY)
@pytest.mark.parametrize(
    ("ref", "cur"),
    [
        ([], []),
        ([0, 0], [1, 2]),
        ([1, 2], [0, 0]),
        ([1, 2, 3], [1, 2]),
        ([1, -1], [1, 1]),
        ([1, float("nan")], [1, 1]),
        ([1, float("inf")], [1, 1]),
        ([[1, 2]], [[1, 2]]),
    ],
)
def test_what_is_no_pair_of_histograms_is_refused(measure: Measure, ref: list[int], cur: list[int]) -> None:
    with pytest.raises(ValueError, match=r"bins|rows|count"):
        measure(ref, cur)
