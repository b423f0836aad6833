from __future__ import annotations

import pytest

from engine.gates import signature
from engine.gates.model import Status
from engine.policy.model import SignatureGate
from engine.registry.model import Column, Signature
from tests.engine.gates.builders import make_facts, make_signature, make_version

SPEC = SignatureGate()


def verdict(new: Signature | None, *old: Signature | None) -> tuple[Status, str]:
    serving = [make_version(number, signature=each) for number, each in enumerate(old, start=1)]
    result = signature.run(SPEC, make_facts(make_version(signature=new), *serving))
    return result.status, result.message


def test_same_signature_passes() -> None:
    assert verdict(make_signature(), make_signature())[0] is Status.PASS


def test_order_of_inputs_does_not_matter() -> None:
    new, old = make_signature(("b", "int64"), ("a", "int64")), make_signature(("a", "int64"), ("b", "int64"))
    assert verdict(new, old)[0] is Status.PASS


def test_a_missing_input_fails() -> None:
    status, message = verdict(make_signature(("age", "int64")), make_signature(("age", "int64"), ("tenure", "int64")))
    assert status is Status.FAIL
    assert "input tenure of version 1 is gone" in message


def test_an_extra_input_fails_because_callers_do_not_send_it() -> None:
    status, message = verdict(make_signature(("age", "int64"), ("tenure", "int64")), make_signature(("age", "int64")))
    assert status is Status.FAIL
    assert "input tenure is new" in message


@pytest.mark.parametrize(
    ("new", "old", "status"),
    [
        ("float64", "int64", Status.PASS),
        ("int64", "int32", Status.PASS),
        ("long", "int64", Status.PASS),
        ("Double", "float64", Status.PASS),
        ("int32", "int64", Status.FAIL),
        ("int64", "float64", Status.FAIL),
        ("string", "int64", Status.FAIL),
        ("int64", "string", Status.FAIL),
        ("boolean", "int64", Status.FAIL),
        ("made-up", "made-up", Status.PASS),
        ("made-up", "int64", Status.FAIL),
    ],
)
def test_an_input_may_only_grow_wider(new: str, old: str, status: Status) -> None:
    assert verdict(make_signature(("age", new)), make_signature(("age", old)))[0] is status


def test_another_shape_fails() -> None:
    new, old = (Signature((Column("", "float32", shape),)) for shape in ((-1, 10), (-1, 12)))
    assert verdict(new, old)[0] is Status.FAIL


def test_other_outputs_fail() -> None:
    status, message = verdict(make_signature(outputs=("label",)), make_signature(outputs=("score",)))
    assert status is Status.FAIL
    assert "outputs were score and are label" in message


@pytest.mark.parametrize(
    ("new", "old", "status"),
    [
        ("float64", "double", Status.PASS),
        ("float32", "float64", Status.PASS),
        ("float64", "float32", Status.FAIL),
        ("string", "float64", Status.FAIL),
    ],
)
def test_an_output_may_only_grow_narrower(new: str, old: str, status: Status) -> None:
    signatures = (Signature((), (Column("score", dtype),)) for dtype in (new, old))
    found, message = verdict(*signatures)
    assert found is status
    assert (f"output score was {old} and is {new}" in message) == (status is Status.FAIL)


def test_a_version_without_signature_fails() -> None:
    assert verdict(None, make_signature())[0] is Status.FAIL
    assert verdict(None)[0] is Status.FAIL


def test_production_without_signature_has_nothing_to_break() -> None:
    assert verdict(make_signature(), None)[0] is Status.PASS
    assert verdict(make_signature())[0] is Status.PASS


def test_every_production_version_counts_and_every_break_is_named() -> None:
    status, message = verdict(
        make_signature(("a", "int64")), make_signature(("a", "int64")), make_signature(("b", "int64"))
    )
    assert status is Status.FAIL
    assert "input b of version 2 is gone" in message
    assert "input a is new" in message
