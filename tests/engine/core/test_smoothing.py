"""Smoothing: TensorBoard's average where points are evenly apart, and no surprises where they are not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.core.smoothing import smoothed

FACTORS = st.floats(0, 0.999)
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def tensorboard(values: list[float], factor: float) -> list[float]:
    found, last = [], 0.0
    for place, value in enumerate(values, 1):
        last = last * factor + (1 - factor) * value
        found.append(last / (1 - factor**place))
    return found


def naive(xs: list[float], values: list[float], factor: float, weights: list[float]) -> list[float]:
    """The formula of the docstring, term by term."""
    spacing = (xs[-1] - xs[0]) / (len(xs) - 1)
    found = []
    for here in range(len(xs)):
        shares = [weights[k] * factor ** ((xs[here] - xs[k]) / spacing) for k in range(here + 1)]
        found.append(sum(share * value for share, value in zip(shares, values, strict=False)) / sum(shares))
    return found


@given(values=VALUES, factor=FACTORS, begin=st.integers(-1000, 1000), step=st.integers(1, 1000))
def test_points_evenly_apart_are_smoothed_as_tensorboard_does(
    values: list[float], factor: float, begin: int, step: int
) -> None:
    found = smoothed([begin + place * step for place in range(len(values))], values, factor)
    assert found == pytest.approx(tensorboard(values, factor), rel=1e-6, abs=1e-3)


@given(
    points=st.lists(st.tuples(st.integers(1, 50), st.floats(-1e3, 1e3), st.integers(1, 9)), min_size=2, max_size=30),
    factor=st.floats(0.01, 0.999),
)
def test_gaps_and_weights_count_as_the_formula_says(points: list[tuple[int, float, int]], factor: float) -> None:
    xs = [float(sum(gap for gap, _, _ in points[: place + 1])) for place in range(len(points))]
    values, weights = [value for _, value, _ in points], [float(weight) for _, _, weight in points]
    assert smoothed(xs, values, factor, weights) == pytest.approx(naive(xs, values, factor, weights), abs=1e-6)


@given(values=VALUES, factor=FACTORS)
def test_a_smoothed_curve_stays_within_its_values(values: list[float], factor: float) -> None:
    found = [value for value in smoothed(list(range(len(values))), values, factor) if value is not None]
    room = 1e-6 * max(map(abs, values)) + 1e-9
    assert min(values) - room <= min(found)
    assert max(found) <= max(values) + room


@given(values=VALUES)
def test_factor_zero_changes_nothing(values: list[float]) -> None:
    assert smoothed(list(range(len(values))), values, 0) == pytest.approx(values)


@given(values=st.lists(st.floats(), max_size=20), xs=st.lists(st.floats(), min_size=20, max_size=20), factor=FACTORS)
def test_whatever_the_floats_are_there_is_a_value_where_there_was_one(
    values: list[float], xs: list[float], factor: float
) -> None:
    found = smoothed(xs[: len(values)], values, factor)
    for x, value, average in zip(xs, values, found, strict=False):
        assert (average is not None) == (math.isfinite(value) and math.isfinite(x))
        assert average is None or math.isfinite(average)


@pytest.mark.parametrize("factor", [-0.1, 1, 2, math.nan])
def test_a_factor_that_smooths_nothing_is_refused(factor: float) -> None:
    with pytest.raises(InvalidInput):
        smoothed([1], [1], factor)
