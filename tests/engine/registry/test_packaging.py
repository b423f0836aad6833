"""What a packaged model says of itself is read as far as it can be, and nothing in it is obeyed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.registry.model import Column, Signature
from engine.registry.packaging import MAX_BYTES, NOTHING_SAID, Package, read_package

# As a client writes it: long quoted scalars run over several lines.
SKLEARN = rb"""
artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: some.module
    model_path: model.skops
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
model_size_bytes: 5535
signature:
  inputs: '[{"type": "long", "name": "age", "required": true}, {"type": "double", "name":
    "income", "required": true}, {"type": "string", "name": "it''s", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-11-21 11:43:15.353031'
"""


def test_framework_format_and_signature_are_read() -> None:
    inputs = (Column("age", "int64"), Column("income", "float64"), Column("it's", "str"))
    signature = Signature(inputs, (Column("", "int64", (-1,)),))
    assert read_package(SKLEARN) == Package("sklearn", "skops", signature)


@pytest.mark.parametrize(
    ("written", "flavor", "kind"),
    [
        (b"flavors: {python_function: {loader_module: x}}", "python_function", ""),
        (b"flavors: {xgboost: {model_format: xgb}}", "xgboost", "xgb"),
        (b"flavors: {python_function: {}, onnx: {format: null}}", "onnx", ""),
        (b"flavors: {b: {}, a: {}}", "b", ""),
    ],
)
def test_the_wrapper_names_no_framework_unless_it_is_alone(written: bytes, flavor: str, kind: str) -> None:
    assert read_package(written) == Package(flavor, kind)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"\xff\xfe\x00",
        b"just words",
        b"- a\n- list",
        b"flavors: nothing",
        b"flavors: {sklearn: }\nflavors: [",
        b"a: &a [*a]",
        b"!!python/object/apply:os.system ['true']",
        b"when: 2026-99-99",
        b"[" * 5_000,
        b"x: " + b"y" * MAX_BYTES,
        b"flavors: {'" + b"f" * 501 + b"': {}}",
        b'flavors: {"a\\0b": {}}',
    ],
    ids=lambda written: repr(written[:20]),
)
def test_what_cannot_be_read_says_nothing(written: bytes) -> None:
    assert read_package(written) == NOTHING_SAID


def test_a_bomb_of_references_stays_small() -> None:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 10)) for level in range(1, 30)]
    assert read_package(b"\n".join(lines)) == NOTHING_SAID


@pytest.mark.parametrize(
    "side",
    [
        "not json",
        "{}",
        '"text"',
        "[1]",
        '[{"name": "a"}]',
        '[{"type": "double", "name": 5}]',
        '[{"type": "double", "name": "a"}, {"type": "double", "name": "a"}]',
        '[{"type": "tensor", "tensor-spec": {"dtype": "f", "shape": ["x"]}}]',
        "[" * 50_000,
        json.dumps([{"type": "double", "name": f"c{number}"} for number in range(10_001)]),
    ],
    ids=lambda side: side[:30],
)
def test_a_signature_that_cannot_be_one_is_left_out(side: str) -> None:
    written = json.dumps({"flavors": {"sklearn": {}}, "signature": {"inputs": side}}).encode()
    assert read_package(written) == Package("sklearn")


def test_columns_without_names_get_one_where_there_are_several() -> None:
    sides = {"inputs": '[{"type": "double"}]', "outputs": '[{"type": "double"}, {"type": "long"}]'}
    found = read_package(json.dumps({"signature": sides}).encode()).signature
    assert found is not None
    assert [column.name for column in found.inputs] == [""]
    assert [column.name for column in found.outputs] == ["outputs0", "outputs1"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"flavors": _VALUES, "signature": _VALUES}))
def test_nothing_written_there_breaks_reading(document: object) -> None:
    assert isinstance(read_package(json.dumps(document).encode()), Package)


@given(st.binary(max_size=200))
def test_no_bytes_break_reading(data: bytes) -> None:
    assert isinstance(read_package(data), Package)
