from __future__ import annotations

import json

import pytest

from engine.core.errors import InvalidInput
from engine.serving.calls import Call
from engine.serving.labels import read_labels


def labels(*values: object) -> Call:
    call = Call("POST", "/labels", [], "")
    call.body = json.dumps([{"request_id": "a", "label": value} for value in values]).encode()
    return call


@pytest.mark.parametrize("sign", [1, -1])
def test_a_label_beyond_all_numbers_is_refused_and_named(sign: int) -> None:
    with pytest.raises(InvalidInput, match="row 1 is out of range"):
        read_labels(labels(1, sign * 10**400))


@pytest.mark.parametrize(("value", "kept"), [(7, 7.0), (10**300, 1e300), (0.5, 0.5), (True, True), ("yes", "yes")])
def test_labels_are_kept_as_they_are_and_whole_numbers_as_numbers(value: object, kept: object) -> None:
    (found,) = read_labels(labels(value))
    assert (found.value, type(found.value)) == (kept, type(kept))
