from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.serving.router import BUCKETS, Layout, bucket_of, bucket_of_one, laid_out

LIVE = 1
WEIGHTS = st.dictionaries(st.integers(2, 5), st.integers(0, BUCKETS), max_size=3).filter(
    lambda canaries: sum(canaries.values()) <= BUCKETS
)


def whole(canaries: dict[int, int], live: int = LIVE) -> dict[int, int]:
    return {live: BUCKETS - sum(canaries.values())} | canaries


def least(before: Layout, weights: dict[int, int]) -> int:
    had = Counter(before)
    return sum(max(0, weight - had[deployment]) for deployment, weight in weights.items())


def moved(before: Layout, after: Layout) -> int:
    return sum(old != new for old, new in zip(before, after, strict=True))


@given(st.lists(WEIGHTS, min_size=2, max_size=6))
def test_every_weight_is_met_and_no_bucket_moves_that_may_stay(steps: list[dict[int, int]]) -> None:
    layout = laid_out({LIVE: BUCKETS}, rest=LIVE)
    for canaries in steps:
        weights = whole(canaries)
        after = laid_out(weights, layout, rest=LIVE)
        assert Counter(after) == Counter({key: value for key, value in weights.items() if value})
        assert moved(layout, after) == least(layout, weights)
        layout = after


@given(st.integers(0, BUCKETS), st.integers(0, BUCKETS))
def test_one_canary_has_the_lowest_buckets_however_it_came_to_them(first: int, second: int) -> None:
    layout = laid_out(whole({2: second}), laid_out(whole({2: first}), rest=LIVE), rest=LIVE)
    assert layout == laid_out(whole({2: second}), rest=LIVE)


def test_a_promotion_moves_only_those_who_were_not_there_yet() -> None:
    before = laid_out({1: 750, 2: 250}, rest=1)
    after = laid_out({2: BUCKETS}, before, rest=2)
    assert set(after) == {2}
    assert moved(before, after) == 750


def test_without_weights_nobody_answers() -> None:
    assert laid_out({}) == ()


def test_keys_spread_evenly_and_otherwise_behind_another_endpoint() -> None:
    keys = [b"user-%d" % number for number in range(20_000)]
    share = sum(bucket_of(b"salt", key) < 100 for key in keys) / len(keys)
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / len(keys)) ** 0.5
    other = sum(bucket_of(b"salt", key) < 100 and bucket_of(b"pepper", key) < 100 for key in keys) / len(keys)
    assert abs(other - 0.01) < 4 * (0.01 * 0.99 / len(keys)) ** 0.5


@given(st.binary(max_size=40), st.binary(max_size=400))
def test_a_key_always_falls_into_the_same_bucket(salt: bytes, key: bytes) -> None:
    first = bucket_of_one(salt, key)
    assert 0 <= first < BUCKETS
    assert [bucket_of(salt, key), bucket_of(salt, key)] == [first, first]


def test_keys_are_kept_only_while_they_are_short() -> None:
    tracemalloc.start()
    try:
        for number in range(64):
            bucket_of(b"salt", b"%d" % number + b"x" * (1 << 20))
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1 << 20
