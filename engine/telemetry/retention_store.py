"""SQL of forgetting: what is older, or more, than the policy keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction


def endpoints(view: Snapshot) -> tuple[int, ...]:
    """Row ids of all endpoints that have traffic or predictions."""
    rows = view.execute(
        """WITH RECURSIVE seen (endpoint) AS (
               SELECT min(endpoint) FROM traffic
               UNION ALL SELECT (SELECT min(endpoint) FROM traffic WHERE endpoint > seen.endpoint)
               FROM seen WHERE seen.endpoint IS NOT NULL)
           SELECT endpoint FROM seen WHERE endpoint IS NOT NULL UNION SELECT endpoint FROM origin"""
    )
    return tuple(row[0] for row in rows)


def forget_windows(tx: Transaction, endpoint: int, step_s: int, before_s: int) -> int:
    """Delete windows of one length that began before a time; returns how many."""
    sql = "DELETE FROM traffic WHERE endpoint = ? AND step_s = ? AND start_s < ?"
    return tx.execute(sql, (endpoint, step_s, before_s)).rowcount


def forget_predictions(tx: Transaction, endpoint: int, before_ms: int, limit: int) -> int:
    """Delete some of an endpoint's predictions that arrived before a time; returns how many."""
    return tx.execute(
        """DELETE FROM prediction WHERE id IN
           (SELECT id FROM prediction WHERE endpoint = ? AND time_ms < ? ORDER BY time_ms, id LIMIT ?)""",
        (endpoint, before_ms, limit),
    ).rowcount


def forget_first_predictions(tx: Transaction, limit: int) -> int:
    """Delete some of the predictions that were stored first; returns how many."""
    sql = "DELETE FROM prediction WHERE id IN (SELECT id FROM prediction ORDER BY id LIMIT ?)"
    return tx.execute(sql, (limit,)).rowcount


def forget_labels(tx: Transaction, before_ms: int, limit: int) -> int:
    """Delete some of the labels that came before a time; returns how many."""
    return tx.execute(
        """DELETE FROM label WHERE id IN
           (SELECT id FROM label WHERE received_ms < ? ORDER BY received_ms LIMIT ?)""",
        (before_ms, limit),
    ).rowcount


def used_bytes(view: Snapshot) -> int:
    """Bytes of the database that hold something."""
    pages = int(view.execute("PRAGMA page_count").fetchone()[0])
    free = int(view.execute("PRAGMA freelist_count").fetchone()[0])
    return (pages - free) * int(view.execute("PRAGMA page_size").fetchone()[0])
