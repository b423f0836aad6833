"""Latency histograms: any percentile within the stated error, and merging is addition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telemetry.histogram import (
    BUCKETS,
    HIGHEST_US,
    LOWEST_US,
    RELATIVE_ERROR,
    add,
    bounds_us,
    bucket_of,
    merged,
    percentile_us,
)

LATENCIES = st.floats(LOWEST_US, HIGHEST_US, exclude_max=True, allow_nan=False)
COUNTS = st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 10**9), max_size=20)


def counted(latencies: list[float]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for latency in latencies:
        add(counts, {bucket_of(latency): 1})
    return counts


@given(LATENCIES)
def test_a_latency_lies_in_its_bucket(latency_us: float) -> None:
    low, high = bounds_us(bucket_of(latency_us))
    assert low * (1 - 1e-9) <= latency_us <= high * (1 + 1e-9)


@given(LATENCIES, LATENCIES)
def test_longer_is_never_in_an_earlier_bucket(one: float, other: float) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(LATENCIES, min_size=1, max_size=200), st.sampled_from([0.0, 1.0, 50.0, 95.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_within_the_stated_error(latencies: list[float], share: float) -> None:
    exact = float(np.percentile(latencies, share, method="inverted_cdf"))
    told = percentile_us(counted(latencies), share)
    assert told is not None
    assert abs(told - exact) <= exact * (RELATIVE_ERROR + 1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_real_looking_latencies_are_within_the_stated_error(seed: int) -> None:
    latencies = np.random.default_rng(seed).lognormal(6.0, 1.5, 20_000).clip(LOWEST_US, HIGHEST_US - 1)
    counts = counted(latencies.tolist())
    for share in (50, 90, 95, 99, 99.9):
        exact = float(np.percentile(latencies, share, method="inverted_cdf"))
        assert percentile_us(counts, share) == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-9)


@given(COUNTS, COUNTS, COUNTS)
def test_merging_is_addition_in_any_order(one: dict[int, int], two: dict[int, int], three: dict[int, int]) -> None:
    assert merged((one, two, three)) == merged((three, merged((two, one))))
    assert sum(merged((one, two)).values()) == sum(one.values()) + sum(two.values())


@given(st.lists(LATENCIES, max_size=50), st.lists(LATENCIES, max_size=50))
def test_counting_apart_and_merging_is_counting_together(one: list[float], other: list[float]) -> None:
    assert merged((counted(one), counted(other))) == counted([*one, *other])


@pytest.mark.parametrize(
    ("latency_us", "bucket", "told"),
    [
        (0, 0, LOWEST_US),
        (-5, 0, LOWEST_US),
        (9.99, 0, LOWEST_US),
        (HIGHEST_US, BUCKETS - 1, HIGHEST_US),
        (1e300, BUCKETS - 1, HIGHEST_US),
        (math.inf, BUCKETS - 1, HIGHEST_US),
    ],
)
def test_what_is_beyond_the_limits_is_told_as_the_limit(latency_us: float, bucket: int, told: float) -> None:
    assert bucket_of(latency_us) == bucket
    assert percentile_us({bucket: 3}, 50) == told


def test_nothing_has_no_percentile() -> None:
    assert percentile_us({}, 50) is None


def test_the_error_is_at_most_a_twentieth() -> None:
    assert RELATIVE_ERROR < 0.05
    assert BUCKETS < 200
