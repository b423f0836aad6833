"""Different numbers are estimated by registers that add up: the same bytes in any order and any number of parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.drift.checking import learned_reference
from engine.drift.summary import summaries
from engine.profiles.learning import learned
from engine.profiles.profile import Profile
from engine.profiles.profiling import Counting, profile
from engine.profiles.quantities import distinct
from engine.profiles.registers import MOST_RANK, REGISTERS, STANDARD_ERROR, estimated, no_registers, note
from engine.tables.source import open_table

rng = np.random.default_rng(7)
DRAWN = rng.normal(size=200_000)


@pytest.mark.parametrize("number", [0, 1, 2, 30, 500, 4_000, 5_120, 9_000, 60_000, 200_000])
def test_the_estimate_is_within_its_stated_error(number: int) -> None:
    registers = no_registers()
    note(registers, DRAWN[:number])
    assert abs(estimated(registers) - number) <= 3 * STANDARD_ERROR * number


def test_the_stated_error_is_the_one_that_happens() -> None:
    errors = []
    for start in range(0, 200_000, 4_000):
        registers = no_registers()
        note(registers, DRAWN[start : start + 4_000])
        errors.append(estimated(registers) / 4_000 - 1)
    assert abs(np.mean(errors)) < 3 * STANDARD_ERROR / math.sqrt(len(errors))
    assert np.std(errors) < 1.3 * STANDARD_ERROR


def test_registers_that_are_all_full_are_still_a_number() -> None:
    full = np.full(REGISTERS, MOST_RANK, np.uint8)
    assert estimated(full) > 2.0**60


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(values: list[float], random: Any) -> None:
    one, other = no_registers(), no_registers()
    note(one, np.array(values, np.float64))
    again = values * 2
    random.shuffle(again)
    for each in again:
        note(other, np.array([each]))
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("parts", [1, 2, 8])
def test_parts_in_any_order_give_the_same_bytes(parts: int) -> None:
    values = np.concatenate([DRAWN[:20_000], DRAWN[:5_000], [math.nan, math.inf, -math.inf, 1e300, -0.0, 0.0]])
    whole = open_table({"a": values})
    layout = learned(whole)
    expected = profile(whole, layout, distinct=True)
    pieces = [profile(open_table({"a": each}), layout, distinct=True) for each in np.array_split(values, parts)]
    none = Counting(layout, distinct=True).finish()
    assert Profile.sum([none, *reversed(pieces)]).to_bytes() == expected.to_bytes()


def test_numbers_off_the_lattice_are_estimated_with_a_bound() -> None:
    values = np.concatenate([DRAWN[:30_000]] * 3)
    table = open_table({"a": values})
    layout = learned(table)
    without, found = (profile(table, layout, distinct=each).features["a"] for each in (False, True))
    assert distinct(layout.features[0], without)[1] == 90_000
    low, high = distinct(layout.features[0], found)
    assert low <= 30_000 <= high
    assert high - low <= 30_000 * 4.2 * STANDARD_ERROR


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.0, -0.0, 0.1]),
        np.array([0.1, math.nan, 0.2]),
        np.array([0.1, math.inf, -math.inf, 0.2]),
        np.array([math.pi] * 5 + [math.e]),
        np.array([1e-300, 1e300]),
    ],
)
def test_zeros_are_one_number_and_what_is_none_is_not_counted(values: Any) -> None:
    table = open_table({"a": np.concatenate([values] * 50)})
    layout = learned(table)
    low, high = distinct(layout.features[0], profile(table, layout, distinct=True).features["a"])
    assert low <= 2 <= high <= 3


def test_bytes_with_and_without_registers_are_read() -> None:
    table = open_table({"a": DRAWN[:1_000]})
    layout = learned(table)
    for asked in (False, True):
        found = profile(table, layout, distinct=asked)
        again = Profile.from_bytes(found.to_bytes())
        numbers = again.features["a"].numbers
        assert numbers is not None
        assert (numbers.registers is not None) is asked
        assert again.to_bytes() == found.to_bytes()
    both = profile(table, layout, distinct=True) + profile(table, layout)
    assert both.features["a"].numbers is not None
    assert both.features["a"].numbers.registers is None


@pytest.mark.parametrize("registers", [b"", b"\0" * (REGISTERS - 1), b"\xff" * REGISTERS])
def test_registers_that_are_damaged_are_refused(registers: bytes) -> None:
    from msgspec import msgpack

    table = open_table({"a": DRAWN[:1_000]})
    told = msgpack.decode(profile(table, learned(table), distinct=True).to_bytes())
    told[-1][0][5][-1] = registers
    with pytest.raises(InvalidInput):
        Profile.from_bytes(msgpack.encode(told))


def test_a_summary_says_how_many_numbers_differ() -> None:
    table = open_table({"x": np.concatenate([DRAWN[:2_000]] * 2), "y": np.repeat(["a", "b"], 2_000).astype(object)})
    numbers, levels = summaries(learned_reference(table, distinct=True))
    assert numbers.distinct is not None
    assert abs(numbers.distinct - 2_000) <= 3 * STANDARD_ERROR * 2_000
    assert levels.distinct == 2
    assert summaries(learned_reference(table))[0].distinct is None
