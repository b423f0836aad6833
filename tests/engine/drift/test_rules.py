"""What holds of every comparison, whatever is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drift.model import Decision
from tests.engine.drift.tables import compared

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES = st.one_of(
    st.lists(st.floats(width=32), min_size=1, max_size=80),
    st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=80),
    st.lists(st.booleans(), min_size=1, max_size=80),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.floats(), st.integers()), min_size=1, max_size=80),
)


def column(values: list[Any]) -> NDArray[Any]:
    held = np.empty(len(values), object)
    held[:] = values
    return held


@given(VALUES, VALUES)
@settings(max_examples=60, deadline=None)
def test_anything_is_compared_with_anything(before: list[Any], now: list[Any]) -> None:
    report = compared({"a": column(before)}, {"a": column(now)})
    (found,) = report.features
    assert found.reason
    assert found.drift is bool(found.changed)
    assert (found.n_ref, found.n_cur) == (len(before), len(now))
    if found.effect is not None and found.effect_low is not None and found.effect_high is not None:
        assert 0 <= found.effect_low <= found.effect <= found.effect_high
    if found.bins and found.kind != "text":
        assert sum(each.current for each in found.bins) == len(now)


@given(VALUES, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_and_columns_says_nothing(values: list[Any], random: Any) -> None:
    dealt = random.sample(values, len(values))
    other = list(range(len(values)))
    one = compared({"a": column(values), "b": column(other)}, {"a": column(dealt), "b": column(other)})
    swapped = compared({"b": column(other), "a": column(dealt)}, {"b": column(other), "a": column(values)})
    assert one.drifted == ()
    assert [(each.name, each.decision, each.effect) for each in one.features] == [
        (each.name, each.decision, each.effect) for each in swapped.features
    ]


@given(st.integers(0, 200), st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_more_features_never_make_one_drift_more_easily(more: int, shift: float) -> None:
    source = np.random.default_rng(more)
    reference, current = source.normal(size=400), source.normal(shift, size=200)
    others = {f"n{place}": source.normal(size=400) for place in range(3)}
    alone = compared({"a": reference}, {"a": current}).features[0]
    among = compared({"a": reference, **others}, {"a": current, **{k: v[:200] for k, v in others.items()}})
    found = among.feature("a")
    assert found is not None
    assert found.p == alone.p
    assert alone.drift or not found.drift
    assert found.decision is not Decision.LEFT_OUT
