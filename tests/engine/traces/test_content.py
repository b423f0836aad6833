"""What is logged with a span comes back as it was, or cut with a mark."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.traces.content import MAX_CONTENT, MAX_TEXT, bytes_value, cut, decode, encode, number_value
from engine.traces.model import SpanEvent, SpanLink

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


def _written(value: object) -> object:
    """A value as the wire hands it to `encode`."""
    if isinstance(value, float):
        return number_value(value)
    if isinstance(value, list):
        return [_written(each) for each in value]
    return {key: _written(each) for key, each in value.items()} if isinstance(value, dict) else value


@given(st.dictionaries(st.text(alphabet=st.characters(exclude_categories=["Cs"])), _VALUES, max_size=4))
def test_attributes_come_back_as_they_were(attributes: dict[str, object]) -> None:
    try:
        text = encode({"attributes": _written(attributes)})
    except UnicodeEncodeError:  # lone surrogates never leave the wire's decoders
        return
    if not any(mark in text for mark in ("$bytes", "$double")):
        assert decode(text).attributes == attributes


@pytest.mark.parametrize("value", [math.inf, -math.inf, 0.1, -0.0, 1e308])
def test_numbers_that_json_does_not_know_come_back(value: float) -> None:
    assert decode(encode({"attributes": {"x": number_value(value)}})).attributes == {"x": value}


def test_nan_and_bytes_come_back() -> None:
    found = decode(encode({"attributes": {"x": number_value(math.nan), "b": [bytes_value(b"\x00\xff")]}})).attributes
    assert math.isnan(found["x"])
    assert found["b"] == [b"\x00\xff"]


def test_a_mapping_that_only_looks_like_bytes_stays_a_mapping() -> None:
    assert decode(encode({"attributes": {"x": {"$bytes": "not base64!"}}})).attributes == {
        "x": {"$bytes": "not base64!"}
    }


def test_events_and_links_come_back() -> None:
    content = {"attributes": {}, "events": [("boom", 5, {"a": 1})], "links": [("ab" * 16, "cd" * 8, {})]}
    found = decode(encode(content))
    assert found.events == (SpanEvent("boom", 5, {"a": 1}),)
    assert found.links == (SpanLink("ab" * 16, "cd" * 8, {}),)


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert cut("x" * (MAX_TEXT + 5)).endswith(f"… [{MAX_TEXT + 5} characters]")


@pytest.mark.parametrize(
    "attributes",
    [
        {f"key {number}": "x" * 200_000 for number in range(40)},
        {f"key {number}": number for number in range(200_000)},
        {"deep": [["x" * 900] * 100] * 100},
        {str(number): [["y" * 1000] * 100] * 100 for number in range(100)},
    ],
    ids=["long texts", "many keys", "nested", "many nested"],
)
def test_content_has_a_largest_size_whatever_it_holds(attributes: dict[str, object]) -> None:
    text = encode({"attributes": attributes})
    assert len(text.encode()) <= MAX_CONTENT
    assert decode(text).cut > 0
