from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.stats import margin
from engine.stats.block_bootstrap import inflation

if TYPE_CHECKING:
    from numpy.typing import NDArray


def autoregressive(factor: float, rows: int, seed: int) -> NDArray[np.float64]:
    values = np.random.default_rng(seed).standard_normal(rows)
    for place in range(1, rows):
        values[place] += factor * values[place - 1]
    return values


def test_independent_rows_count_whole() -> None:
    assert inflation(np.random.default_rng(0).standard_normal(5_000)) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("factor", "rows"), [(0.3, 5_000), (0.6, 5_000), (0.9, 5_000), (0.9, 20_000)])
def test_dependence_is_measured(factor: float, rows: int) -> None:
    found = np.mean([inflation(autoregressive(factor, rows, seed)) for seed in range(3)])
    assert found == pytest.approx((1 + factor) / (1 - factor), rel=0.3)


def test_a_season_leaves_few_rows() -> None:
    days = np.arange(1_461)
    noise = np.random.default_rng(0).standard_normal(days.size)
    assert inflation(10 * np.sin(days / 365.25 * 2 * np.pi) + noise) > 30


def test_the_margin_test_keeps_its_level_on_dependent_rows() -> None:
    alarms = {True: 0, False: 0}
    for seed in range(40):
        series = autoregressive(0.9, 6_000, seed)
        ref, cur = series[:4_000], series[4_500:]
        edges = np.quantile(ref, np.arange(1, 10) / 10)
        first, second = (np.bincount(np.searchsorted(edges, side), minlength=10) for side in (ref, cur))
        for calibrated in alarms:
            factor = inflation(ref) if calibrated else 1.0
            alarms[calibrated] += margin.psi_exceeds(first, second, ordered=10, inflation=factor).p <= 0.05
    assert alarms[True] <= 4
    assert alarms[False] >= 20


@settings(max_examples=50)
@given(st.lists(st.floats(-1e9, 1e9) | st.integers(0, 2).map(float), max_size=200))
def test_every_series_has_an_inflation(values: list[float]) -> None:
    assert 1 <= inflation(np.array(values)) <= max(1, len(values))


@pytest.mark.parametrize("quiet", [[], [1.0] * 100, [1.0, 2.0]])
def test_what_cannot_be_measured_counts_whole(quiet: list[float]) -> None:
    assert inflation(np.array(quiet)) == 1


def test_a_series_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        inflation(np.array([1.0, np.nan]))
