from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.core.plotting.scale import LARGEST, Axis, Scale, clock_axis, linear_axis, log_axis, nice_step

FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True)
POSITIVE = st.floats(min_value=5e-324, max_value=LARGEST)


def assert_sound(axis: Axis, low: float, high: float) -> None:
    assert axis.scale.low <= low <= high <= axis.scale.high
    assert axis.scale.low < axis.scale.high
    assert all(map(math.isfinite, (axis.scale.low, axis.scale.high, *axis.ticks)))
    assert list(axis.ticks) == sorted(set(axis.ticks))


@given(one=FINITE, other=FINITE, ticks=st.integers(1, 20), whole=st.booleans())
def test_a_linear_axis_holds_its_data(one: float, other: float, ticks: int, whole: bool) -> None:
    low, high = sorted((one, other))
    axis = linear_axis(low, high, ticks, whole=whole)
    assert_sound(axis, low, high)
    assert len(axis.ticks) <= ticks + 3


@given(one=FINITE, other=FINITE, ticks=st.integers(1, 20))
def test_a_clock_axis_holds_its_data(one: float, other: float, ticks: int) -> None:
    low, high = sorted((one, other))
    assert_sound(clock_axis(low, high, ticks), low, high)


@given(one=POSITIVE, other=POSITIVE, ticks=st.integers(1, 20))
def test_a_log_axis_holds_its_data(one: float, other: float, ticks: int) -> None:
    low, high = sorted((one, other))
    axis = log_axis(low, high, ticks)
    assert_sound(axis, low, high)
    assert 2 <= len(axis.ticks) <= max(ticks, 2) + 1


@given(low=FINITE, high=FINITE, values=st.lists(FINITE, min_size=2, max_size=9), log=st.booleans())
def test_a_share_is_monotonic_and_inside(low: float, high: float, values: list[float], log: bool) -> None:
    if log:
        low, high = abs(low), abs(high)
    assume(low < high and (low > 0 or not log))
    scale = Scale(low, high, log)
    shares = [scale.share(value) for value in sorted(values)]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert all(low <= scale.at(share) <= high for share in shares)


def test_edges_of_a_scale() -> None:
    scale = Scale(2.0, 4.0)
    assert [scale.share(value) for value in (-math.inf, 2, 3, 4, math.inf)] == [0, 0, 0.5, 1, 1]
    assert math.isnan(scale.share(math.nan))
    assert Scale(1.0, 100.0, log=True).share(10) == pytest.approx(0.5)
    assert Scale(1.0, 100.0, log=True).share(-5) == 0


@pytest.mark.parametrize(
    ("span", "ticks", "step"),
    [(1.0, 5, 0.2), (1.0, 4, 0.5), (300, 6, 50), (7, 7, 1), (2.2e6, 5, 5e5), (3e-7, 3, 1e-7), (math.inf, 4, 0.0)],
)
def test_steps_are_one_two_or_five(span: float, ticks: int, step: float) -> None:
    assert nice_step(span, ticks) == pytest.approx(step)


def test_an_axis_of_training_steps_has_whole_ticks() -> None:
    assert linear_axis(0, 2, 8, whole=True).ticks == (0, 1, 2)


@pytest.mark.parametrize(
    ("seconds", "step"), [(9, 2), (50, 10), (100, 30), (3600, 900), (5 * 3600, 3600), (86400 * 4, 86400), (0.4, 0.1)]
)
def test_a_clock_axis_steps_as_clocks_do(seconds: float, step: float) -> None:
    assert clock_axis(0, seconds, 5).step == pytest.approx(step)


def test_a_log_axis_of_many_powers_skips_evenly() -> None:
    ticks = log_axis(1e-9, 1e9, 5).ticks
    ratios = {round(math.log10(after / before)) for before, after in pairwise(ticks)}
    assert len(ratios) == 1
