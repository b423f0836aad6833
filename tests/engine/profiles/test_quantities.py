"""What is told from counts is within its bound of what scipy and numpy tell from the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from engine.profiles.layout import FeatureLayout
from engine.profiles.learning import learned
from engine.profiles.profile import FeatureProfile
from engine.profiles.profiling import profile
from engine.profiles.quantities import bin_sums, cells_of, deviation, distinct, ks, mean, quantile, wasserstein
from engine.tables.source import open_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

rng = np.random.default_rng(13)
N = 30_000
PAIRS: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
    "normal": (rng.normal(size=N), rng.normal(0.3, 1.2, N)),
    "lognormal": (rng.lognormal(0, 2, N), rng.lognormal(0.2, 2, N)),
    "integers": (rng.poisson(5, N), rng.poisson(7, N)),
    "zero-inflated": (np.where(rng.random(N) < 0.7, 0, rng.random(N)), np.where(rng.random(N) < 0.5, 0, rng.random(N))),
    "far away": (rng.normal(size=N), rng.normal(1e6, 1, N)),
    "tiny": (rng.normal(size=N) * 1e-12, rng.normal(1, 1, N) * 1e-12),
    "large integers": (2**60 + rng.integers(0, 900, N), 2**60 + rng.integers(100, 2000, N)),
    "beside the lattice": (rng.poisson(5, N).astype(float), rng.poisson(5, N) + rng.choice([0.0, 0.25, 0.5], N)),
    "same": (np.full(N, 0.1), np.full(N, 0.1)),
    "few": (rng.normal(size=5), rng.normal(size=1)),
}
EDGE = 1e-9


@pytest.mark.parametrize("name", PAIRS)
def test_distances_are_within_their_bounds(name: str) -> None:
    one, other = PAIRS[name]
    feature, before, after = _profiled(one, other)
    offset = feature.offset
    first, second = (one - offset).astype(float), (other - offset).astype(float)
    found = ks(feature, before, after)
    exact = stats.ks_2samp(first, second).statistic
    assert abs(found.value - exact) <= found.bound + EDGE
    far = wasserstein(feature, before, after)
    exact = stats.wasserstein_distance(first, second)
    assert abs(far.value - exact) <= far.bound * (1 + EDGE) + EDGE * exact + 5e-324
    assert found.bound < (0.2 if name == "beside the lattice" else 0.02)
    assert ks(feature, after, before).value == found.value


@pytest.mark.parametrize("name", PAIRS)
def test_moments_and_quantiles_are_within_their_bounds(name: str) -> None:
    for values, (feature, found) in zip(PAIRS[name], _both(name), strict=True):
        near = (values - feature.offset).astype(float)
        told = mean(feature, found)
        assert math.isclose(told.value, float(near.mean()) + feature.offset, rel_tol=1e-9, abs_tol=told.bound + 1e-21)
        spread = deviation(feature, found)
        assert abs(spread.value - near.std()) <= spread.bound * (1 + EDGE) + EDGE * near.std() + 1e-15 * abs(near[0])
        for share in (0.0, 0.01, 0.25, 0.5, 0.99, 1.0):
            answer = quantile(feature, found, share)
            exact = np.quantile(near, share, method="inverted_cdf") + float(feature.offset)
            assert abs(answer.value - exact) <= answer.bound * (1 + EDGE) + EDGE * abs(exact)


@pytest.mark.parametrize("name", [each for each in PAIRS if each != "large integers"])
def test_sums_of_bins_are_within_half_a_cell_a_row(name: str) -> None:
    for values, (feature, found) in zip(PAIRS[name], _both(name), strict=True):
        grid, sums, counts = feature.grid, bin_sums(feature, found), found.bins(feature)
        assert grid is not None
        assert len(sums) == len(feature.bins)
        inside = values[(values >= grid.low) & (values < grid.end)]
        tied = [each.low for each in feature.bins if each.point]
        for told, count, each in zip(sums, counts, feature.bins, strict=True):
            exact = inside[(inside >= each.low) & (inside < each.high) & ~np.isin(inside, tied)]
            if each.point:
                assert told == pytest.approx(each.low * count)
            elif len(exact) == count:  # nothing of it lies beyond the grid
                slack = 0 if found.numbers is not None and not found.numbers.beside else grid.width / 2 * count
                assert abs(told - exact.sum()) <= slack * (1 + EDGE) + EDGE * abs(exact).sum()


def test_bounds_are_small_where_the_reference_lies() -> None:
    feature, before, after = _profiled(*PAIRS["normal"])
    assert ks(feature, before, after).bound < 0.005
    assert wasserstein(feature, before, after).bound < 0.003
    assert quantile(feature, before, 0.5).bound < 0.001
    assert [quantile(*_both("integers")[0], 0.5).bound, ks(*_profiled(*PAIRS["integers"])).bound] == [0, 0]


def test_cells_hold_every_finite_number_in_order() -> None:
    values = np.concatenate([rng.standard_cauchy(N), [np.inf, -np.inf, np.nan]])
    feature, before, after = _profiled(values, values * 2)
    cells = cells_of(feature, [before, after])
    assert cells.counts.sum(axis=1).tolist() == [N, N]
    assert (np.diff(cells.lows) >= 0).all()
    assert (cells.highs[:-1] <= cells.lows[1:] * (1 + np.sign(cells.lows[1:]) * 1e-12)).all()
    assert (cells.lows[0], cells.highs[-1]) == (2 * values[np.isfinite(values)].min(), 2 * np.nanmax(values[:-3]))


def test_nothing_is_told_of_no_rows() -> None:
    feature, before, after = _profiled(rng.normal(size=99), np.empty(0))
    told = (ks(feature, before, after), wasserstein(feature, before, after), mean(feature, after))
    assert all(math.isnan(each.value) for each in (*told, deviation(feature, after), quantile(feature, after, 0.5)))


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        (rng.integers(0, 40, N), 40, 40),
        (np.full(N, 0.1), 1, 1),
        (np.array(["a", "b"] * 9, object), 2, 2),
        (rng.normal(size=N), 2_000, N),
        (np.empty(0), 0, 0),
    ],
)
def test_different_values_are_counted_or_bounded(values: Any, least: int, most: int) -> None:
    layout = learned(open_table({"a": values}))
    low, high = distinct(layout.features[0], profile(open_table({"a": values}), layout).features["a"])
    assert least <= low <= high <= most
    assert low <= len(set(values.tolist())) <= high


def _profiled(one: NDArray[Any], other: NDArray[Any]) -> tuple[FeatureLayout, FeatureProfile, FeatureProfile]:
    layout = learned(open_table({"a": one}))
    before, after = (profile(open_table({"a": each}), layout).features["a"] for each in (one, other))
    return layout.features[0], before, after


def _both(name: str) -> list[tuple[FeatureLayout, FeatureProfile]]:
    feature, before, after = _profiled(*PAIRS[name])
    return [(feature, before), (feature, after)]
