from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from engine.stats import wasserstein

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40)


@given(ref=VALUES, cur=VALUES)
def test_the_oracle_agrees(ref: list[float], cur: list[float]) -> None:
    ours = wasserstein.exact(np.array(ref), np.array(cur), scale=1.0)
    assert ours == pytest.approx(wasserstein_distance(ref, cur), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_003), (70_001, 20_000), (40_000, 40_000), (1, 500)])
def test_the_oracle_agrees_on_many_rows(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    ref, cur = rng.standard_normal(n), rng.standard_normal(m) * 1.3 + 0.1
    ours = wasserstein.exact(ref, cur, scale=1.0)
    assert ours == pytest.approx(wasserstein_distance(ref, cur), rel=1e-9)


def test_a_shift_is_told_in_standard_deviations_of_the_reference() -> None:
    ref = np.random.default_rng(0).standard_normal(1_000) * 7
    assert wasserstein.exact(ref, ref + 14) == pytest.approx(14 / ref.std())


@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
def test_the_unit_of_the_values_changes_nothing(factor: float) -> None:
    rng = np.random.default_rng(0)
    ref, cur = rng.standard_normal(300), rng.standard_normal(200) + 1
    assert wasserstein.exact(ref * factor, cur * factor) == pytest.approx(wasserstein.exact(ref, cur), rel=1e-9)


def test_a_constant_reference_has_no_scale() -> None:
    constant = np.full(5, 3.0)
    assert wasserstein.exact(constant, np.full(2, 3.0)) == 0
    assert wasserstein.exact(constant, np.array([4.0])) == np.inf
    assert wasserstein.binned([5], [1], [3.0], [3.0]) == (0.0, 0.0)


@given(ref=VALUES, cur=VALUES, edges=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6, unique=True))
def test_the_binned_value_is_off_by_no_more_than_its_bound(
    ref: list[float], cur: list[float], edges: list[float]
) -> None:
    cuts = np.sort(edges)
    ends = np.concatenate(([-1e3], cuts, [1e3]))
    counts = [np.bincount(np.searchsorted(cuts, side), minlength=cuts.size + 1) for side in (ref, cur)]
    value, bound = wasserstein.binned(counts[0], counts[1], ends[:-1], ends[1:], scale=1.0)
    exact = wasserstein.exact(np.array(ref), np.array(cur), scale=1.0)
    assert abs(value - exact) <= bound + 1e-9


def test_fine_bins_come_close() -> None:
    rng = np.random.default_rng(3)
    ref, cur = rng.standard_normal(20_000), rng.standard_normal(30_000) + 0.2
    ends = np.linspace(-6, 6, 601)
    counts = [np.histogram(side, ends)[0] for side in (ref, cur)]
    value, bound = wasserstein.binned(counts[0], counts[1], ends[:-1], ends[1:])
    assert value == pytest.approx(wasserstein.exact(ref, cur), abs=2e-3)
    assert bound < 0.03


def test_point_bins_are_exact() -> None:
    value, bound = wasserstein.binned([3, 1], [1, 3], [0.0, 2.0], [0.0, 2.0], scale=1.0)
    assert (value, bound) == (1.0, 0.0)


def test_bins_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="ascending"):
        wasserstein.binned([1, 1], [1, 1], [0.0, 1.0], [2.0, 3.0])
    with pytest.raises(ValueError, match="scale"):
        wasserstein.exact(np.array([1.0]), np.array([1.0]), scale=0.0)


@pytest.mark.parametrize("factor", [1e-310, 1e-160, 1e160, 0.8e308])
def test_bins_at_the_ends_of_all_numbers_are_as_far_apart(factor: float) -> None:
    ends = np.array([-2.0, -1.0, 0.0, 2.0])
    found = wasserstein.binned([4, 2, 1], [1, 2, 4], factor * ends[:-1], factor * ends[1:])
    assert found == pytest.approx(wasserstein.binned([4, 2, 1], [1, 2, 4], ends[:-1], ends[1:]), rel=1e-6)


def test_a_distance_beyond_all_numbers_is_infinite_and_warns_of_nothing() -> None:
    with np.errstate(all="raise"):
        assert wasserstein.binned([1, 0], [0, 1], [-1.7e308, 1.7e308], [-1.7e308, 1.7e308], scale=1.0)[0] == np.inf
