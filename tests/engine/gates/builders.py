"""Versions and facts for gates, without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.gates.model import Facts
from engine.registry.model import Column, Signature, Stage, Version

NOW_MS = 1_760_000_000_000
DIGEST = "ab" * 32


def make_version(number: int = 7, **changes: Any) -> Version:
    """A version of `churn` measured on the data `d1` with an AUC of 0.9, with the named fields changed."""
    version = Version(
        row_id=number,
        model="churn",
        version=number,
        stage=Stage.REGISTERED,
        stage_ms=NOW_MS,
        run_id="0" * 32,
        artifact_path="model",
        digest=DIGEST,
        size_bytes=1_000,
        flavor="sklearn",
        format="skops",
        signature=make_signature(),
        data_name="car_loan",
        data_digest="d1",
        owner="ada",
        description="A tree.",
        created_ms=NOW_MS,
        updated_ms=NOW_MS,
        created_by="ada",
        metrics={"auc": 0.9},
    )
    return replace(version, **changes)


def make_signature(*inputs: tuple[str, str], outputs: tuple[str, ...] = ("score",)) -> Signature:
    """A signature with these (name, dtype) inputs; `age` as int64 when none is given."""
    columns = tuple(Column(name, dtype) for name, dtype in inputs or (("age", "int64"),))
    return Signature(columns, tuple(Column(name, "float64") for name in outputs))


def make_facts(version: Version | None = None, *production: Version, **changes: Any) -> Facts:
    """Facts about a version, with nothing wrong."""
    facts = Facts(version or make_version(), production, damage="", evidence_ms=NOW_MS, now_ms=NOW_MS)
    return replace(facts, **changes)
