"""SQL of assessments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.traces.assessment_model import Assessment, AssessmentKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

_COLUMNS = """a.assessment_id, t.trace_id, a.span_id, a.name, a.kind, a.source_type, a.source_id, a.created_ms,
    a.updated_ms, a.value, a.error, a.rationale, a.metadata, a.overrides, a.valid"""
_SAVE = """INSERT INTO assessment
    (assessment_id, trace, span_id, name, kind, source_type, source_id, created_ms, updated_ms, value, text, number,
     error, rationale, metadata, overrides, valid)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (assessment_id) DO UPDATE SET name = excluded.name, updated_ms = excluded.updated_ms,
    value = excluded.value, text = excluded.text, number = excluded.number, error = excluded.error,
    rationale = excluded.rationale, metadata = excluded.metadata, valid = excluded.valid
    WHERE assessment.trace = excluded.trace"""


def save(tx: Transaction, trace: int, given: Assessment) -> bool:
    """Add an assessment, or change the one of its id; `False` when that id is another trace's."""
    value = given.value
    row = (
        given.assessment_id,
        trace,
        given.span_id,
        given.name,
        given.kind.value,
        given.source_type,
        given.source_id,
        given.created_ms,
        given.updated_ms,
        json.dumps(value, ensure_ascii=False),
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        _number(value),
        None if given.error is None else json.dumps(given.error, ensure_ascii=False),
        given.rationale,
        json.dumps(dict(given.metadata), ensure_ascii=False),
        given.overrides,
        given.valid,
    )
    return tx.execute(_SAVE, row).rowcount > 0


def _number(value: object) -> float | None:
    """The number that comparisons ask for; Python counts booleans as numbers, filters do not."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def find(view: Snapshot, trace: int, assessment_id: str) -> Assessment | None:
    """One assessment of a trace."""
    sql = f"""SELECT {_COLUMNS} FROM assessment a JOIN trace t ON t.id = a.trace
        WHERE a.trace = ? AND a.assessment_id = ?"""
    row = view.execute(sql, (trace, assessment_id)).fetchone()
    return None if row is None else _assessment(*row)


def of_traces(view: Snapshot, traces: Sequence[int]) -> dict[int, list[Assessment]]:
    """The assessments of traces by integer key, oldest first."""
    found: dict[int, list[Assessment]] = {trace: [] for trace in traces}
    sql = f"""SELECT a.trace, {_COLUMNS} FROM assessment a JOIN trace t ON t.id = a.trace
        WHERE a.trace IN (SELECT value FROM json_each(?)) ORDER BY a.id"""
    for trace, *row in view.execute(sql, (json.dumps(traces),)):
        found[trace].append(_assessment(*row))
    return found


def set_valid(tx: Transaction, trace: int, assessment_id: str, *, valid: bool) -> bool:
    """Say whether an assessment still holds; whether there is one."""
    sql = "UPDATE assessment SET valid = ? WHERE trace = ? AND assessment_id = ?"
    return tx.execute(sql, (valid, trace, assessment_id)).rowcount > 0


def delete(tx: Transaction, trace: int, assessment_id: str) -> None:
    """Take an assessment away."""
    tx.execute("DELETE FROM assessment WHERE trace = ? AND assessment_id = ?", (trace, assessment_id))


def _assessment(  # noqa: PLR0913, PLR0917 one argument a column, taken apart at once
    assessment_id: str,
    trace_id: str,
    span_id: str | None,
    name: str,
    kind: str,
    source_type: str,
    source_id: str,
    created_ms: int,
    updated_ms: int,
    value: str,
    error: str | None,
    rationale: str | None,
    metadata: str,
    overrides: str | None,
    valid: int,
) -> Assessment:
    return Assessment(
        name=name,
        kind=AssessmentKind(kind),
        value=json.loads(value),
        source_type=source_type,
        source_id=source_id,
        assessment_id=assessment_id,
        trace_id=trace_id,
        span_id=span_id,
        created_ms=created_ms,
        updated_ms=updated_ms,
        error=None if error is None else json.loads(error),
        rationale=rationale,
        metadata=json.loads(metadata),
        overrides=overrides,
        valid=bool(valid),
    )
