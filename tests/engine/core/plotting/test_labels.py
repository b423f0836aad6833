from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.plotting.labels import axis_labels, compact, duration
from engine.core.plotting.scale import linear_axis

UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def number(text: str) -> float:
    return float(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS else float(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.23136, "0.2314"),
        (12.5, "12.5"),
        (1234, "1234"),
        (9999.6, "10k"),
        (12_346, "12.35k"),
        (-2.5e6, "-2.5M"),
        (3.1e9, "3.1G"),
        (7e12, "7T"),
        (999_999, "1M"),
        (1.2e-5, "1.2e-5"),
        (1e300, "1e300"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_compact_numbers(value: float, text: str) -> None:
    assert compact(value) == text


@given(st.floats())
def test_a_compact_number_is_short_and_near(value: float) -> None:
    text = compact(value)
    assert len(text) <= 12
    if math.isfinite(value) and abs(value) < 1.79e308:
        assert number(text) == pytest.approx(value, rel=1e-3, abs=5e-324)
    elif not math.isfinite(value):
        assert text == str(value)


@given(
    low=st.floats(-1e12, 1e12, allow_subnormal=True),
    span=st.floats(1e-6, 1e12),
    ticks=st.integers(2, 9),
)
def test_labels_of_an_axis_differ_from_each_other(low: float, span: float, ticks: int) -> None:
    axis = linear_axis(low, low + span, ticks)
    labels = axis_labels(axis.ticks, axis.step)
    assert len(labels) == len(axis.ticks)
    if axis.step:
        assert len(set(labels)) == len(labels)
        assert [number(label) for label in labels] == pytest.approx(list(axis.ticks), abs=axis.step / 10)


@pytest.mark.parametrize(
    ("ticks", "step", "labels"),
    [
        ((0.0, 0.5, 1.0), 0.5, ("0.0", "0.5", "1.0")),
        ((-0.2, 0.0, 0.2), 0.2, ("-0.2", "0.0", "0.2")),
        ((0, 50_000, 100_000), 50_000, ("0", "50k", "100k")),
        ((10_000.1, 10_000.2), 0.1, ("10000.1", "10000.2")),
        ((1e-5, 2e-5), 1e-5, ("1e-5", "2e-5")),
        ((), 1.0, ()),
    ],
)
def test_labels_of_an_axis_share_unit_and_decimals(
    ticks: tuple[float, ...], step: float, labels: tuple[str, ...]
) -> None:
    assert axis_labels(ticks, step) == labels


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (45, "45s"),
        (59.7, "1m"),
        (90, "1m30s"),
        (7200, "2h"),
        (302_400, "3d12h"),
        (-90, "-1m30s"),
        (math.inf, "infs"),
        (1e300, "1e300s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats())
def test_any_duration_is_short(seconds: float) -> None:
    assert len(duration(seconds)) <= 11
