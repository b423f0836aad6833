"""SQL of importing models and versions: rows with the times, numbers and stages that another registry gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.artifacts.model import Manifest, ManifestEntry
    from engine.db.transaction import Transaction
    from engine.registry.model import Stage


def set_model_times(tx: Transaction, model_id: int, created_ms: int, updated_ms: int) -> None:
    """Give a model the times it had elsewhere."""
    tx.execute("UPDATE model SET created_ms = ?, updated_ms = ? WHERE id = ?", (created_ms, updated_ms, model_id))


def set_stage(tx: Transaction, version_id: int, stage: Stage, since_ms: int) -> None:
    """Put a version into a stage, from a time on."""
    sql = "UPDATE model_version SET stage = ?, stage_ms = ?, updated_ms = max(updated_ms, ?) WHERE id = ?"
    tx.execute(sql, (stage.value, since_ms, since_ms, version_id))


def set_description(tx: Transaction, version_id: int, description: str) -> None:
    """Replace a version's description."""
    tx.execute("UPDATE model_version SET description = ? WHERE id = ?", (description, version_id))


def set_files(tx: Transaction, version_id: int, found: Manifest, files: Iterable[ManifestEntry]) -> None:
    """Give a version that has no files those it was registered with."""
    sql = "UPDATE model_version SET digest = ?, size_bytes = ? WHERE id = ?"
    tx.execute(sql, (found.digest, found.size_bytes, version_id))
    rows = [(version_id, each.path, each.digest, each.size_bytes) for each in files]
    tx.executemany("INSERT INTO version_file VALUES (?, ?, ?, ?)", rows)


def count_up_to(tx: Transaction, name: str, number: int) -> None:
    """Let the next version of a name come after a number."""
    sql = """INSERT INTO version_counter (name, last) VALUES (?, ?)
             ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last)"""
    tx.execute(sql, (name, number))
