from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import anderson_ksamp, cramervonmises_2samp

from engine.stats import anderson_darling, cramer_von_mises
from engine.stats.result import TestResult

SIZES = [(10, 15, 0.3), (20, 20, 0.5), (3, 19, 0.0), (200, 300, 0.2), (2_000, 30, 0.0), (5_000, 4_000, 0.05)]
EVERY: list[Callable[..., TestResult]] = [anderson_darling.k_sample, cramer_von_mises.two_sample]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "m", "shift"), SIZES)
def test_the_oracles_agree(n: int, m: int, shift: float, ties: bool) -> None:
    rng = np.random.default_rng(n)
    ref, cur = rng.standard_normal(n), rng.standard_normal(m) + shift
    if ties:
        ref, cur = ref.round(1), cur.round(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that its table ends
        theirs = anderson_ksamp([ref, cur], variant="midrank")
    ours = anderson_darling.k_sample(ref, cur)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-9)
    other, mine = cramervonmises_2samp(ref, cur), cramer_von_mises.two_sample(ref, cur)
    assert (mine.statistic, mine.p) == pytest.approx((other.statistic, other.pvalue), abs=1e-9)


@pytest.mark.parametrize("test", EVERY)
@settings(max_examples=30)
@given(
    values=st.lists(st.integers(-5, 5).map(float), min_size=4, max_size=60),
    cut=st.integers(2, 58),
)
def test_any_two_samples_have_a_p_value(test: Callable[..., TestResult], values: list[float], cut: int) -> None:
    ref, cur = np.array(values[: min(cut, len(values) - 2)]), np.array(values[min(cut, len(values) - 2) :])
    result = test(ref, cur)
    assert np.isfinite(result.statistic)
    assert 0 <= result.p <= 1
    assert test(cur, ref).p == pytest.approx(result.p, abs=1e-9)
    assert test(ref * 2 + 1, cur * 2 + 1).p == result.p


@pytest.mark.parametrize("test", EVERY)
def test_one_single_value_is_no_difference(test: Callable[..., TestResult]) -> None:
    assert test(np.full(30, 7.0), np.full(25, 7.0)).p >= 0.25


@pytest.mark.parametrize("test", EVERY)
@pytest.mark.parametrize("bad", [[], [1.0], [1.0, np.nan, 2.0], [1.0, np.inf]])
def test_a_sample_too_small_or_not_finite_is_refused(test: Callable[..., TestResult], bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rows?|finite"):
        test(np.array([1.0, 2.0]), np.array(bad))
