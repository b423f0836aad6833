from __future__ import annotations

import json
import math
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.audit.canonical import canonical_bytes, canonical_text, plain

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


def same(left: Any, right: Any) -> bool:
    """JSON equality as documented: true is not 1, 1.0 is 1, and NaN is the string that stands for it."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(_named(left) == _named(right))


def _named(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value


def shuffled(value: Any, rng: random.Random) -> Any:
    """The same value: keys in another order, tuples for lists, floats for whole numbers where they are exact."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return tuple(shuffled(item, rng) for item in value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    return value


@given(VALUES, st.randoms(use_true_random=False))
def test_equal_values_give_equal_bytes(value: Any, rng: random.Random) -> None:
    assert canonical_bytes(shuffled(value, rng)) == canonical_bytes(value)


@given(VALUES, VALUES)
def test_bytes_are_equal_exactly_when_the_values_are(left: Any, right: Any) -> None:
    assert (canonical_bytes(left) == canonical_bytes(right)) == same(left, right)


@given(VALUES)
def test_reading_back_gives_the_value_and_the_same_text_again(value: Any) -> None:
    text = canonical_text(value)
    back = json.loads(text)
    assert same(back, value)
    assert back == plain(value)
    assert canonical_text(back) == text
