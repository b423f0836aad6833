from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.runtimes.model import Field, Interface
from engine.runtimes.row_check import RowCheck

NUMBERS = Interface((Field("age", "float64"), Field("visits", "int32"), Field("member", "bool")), ())
PLAIN = RowCheck(Interface((Field("a", "float64"), Field("b", "float64")), ()))
MIXED = RowCheck(Interface((Field("age", "float64", low=0, high=150), Field("city", "str"), Field("n", "int8")), ()))
IMAGES = RowCheck(Interface((Field("pixels", "float32", (2, 2)),), ()))
GAPS = RowCheck(Interface((Field("a", "float64"), Field("b", "float64")), (), missing=True))

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)  # a busy machine may stop for longer than any example takes
@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
def test_all_ways_to_say_a_row_come_to_the_same(rows: list[tuple[float, float]]) -> None:
    expected = np.array(rows)
    named = [{"b": b, "a": a} for a, b in rows]
    for found in (
        PLAIN.lists([list(row) for row in rows]),
        PLAIN.records(named),
        PLAIN.columns({"b": [b for _, b in rows], "a": [a for a, _ in rows]}),
        PLAIN.array(expected.copy()),
        PLAIN.texts({"a": [repr(a) for a, _ in rows], "b": [repr(b) for _, b in rows]}, len(rows)),
    ):
        assert found.size == len(rows)
        np.testing.assert_array_equal(found.matrix, expected)
    np.testing.assert_array_equal(PLAIN.flat(list(rows[0])).matrix, expected[:1])


def test_whole_numbers_may_be_written_as_floats_and_truth_as_itself() -> None:
    rows = RowCheck(NUMBERS).lists([[41.5, 3.0, True], [1, 2, 0]])
    np.testing.assert_array_equal(rows.matrix, [[41.5, 3, 1], [1, 2, 0]])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1, 2.5, True], "Row 0 of input 'visits' must be a whole number"),
        ([1, 2**31, True], "Row 0 of input 'visits' is above"),
        ([1, 2, 2], "Row 0 of input 'member' is above"),
        ([True, 2, True], "Row 0 of input 'age' must be a number, not true or false"),
        (["41", 2, True], "Row 0 of input 'age' must be a number, not text"),
        ([None, 2, True], "Row 0 of input 'age' is missing"),
        ([math.nan, 2, True], "Row 0 of input 'age' is missing"),
        ([math.inf, 2, True], "Row 0 of input 'age' is infinite"),
        ([[1], 2, True], "Row 0 of input 'age' must be a number"),
        ([10**400, 2, True], "Row 0 of input 'age' is out of range"),
        ([1, 2], "Row 0 has 2 values; the model takes 3"),
    ],
)
def test_what_cannot_be_is_named_by_row_and_input(row: list[Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        RowCheck(NUMBERS).lists([row])
    assert words in str(refused.value)


def test_missing_numbers_are_taken_where_the_model_takes_them() -> None:
    found = GAPS.lists([[None, 1.0]]).matrix
    assert found is not None
    assert math.isnan(found[0, 0])
    with pytest.raises(InvalidInput, match="infinite"):
        GAPS.flat([math.inf, 1.0])


def test_numbers_that_cancel_out_are_looked_at_one_by_one() -> None:
    found = PLAIN.flat([1e308, 1e308]).matrix
    assert found is not None
    assert found.tolist() == [[1e308, 1e308]]
    with pytest.raises(InvalidInput):
        PLAIN.flat([math.inf, -math.inf])


def test_text_and_numbers_stay_apart() -> None:
    rows = MIXED.records([{"age": 41, "city": "Bern", "n": 3.0}])
    assert rows.matrix is None
    assert (rows.columns["age"].dtype.name, rows.columns["n"].dtype.name) == ("float64", "int8")
    assert rows.columns["city"].tolist() == ["Bern"]


@pytest.mark.parametrize(
    "record",
    [
        {"age": 41, "city": 3, "n": 3},
        {"age": 41, "city": None, "n": 3},
        {"age": 151, "city": "x", "n": 3},
        {"age": -1, "city": "x", "n": 3},
        {"age": 1, "city": "x", "n": 1.5},
        {"age": 1, "city": "x", "n": 128},
        {"age": 1, "city": "x"},
        {"age": 1, "city": "x", "n": 1, "more": 2},
        [],
    ],
)
def test_a_mixed_row_is_checked_value_by_value(record: Any) -> None:
    with pytest.raises(InvalidInput):
        MIXED.records([record])


def test_inputs_with_a_shape_may_be_nested_or_flat() -> None:
    nested = IMAGES.columns({"pixels": [[[1, 2], [3, 4]]]}).columns["pixels"]
    assert (nested.shape, nested.dtype.name) == ((1, 2, 2), "float32")
    with pytest.raises(InvalidInput, match="4 values"):
        IMAGES.columns({"pixels": [[[1, 2], [3]]]})


def test_the_value_of_a_key_is_found_in_rows_of_either_kind() -> None:
    assert PLAIN.value(PLAIN.flat([1.0, 2.0]), "b") == 2.0
    assert MIXED.value(MIXED.records([{"age": 1, "city": "Bern", "n": 1}]), "city") == "Bern"
    assert PLAIN.value(PLAIN.flat([1.0, 2.0]), "c") is None


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="has 1 rows; the others have 2"):
        PLAIN.columns({"a": [1, 2], "b": [1]})


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, float(2**60)])
def test_a_whole_number_that_would_be_rounded_is_refused(number: float) -> None:
    whole = RowCheck(Interface((Field("n", "int64"),), ()))
    assert whole.flat([float(2**53 - 1)]).matrix is not None
    with pytest.raises(InvalidInput, match="the model takes"):
        whole.flat([float(number)])
