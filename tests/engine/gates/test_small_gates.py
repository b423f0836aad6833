from __future__ import annotations

from typing import Any

import pytest

from engine.gates import evidence_age, fields, integrity, size
from engine.gates.model import Status, Unit
from engine.policy.model import EvidenceAgeGate, FieldsGate, IntegrityGate, SizeGate
from tests.engine.gates.builders import NOW_MS, make_facts, make_version

HOUR_MS = 3_600_000


def test_integrity_passes_for_sound_files_and_names_the_digest() -> None:
    result = integrity.run(IntegrityGate(), make_facts())
    assert (result.status, result.evidence) == (Status.PASS, {"digest": "ab" * 32})


def test_integrity_fails_with_what_is_damaged() -> None:
    result = integrity.run(IntegrityGate(), make_facts(damage="weights.bin: its bytes have changed"))
    assert (result.status, result.message) == (Status.FAIL, "weights.bin: its bytes have changed")


@pytest.mark.parametrize(("size_bytes", "status"), [(999, Status.PASS), (1000, Status.PASS), (1001, Status.FAIL)])
def test_size_is_held_against_the_limit(size_bytes: int, status: Status) -> None:
    result = size.run(SizeGate(max_bytes=1000), make_facts(make_version(size_bytes=size_bytes)))
    assert (result.status, result.margin, result.unit) == (status, 1000 - size_bytes, Unit.BYTES)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, []),
        ({"owner": "", "description": " \n"}, ["owner", "description"]),
        ({"signature": None}, ["signature"]),
        ({"run_id": None}, ["run_id"]),
    ],
)
def test_empty_and_blank_fields_are_named(changes: dict[str, Any], missing: list[str]) -> None:
    wanted = ("owner", "description", "data_digest", "signature", "run_id")
    result = fields.run(FieldsGate(wanted), make_facts(make_version(**changes)))
    assert result.evidence["missing"] == missing
    assert result.passed is not bool(missing)
    assert (result.value, result.threshold) == (5 - len(missing), 5)


@pytest.mark.parametrize(
    ("age_ms", "status"),
    [
        (0, Status.PASS),
        (HOUR_MS, Status.PASS),
        (HOUR_MS + 1, Status.FAIL),
        (-60_000, Status.PASS),
        (-60_001, Status.FAIL),
    ],
)
def test_old_measurements_and_those_from_the_future_fail(age_ms: int, status: Status) -> None:
    result = evidence_age.run(EvidenceAgeGate(HOUR_MS), make_facts(evidence_ms=NOW_MS - age_ms))
    assert (result.status, result.value, result.unit) == (status, age_ms, Unit.MILLISECONDS)
