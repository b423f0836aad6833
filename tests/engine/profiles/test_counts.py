"""Counts are exact: against numpy, over every kind of number."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.profiles.grid import CELLS, Grid, around, lattice
from engine.profiles.layout import FeatureLayout
from engine.profiles.learning import learned
from engine.profiles.profile import FeatureProfile, NumberCounts
from engine.profiles.profiling import profile
from engine.tables.source import open_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

rng = np.random.default_rng(7)
N = 20_000
SHAPES: dict[str, NDArray[Any]] = {
    "normal": rng.normal(size=N),
    "far from zero": rng.normal(1e15, 3.0, N),
    "tiny": rng.normal(size=N) * 1e-12,
    "denormal": rng.normal(size=N) * 1e-310,
    "huge": rng.normal(size=N) * 1e300,
    "lognormal": rng.lognormal(0, 3, N),
    "cauchy": rng.standard_cauchy(N),
    "zero-inflated": np.where(rng.random(N) < 0.7, 0.0, rng.lognormal(size=N)),
    "tied": rng.choice([0.1, 0.2, 0.30000000000000004, 0.7, 11.3], N),
    "decimals": np.round(rng.normal(15, 7, N), 1),
    "constant": np.full(N, 0.1),
    "integers": rng.poisson(5, N).astype(float),
    "halves": rng.integers(0, 9, N) / 2,
    "wide integers": rng.integers(-(10**9), 10**9, N),
    "int64 near 2^62": 2**62 + rng.integers(-500, 500, N),
    "int64 of all sizes": rng.integers(-(2**62), 2**62, N),
    "an outlier": np.append(rng.normal(size=N - 1), 1e9),
    "full range": np.append(rng.normal(size=N - 2), [1.7e308, -1.7e308]),
    "infinite": np.append(rng.normal(size=N - 4), [np.inf, np.inf, -np.inf, np.nan]),
}


@pytest.mark.parametrize("reference", SHAPES)
def test_bins_hold_what_lies_between_their_borders(reference: str) -> None:
    feature, _ = _profiled(SHAPES[reference], SHAPES[reference])
    others = ("lognormal", "zero-inflated", "infinite", reference)
    edges = np.array([each.low for each in feature.bins if math.isfinite(each.low) and not feature.offset])
    near = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    for values in (*(SHAPES[each] for each in others), near):
        found = _profiled(SHAPES[reference], values)[1]
        for bins, counts in (
            (feature.bins, found.bins(feature)),
            (feature.decile_bins, found.deciles(feature)),
        ):
            assert counts.tolist() == _counted(values, bins, [each for each in bins if each.point]), values


@pytest.mark.parametrize("reference", SHAPES)
def test_headers_are_exact(reference: str) -> None:
    values = SHAPES[reference]
    feature, found = _profiled(values, values)
    numbers = _numbers(found)
    finite = values[np.isfinite(values)]
    assert (found.rows, found.nulls, found.unfit) == (N, int(np.isnan(values).sum()), 0)
    assert (numbers.above, numbers.below) == (int((values == np.inf).sum()), int((values == -np.inf).sum()))
    assert (numbers.minimum, numbers.maximum) == (finite.min().item(), finite.max().item())
    assert numbers.total == len(finite)
    grid = feature.grid
    assert grid is not None
    exact = sum(Fraction(each) for each in finite.tolist())
    told = numbers.steps * grid.step + len(finite) * (grid.origin + feature.offset)
    assert abs(told - exact) <= len(finite) * (grid.step / 2 + Fraction(max(map(abs, finite.tolist()))) / 2**53)


@pytest.mark.parametrize("reference", ["integers", "halves", "int64 near 2^62"])
def test_sums_on_a_lattice_have_no_error_at_all(reference: str) -> None:
    values = SHAPES[reference]
    feature, found = _profiled(values, values)
    grid = feature.grid
    assert grid is not None
    assert grid.lattice
    told = _numbers(found).steps * grid.step + N * (grid.origin + feature.offset)
    assert told == sum(Fraction(each) for each in values.tolist())


@pytest.mark.parametrize("reference", ["normal", "cauchy", "far from zero", "tiny", "huge"])
def test_bins_of_a_continuous_number_are_of_equal_shares(reference: str) -> None:
    feature, found = _profiled(SHAPES[reference], SHAPES[reference])
    assert len(feature.decile_bins) == 10
    assert 64 <= len(feature.bins) <= 73
    assert max(abs(found.deciles(feature) / N - 0.1)) < 0.01


def test_tied_numbers_are_bins_of_their_own() -> None:
    feature, found = _profiled(SHAPES["zero-inflated"], SHAPES["zero-inflated"])
    points = [(each.low, count) for each, count in zip(feature.bins, found.bins(feature), strict=True) if each.point]
    assert points == [(0.0, int((SHAPES["zero-inflated"] == 0).sum()))]
    tied, found = _profiled(SHAPES["tied"], SHAPES["tied"])
    points = [(each.low, count) for each, count in zip(tied.bins, found.bins(tied), strict=True) if each.point]
    values, counts = np.unique(SHAPES["tied"], return_counts=True)
    assert points == list(zip(values.tolist(), counts.tolist(), strict=True))


@given(
    st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e250, max_value=1e250),
    st.floats(1e-250, 1e250),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
)
@settings(deadline=None)
def test_cells_rise_with_numbers_and_borders_are_where_they_change(
    centre: float, spread: float, more: list[float]
) -> None:
    for grid in (around(centre, spread), lattice(round(centre) if abs(centre) < 2**40 else 0, -3)):
        numbers = sorted([*more, *(centre + each * spread for each in (-9.0, -1.0, 0.0, 1e-9, 1.0, 9.0))])
        cells = [grid.cell(each) for each in numbers]
        assert cells == sorted(cells)
        for cell in {0, 1, CELLS // 2, CELLS, *(each for each in cells if each >= 0)}:
            border = grid.border(cell)
            assert grid.cell(border) >= cell
            assert grid.cell(math.nextafter(border, -math.inf)) < cell
            assert abs(Fraction(border) - _even(grid, cell)) <= grid.step + Fraction(math.ulp(border))


def _even(grid: Grid, cell: int) -> Fraction:
    """Where the border of a cell lies if borders lie evenly."""
    return grid.origin + grid.step * cell * 2**32


def _profiled(reference: NDArray[Any], values: NDArray[Any]) -> tuple[FeatureLayout, FeatureProfile]:
    layout = learned(open_table({"a": reference}))
    return layout.features[0], profile(open_table({"a": values}), layout).features["a"]


def _numbers(found: FeatureProfile) -> NumberCounts:
    assert found.numbers is not None
    return found.numbers


def _counted(values: NDArray[Any], bins: Any, points: Any) -> list[int]:
    """The same by comparing each value with each border, as Python compares."""
    exact = values[np.isfinite(values)].astype(object if values.dtype.kind == "i" else float)
    tied = {each.low for each in points}
    alone = np.array([each in tied for each in exact.tolist()], bool)
    found = []
    for each in bins:
        if each.point:
            found.append(int(sum(exact == each.low)))
        else:
            found.append(int(np.count_nonzero((exact >= each.low) & (exact < each.high) & ~alone)))
    found[-1] += int(np.count_nonzero(exact == math.inf))
    return found
