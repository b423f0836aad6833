"""SQL of gate reports and their results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine.db.transaction import Snapshot, Transaction
from engine.gates.model import GateReport, GateResult, Status, Unit
from engine.registry.model import Stage

_SELECT = (
    "SELECT r.id, m.name, v.number, r.digest, r.target, r.time_ms, r.actor, r.policy_digest, r.baseline, r.passed "
    "FROM gate_report r JOIN model_version v ON v.id = r.version JOIN model m ON m.id = v.model "
)


def insert(tx: Transaction, version_row: int, report: GateReport) -> int:
    """Store a report; its `id` is not looked at.

    Args:
        tx: The caller's transaction.
        version_row: Integer key of the version it is about.
        report: The report.

    Returns:
        Its number.
    """
    cursor = tx.execute(
        "INSERT INTO gate_report (version, target, digest, policy_digest, baseline, passed, actor, time_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            version_row,
            report.target.value,
            report.digest,
            report.policy_digest,
            json.dumps(report.baseline),
            int(report.passed),
            report.actor,
            report.time_ms,
        ),
    )
    report_id = int(cursor.lastrowid or 0)
    tx.executemany(
        "INSERT INTO gate_result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(report_id, position, *_columns(result)) for position, result in enumerate(report.results)],
    )
    return report_id


def get(view: Snapshot, report_id: int) -> GateReport | None:
    """The report of that number, or `None`."""
    row = view.execute(f"{_SELECT} WHERE r.id = ?", (report_id,)).fetchone()
    return None if row is None else _report(view, row)


def latest(view: Snapshot, version_row: int, target: Stage) -> GateReport | None:
    """The newest report about a version and a target, or `None`."""
    sql = f"{_SELECT} WHERE r.version = ? AND r.target = ? ORDER BY r.id DESC LIMIT 1"
    row = view.execute(sql, (version_row, target.value)).fetchone()
    return None if row is None else _report(view, row)


def _columns(result: GateResult) -> tuple[object, ...]:
    evidence = json.dumps(dict(result.evidence), allow_nan=False)
    numbers = (result.value, result.threshold, result.margin)
    return (result.gate, result.subject, result.status.value, *numbers, result.unit.value, result.message, evidence)


def _report(view: Snapshot, row: Sequence[Any]) -> GateReport:
    report_id, model, version, digest, target, time_ms, actor, policy_digest, baseline, passed = row
    results = view.execute(
        "SELECT gate, status, message, subject, value, threshold, margin, unit, evidence FROM gate_result "
        "WHERE report = ? ORDER BY position",
        (report_id,),
    )
    return GateReport(
        id=report_id,
        model=model,
        version=version,
        digest=digest,
        target=Stage(target),
        time_ms=time_ms,
        actor=actor,
        policy_digest=policy_digest,
        baseline=tuple(json.loads(baseline)),
        passed=bool(passed),
        results=tuple(_result(each) for each in results),
    )


def _result(row: Sequence[Any]) -> GateResult:
    gate, status, message, subject, value, threshold, margin, unit, evidence = row
    return GateResult(
        gate,
        Status(status),
        message,
        subject=subject,
        value=value,
        threshold=threshold,
        margin=margin,
        unit=Unit(unit),
        evidence=json.loads(evidence),
    )
