from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, kstwo

from engine.stats import kolmogorov, kolmogorov_smirnov

VALUES = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=40)


@settings(max_examples=50)
@given(ref=VALUES, cur=VALUES)
def test_small_tied_samples_agree_with_the_oracle(ref: list[float], cur: list[float]) -> None:
    ours = kolmogorov_smirnov.exact(np.array(ref), np.array(cur))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = ks_2samp(ref, cur)
    if caught:  # the oracle gives up where rounding takes it above 1
        assert ours.p == pytest.approx(1)
        return
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "m", "shift"),
    [
        (1, 1, 0.0),
        (7, 1, 0.0),
        (50, 81, 0.5),
        (300, 301, 0.1),
        (400, 400, 0.2),
        (500, 20_000, 0.02),
        (60, 20_000, 0.1),
        (150, 30_000, 0.0),
        (20_000, 30_000, 0.005),
        (20_000, 30_001, 0.02),
        (20_000, 20_000, 0.05),
    ],
)
def test_samples_of_every_size_agree_with_the_oracle(n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng(n + m)
    ref, cur = rng.standard_normal(n), rng.standard_normal(m) + shift
    ours, theirs = kolmogorov_smirnov.exact(ref, cur), ks_2samp(ref, cur)
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5, 20, 100, 140, 141, 500, 4_000, 6_000, 20_000])
def test_the_limit_distribution_agrees_with_the_oracle(n: int) -> None:
    for z in np.arange(0.2, 3.0, 0.2):
        distance = float(z) / n**0.5
        assert kolmogorov.tail(n, distance) == pytest.approx(kstwo.sf(distance, n), abs=1e-9)


def test_the_tail_falls_from_one_to_zero() -> None:
    for n in (3, 141, 30_000):
        tails = [kolmogorov.tail(n, distance) for distance in np.linspace(0, 1, 200)]
        assert tails[0] == 1
        assert tails[-1] == 0
        assert all(before >= after - 1e-7 for before, after in pairwise(tails))


@given(ref=VALUES, cur=VALUES)
def test_the_binned_value_and_its_bound_hold_the_exact_one(ref: list[float], cur: list[float]) -> None:
    edges = np.array([-2.0, 0.0, 3.0])
    counts = [np.bincount(np.searchsorted(edges, side), minlength=4) for side in (ref, cur)]
    value, bound = kolmogorov_smirnov.binned(*counts)
    exact = kolmogorov_smirnov.exact(np.array(ref), np.array(cur)).statistic
    assert value - 1e-12 <= exact <= value + bound + 1e-12


def test_one_bin_tells_nothing() -> None:
    assert kolmogorov_smirnov.binned([5], [9]) == (0.0, 1.0)


@pytest.mark.parametrize("bad", [[], [1.0, np.nan], [np.inf], [[1.0]]])
def test_a_sample_that_is_none_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="current data"):
        kolmogorov_smirnov.exact(np.array([1.0]), np.array(bad))
