from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.stats import benjamini_hochberg, margin
from engine.stats.psi import psi

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECILES = np.full(10, 0.1)
FEATURES = 10


def deciles(ref: NDArray[np.float64], cur: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.quantile(ref, np.arange(1, 10) / 10)
    first, second = (np.bincount(np.searchsorted(edges, side), minlength=10) for side in (ref, cur))
    return first, second


def p_values(rng: np.random.Generator, rows: tuple[int, int], shifts: list[float]) -> list[float]:
    found = []
    for shift in shifts:
        ref, cur = rng.standard_normal(rows[0]), rng.standard_normal(rows[1]) + shift
        found.append(margin.psi_exceeds(*deciles(ref, cur), ordered=10).p)
    return found


@pytest.mark.parametrize("rows", [(200, 200), (5_000, 200), (5_000, 1_000), (4_000, 4_000)])
def test_no_feature_is_alarmed_in_nearly_all_windows_without_a_change(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(rows))
    windows = [p_values(rng, rows, [0.0] * FEATURES) for _ in range(60)]
    alarmed = sum(bool((benjamini_hochberg.adjusted(window) <= 0.05).any()) for window in windows)
    assert alarmed <= 0.06 * 60


@pytest.mark.parametrize(
    ("rows", "shift", "share"), [((5_000, 1_000), 0.3, 0.97), ((1_000, 1_000), 0.3, 0.97), ((2_000, 200), 0.5, 0.90)]
)
def test_one_shifted_feature_of_ten_is_found(rows: tuple[int, int], shift: float, share: float) -> None:
    rng = np.random.default_rng(1)
    windows = [p_values(rng, rows, [shift] + [0.0] * (FEATURES - 1)) for _ in range(60)]
    found = sum(bool(benjamini_hochberg.adjusted(window)[0] <= 0.05) for window in windows)
    assert found >= share * 60


def test_a_hundredth_of_a_standard_deviation_is_no_alarm_among_a_million_rows() -> None:
    rng = np.random.default_rng(5)
    ref = rng.standard_normal(1_000_000)
    result = margin.psi_exceeds(*deciles(ref, ref[::-1] + 0.01), ordered=10)
    assert result.p > 0.999
    assert result.high < margin.DELTA


@pytest.mark.parametrize("ordered", [0, 10])
@pytest.mark.parametrize("rows", [(200, 200), (5_000, 200), (1_000, 1_000)])
def test_without_a_margin_p_is_about_uniform(ordered: int, rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    first, second = (rng.multinomial(size, DECILES, 1_000) for size in rows)
    p = np.array([margin.psi_exceeds(*pair, 0.0, ordered=ordered).p for pair in zip(first, second, strict=True)])
    for level in (0.01, 0.05, 0.1):
        assert (p <= level).mean() <= level + 3 * (level / 1_000) ** 0.5
    assert (p <= 0.1).mean() >= 0.05


def test_the_interval_holds_the_true_index_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    moved = np.array([8, 9, 9, 10, 10, 10, 10, 11, 11, 12]) / 100
    true = psi(list(DECILES), list(moved))
    first, second = rng.multinomial(5_000, DECILES, 500), rng.multinomial(2_000, moved, 500)
    results = [margin.psi_exceeds(*pair, ordered=10) for pair in zip(first, second, strict=True)]
    assert np.mean([result.low <= true <= result.high for result in results]) == pytest.approx(0.95, abs=0.03)
    assert np.mean([result.effect for result in results]) == pytest.approx(true, rel=0.1)


@pytest.mark.parametrize("rows", [(5_000, 100), (5_000, 300), (1_000, 1_000)])
def test_the_power_is_what_simulation_finds(rows: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    moved = np.array([5, 15, 5, 15, 5, 15, 5, 15, 10, 10]) / 100
    sought = margin.Sought(psi(list(DECILES), list(moved)), 0.01)
    first, second = rng.multinomial(rows[0], DECILES, 500), rng.multinomial(rows[1], moved, 500)
    results = [margin.psi_exceeds(*pair, ordered=10, sought=sought) for pair in zip(first, second, strict=True)]
    assert np.mean([result.p <= 0.01 for result in results]) == pytest.approx(results[0].power, abs=0.08)


def test_a_new_level_is_found_though_the_reference_has_none_of_it() -> None:
    assert margin.psi_exceeds([10_000, 0], [100, 100]).p < 1e-9
    assert margin.psi_exceeds([0, 10_000, 0], [0, 100, 100], ordered=3).p < 1e-9


def test_levels_too_rare_to_count_raise_no_alarm() -> None:
    ref, cur = [5_000, 4_900] + [1] * 100, [100, 98] + [0] * 98 + [1, 1]
    assert margin.psi_exceeds(ref, cur).p > 0.05


def test_bins_without_an_order_may_follow_those_with_one() -> None:
    nulls = margin.psi_exceeds([100] * 10 + [10], [100] * 10 + [300], ordered=10)
    assert nulls.p < 1e-9
    assert margin.psi_exceeds([100] * 10 + [2], [100] * 10 + [1], ordered=10).p > 0.5


def test_rows_that_depend_on_each_other_count_for_less() -> None:
    ref, cur = [100] * 10, [60, 70, 80, 90, 100, 100, 110, 120, 130, 140]
    alone, together = (margin.psi_exceeds(ref, cur, ordered=10, inflation=factor) for factor in (1.0, 8.0))
    assert alone.p < together.p
    assert together.rows == alone.rows / 8
    assert together.psi == alone.psi
    assert together.power < alone.power


COUNTS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=14)


@settings(max_examples=200)
@given(pairs=COUNTS, ordered=st.integers(0, 14), delta=st.floats(0, 2), inflation=st.floats(1, 100))
def test_every_result_is_a_number_in_its_range(
    pairs: list[tuple[int, int]], ordered: int, delta: float, inflation: float
) -> None:
    ref, cur = (list(side) for side in zip(*pairs, strict=True))
    if not any(ref) or not any(cur):
        return
    result = margin.psi_exceeds(ref, cur, delta, ordered=min(ordered, len(ref)), inflation=inflation)
    assert 0 <= result.p <= 1
    assert 0 <= result.power <= 1
    assert 0 <= result.low <= result.effect <= result.high < np.inf
    assert result.low <= result.psi < np.inf
    swapped = margin.psi_exceeds(cur, ref, delta, ordered=min(ordered, len(ref)), inflation=inflation)
    assert swapped.p == pytest.approx(result.p, rel=1e-6, abs=1e-9)


def test_more_margin_is_less_evidence() -> None:
    ref, cur = [100] * 10, [60, 70, 80, 90, 100, 100, 110, 120, 130, 140]
    p = [margin.psi_exceeds(ref, cur, delta, ordered=10).p for delta in (0.0, 0.0025, 0.01, 0.1)]
    assert p == sorted(p)


def test_one_bin_tells_nothing_and_says_so() -> None:
    result = margin.psi_exceeds([100], [3])
    assert (result.p, result.power, result.df, result.psi) == (1.0, 0.0, 0, 0.0)


@pytest.mark.parametrize("bad", [{"delta": -1.0}, {"ordered": 3}, {"inflation": 0.5}, {"delta": float("nan")}])
def test_an_argument_out_of_its_range_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="margin"):
        margin.psi_exceeds([1, 2], [3, 4], **bad)  # type: ignore[arg-type]  # that is what is tried
