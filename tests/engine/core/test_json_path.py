from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.json_path import JsonPath, json_path

CONFIG = json.dumps({"optimizer": {"lr": 0.01, "name": "adam", "on": True, "none": None}, "layers": [{"size": 8}, 4]})


@pytest.mark.parametrize(
    ("key", "path", "title", "value"),
    [
        ("config$.optimizer.lr", JsonPath("config", ("optimizer", "lr")), "optimizer.lr", 0.01),
        ("config$.optimizer.name", JsonPath("config", ("optimizer", "name")), "optimizer.name", "adam"),
        ("config$.optimizer.on", JsonPath("config", ("optimizer", "on")), "optimizer.on", "true"),
        ("config$.optimizer.none", JsonPath("config", ("optimizer", "none")), "optimizer.none", None),
        ("config$.layers[0].size", JsonPath("config", ("layers", 0, "size")), "layers[0].size", 8),
        ("config$.layers", JsonPath("config", ("layers",)), "layers", '[{"size":8},4]'),
        ("config$.layers[9]", JsonPath("config", ("layers", 9)), "layers[9]", None),
        ("config$[0]", JsonPath("config", (0,)), "[0]", None),
        ("a$b$.c", JsonPath("a$b", ("c",)), "c", None),
    ],
)
def test_a_path_finds_what_stands_there(key: str, path: JsonPath, title: str, value: object) -> None:
    found = json_path(key)
    assert found == path
    assert found.title == title
    assert found.value(CONFIG) == value


@pytest.mark.parametrize("key", ["config", "cost$", "$.a", "a$b", "config$.", "config$.a b", "config$[x]"])
def test_other_keys_are_no_paths(key: str) -> None:
    assert json_path(key) is None


@given(st.text())
def test_any_text_holds_something_or_nothing(text: str) -> None:
    path = json_path("key$.a[0]")
    assert path is not None
    assert path.value(text) is None
    assert path.value("[" * 50_000) is None


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
def test_values_come_as_they_are(value: object) -> None:
    path = json_path("key$.a")
    assert path is not None
    assert path.value(json.dumps({"a": value})) == value
