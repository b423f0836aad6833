from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.serving.tensors import Tensor, array_of

WHOLE = [f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)]


def tensor(datatype: str, *values: Any) -> Tensor:
    return Tensor("x", [len(values)], datatype, msgspec.Raw(json.dumps(values).encode()))


@pytest.mark.parametrize("datatype", WHOLE)
def test_the_bounds_of_whole_numbers_are_taken_and_the_next_ones_refused(datatype: str) -> None:
    known = np.iinfo(datatype.lower())
    assert array_of(tensor(datatype, int(known.min), int(known.max))).tolist() == [float(known.min), float(known.max)]
    for beyond in (int(known.max) + 1, int(known.min) - 1, float(known.max) + 1.0, 10**400, 1e300):
        with pytest.raises(InvalidInput, match="Value 1 of the input 'x' is not of its datatype"):
            array_of(tensor(datatype, 0, beyond))


@pytest.mark.parametrize("value", [True, None, "1", [1], {}])
def test_what_is_no_number_is_no_whole_number(value: object) -> None:
    with pytest.raises(InvalidInput, match="Value 0 of the input 'x' must be a number"):
        array_of(tensor("INT32", value))


@given(st.sampled_from(WHOLE), st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_whole_number_is_taken_exactly_when_its_datatype_has_it(datatype: str, value: float) -> None:
    known = np.iinfo(datatype.lower())
    fits = value == int(value) and int(known.min) <= int(value) <= int(known.max)
    try:
        assert array_of(tensor(datatype, value)).tolist() == [float(value)]
    except InvalidInput:
        assert not fits
    else:
        assert fits
