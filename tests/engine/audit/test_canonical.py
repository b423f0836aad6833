from __future__ import annotations

import enum
import json
import math
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from engine.audit.canonical import canonical_bytes, canonical_text, plain
from engine.core.errors import InvalidInput


class Stage(enum.StrEnum):
    STAGING = "Staging"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (1e21, "1000000000000000000000"),
        (2**53 + 1, "9007199254740993"),
        (0.1, "0.1"),
        (1e-7, "1e-07"),
        (math.nan, '"NaN"'),
        (math.inf, '"Infinity"'),
        (-math.inf, '"-Infinity"'),
        ("", '""'),
        ('a"\\/\b\n\x1b\x7f', '"a\\"\\\\/\\b\\n\\u001b\x7f"'),
        ("é\u2028😀", '"é\u2028😀"'),
        ([], "[]"),
        ((1, [2, ()]), "[1,[2,[]]]"),
        ({"b": 1, "a": {"d": None, "c": [True]}}, '{"a":{"c":[true],"d":null},"b":1}'),
        ({"\ue000": 1, "😀": 2, "a": 3}, '{"a":3,"\ue000":1,"😀":2}'),
        (MappingProxyType({"x": Stage.STAGING}), '{"x":"Staging"}'),
    ],
)
def test_canonical_form(value: object, text: str) -> None:
    assert canonical_text(value) == text
    assert canonical_bytes(value) == text.encode()


def test_order_of_keys_does_not_matter() -> None:
    assert canonical_bytes({"a": 1, "b": 2}) == canonical_bytes({"b": 2, "a": 1})


def test_lone_surrogates_are_escaped_and_differ_from_their_own_escape() -> None:
    text = canonical_text({"name": "\udcff"})
    assert text == '{"name":"\\udcff"}'
    assert json.loads(text) == {"name": "\udcff"}
    assert canonical_text({"name": "\\udcff"}) != text


@pytest.mark.parametrize(
    "value",
    [
        {1: "a"},
        {"a": {None: 1}},
        b"bytes",
        {"when": datetime(2026, 1, 1, tzinfo=UTC)},
        [{1, 2}],
        1j,
        pytest.param(10**5000, id="5001 digits"),
    ],
)
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical_text(value)


def test_endless_nesting_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(InvalidInput, match="nested too deeply"):
        canonical_text(value)


def test_plain_value_is_what_reading_the_text_gives() -> None:
    value = {"b": (1, 2.0, 0.5), "a": MappingProxyType({"n": math.nan})}
    assert plain(value) == json.loads(canonical_text(value)) == {"a": {"n": "NaN"}, "b": [1, 2, 0.5]}
