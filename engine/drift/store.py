"""SQL of baselines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.drift.baseline_model import Baseline, BaselineKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

_COLUMNS = """m.name, v.number, b.number, b.digest, b.size_bytes, b.kind, b.source, b.rows, b.features, b.predictions,
    b.labels, b.start_ms, b.end_ms, b.reason, b.created_ms, b.actor"""
_FROM = "baseline b JOIN model_version v ON v.id = b.version JOIN model m ON m.id = v.model"


def add(tx: Transaction, version: int, baseline: Baseline) -> None:
    """Write a baseline down.

    Args:
        tx: The transaction.
        version: The version's row.
        baseline: What to write; its number is free.
    """
    row = (
        version,
        baseline.number,
        baseline.digest,
        baseline.size_bytes,
        baseline.kind.value,
        baseline.source,
        baseline.rows,
        baseline.features,
        json.dumps(baseline.predictions),
        json.dumps(baseline.labels),
        baseline.start_ms,
        baseline.end_ms,
        baseline.reason,
        tx.now_ms,
        tx.actor.name,
        tx.actor.on_behalf_of,
    )
    sql = """INSERT INTO baseline (version, number, digest, size_bytes, kind, source, rows, features, predictions,
             labels, start_ms, end_ms, reason, created_ms, actor, on_behalf_of)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    tx.execute(sql, row)


def next_number(tx: Transaction, version: int) -> int:
    """The number of a version's next baseline."""
    return int(
        tx.execute("SELECT coalesce(max(number), 0) + 1 FROM baseline WHERE version = ?", (version,)).fetchone()[0]
    )


def of_version(view: Snapshot, version: int) -> tuple[Baseline, ...]:
    """A version's baselines, the newest first; version: its row."""
    sql = f"SELECT {_COLUMNS} FROM {_FROM} WHERE b.version = ? ORDER BY b.number DESC"
    return tuple(_baseline(row) for row in view.execute(sql, (version,)))


def get(view: Snapshot, version: int, number: int | None = None) -> Baseline | None:
    """One of a version's baselines.

    Args:
        view: The caller's view.
        version: The version's row.
        number: Its number; `None` for the one in force.

    Returns:
        The baseline, or `None`.
    """
    sql = f"SELECT {_COLUMNS} FROM {_FROM} WHERE b.version = ? AND (? IS NULL OR b.number = ?) ORDER BY b.number DESC"
    row = view.execute(f"{sql} LIMIT 1", (version, number, number)).fetchone()
    return None if row is None else _baseline(row)


def without(view: Snapshot, after: int, limit: int) -> tuple[tuple[int, str, int], ...]:
    """Versions that have no baseline, in the order they were registered: their rows, models and numbers.

    Args:
        view: The caller's view.
        after: Only those with greater rows.
        limit: At most so many.
    """
    sql = """SELECT v.id, m.name, v.number FROM model_version v JOIN model m ON m.id = v.model
             WHERE v.id > ? AND NOT EXISTS (SELECT 1 FROM baseline b WHERE b.version = v.id) ORDER BY v.id LIMIT ?"""
    return tuple(view.execute(sql, (after, limit)).fetchall())


def _baseline(row: Sequence[Any]) -> Baseline:
    model, version, number, digest, size_bytes, kind, source, rows, features, predictions, labels, *rest = row
    start_ms, end_ms, reason, created_ms, actor = rest
    return Baseline(
        model,
        version,
        number,
        digest,
        size_bytes,
        BaselineKind(kind),
        source,
        rows,
        features,
        tuple(json.loads(predictions)),
        tuple(json.loads(labels)),
        start_ms,
        end_ms,
        reason,
        created_ms,
        actor,
    )
