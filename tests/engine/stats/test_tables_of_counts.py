from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaincc, ndtri
from scipy.stats import chi2, chi2_contingency, false_discovery_control, ncx2

from engine.stats import benjamini_hochberg, chi_square, gamma, noncentral, normal, pooling


@given(pair=st.lists(st.tuples(st.integers(1, 999), st.integers(1, 999)), min_size=2, max_size=9))
def test_the_oracle_agrees_on_a_table(pair: list[tuple[int, int]]) -> None:
    ref, cur = (np.array(side) for side in zip(*pair, strict=True))
    ours, theirs = chi_square.pooled(ref, cur, least=0), chi2_contingency([ref, cur], correction=False)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-12)
    assert ours.df == theirs.dof


def test_sparse_levels_are_pooled_to_one() -> None:
    result = chi_square.pooled([100, 100, 1, 1, 1, 1, 1, 1], [100, 100, 1, 1, 1, 1, 1, 1])
    assert (result.statistic, result.p, result.df) == (0.0, 1.0, 2)


def test_a_level_that_only_the_current_data_has_stays_visible() -> None:
    assert chi_square.pooled([10_000, 0], [100, 100]).p < 1e-9


def test_one_level_tells_nothing() -> None:
    assert (chi_square.pooled([5, 0], [9, 0]).p, chi_square.pooled([5], [9]).df) == (1.0, 0)


Pool = Callable[[NDArray[np.float64], NDArray[np.float64], float], tuple[NDArray[np.float64], NDArray[np.float64]]]
COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20)


@pytest.mark.parametrize("pool", [pooling.ordered, pooling.unordered])
@given(pairs=COUNTS, least=st.floats(0.5, 20))
def test_pooling_loses_no_row_and_leaves_no_sparse_bin(pool: Pool, pairs: list[tuple[int, int]], least: float) -> None:
    ref, cur = (np.array(side, float) for side in zip(*pairs, strict=True))
    if not ref.sum() or not cur.sum():
        return
    first, second = pool(ref, cur, least)
    assert (first.sum(), second.sum()) == (ref.sum(), cur.sum())
    rows = np.maximum(first / first.sum(), second / second.sum()) * min(first.sum(), second.sum())
    assert first.size == 1 or (rows >= least - 1e-9).all()


@given(st.lists(st.floats(0, 1), max_size=30))
def test_adjusted_p_values_are_those_of_the_oracle(p: list[float]) -> None:
    q = benjamini_hochberg.adjusted(p)
    assert q == pytest.approx(false_discovery_control(p) if p else [], rel=1e-9, abs=1e-12)
    assert (q >= np.array(p)).all()


@pytest.mark.parametrize("bad", [[0.5, float("nan")], [-0.1], [1.1], [[0.5]]])
def test_what_is_no_list_of_p_values_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values"):
        benjamini_hochberg.adjusted(bad)


@given(a=st.floats(0.5, 500), ratio=st.floats(0, 4))
def test_the_incomplete_gamma_function_is_that_of_the_oracle(a: float, ratio: float) -> None:
    assert gamma.upper(a, a * ratio) == pytest.approx(float(gammaincc(a, a * ratio)), rel=1e-9, abs=1e-290)


@given(df=st.integers(1, 60), shift=st.floats(0, 3_000), ratio=st.floats(1e-3, 3))
def test_the_noncentral_tail_is_that_of_the_oracle(df: int, shift: float, ratio: float) -> None:
    value = (df + shift) * ratio
    theirs = float(ncx2.sf(value, df, shift) if shift else chi2.sf(value, df))
    assert noncentral.tail(value, df, shift) == pytest.approx(theirs, rel=1e-8, abs=1e-13)


@pytest.mark.parametrize("deviations", [-2, 0, 1, 3, 40])
def test_the_tail_of_a_great_noncentrality_comes_close(deviations: int) -> None:
    value = 2e6 + 9 + deviations * (4 * 2e6) ** 0.5
    assert noncentral.tail(value, 9, 2e6) == pytest.approx(float(ncx2.sf(value, 9, 2e6)), abs=1e-6)


@given(df=st.integers(3, 60), statistic=st.floats(0, 1e5))
def test_limits_hold_their_confidence(df: int, statistic: float) -> None:
    low, high = noncentral.limits(statistic, df)
    assert 0 <= low <= high
    assert noncentral.tail(statistic, df, low) == pytest.approx(0.025, abs=1e-2) or low == 0
    assert noncentral.tail(statistic, df, high) == pytest.approx(0.975, abs=1e-2) or high == 0


@given(st.floats(1e-12, 1 - 1e-12))
def test_normal_quantiles_are_those_of_the_oracle(probability: float) -> None:
    assert normal.quantile(probability) == pytest.approx(float(ndtri(probability)), abs=1e-6)


def test_certainty_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="probability"):
        normal.quantile(1.0)
