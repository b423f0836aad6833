"""SQL of labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.telemetry.model import StoredLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

LabelRow = tuple[str, str, int]
"""Request id, value as JSON text, and when it became known in milliseconds since the epoch, or 0."""


def insert_labels(tx: Transaction, rows: Sequence[LabelRow], source: str) -> int:
    """Insert labels that are not known yet.

    Args:
        tx: The transaction.
        rows: The labels.
        source: Who or what brought them.

    Returns:
        How many were new.
    """
    return tx.executemany(
        "INSERT OR IGNORE INTO label (request_id, value, stated_ms, received_ms, source) VALUES (?, ?, ?, ?, ?)",
        [(*row, tx.now_ms, source) for row in rows],
    ).rowcount


def last_label(view: Snapshot) -> int:
    """The greatest number of a label; 0 when there is none."""
    return int(view.execute("SELECT ifnull(max(id), 0) FROM label").fetchone()[0])


def waiting(view: Snapshot, after: int = 0) -> int:
    """How many labels beyond a number name a request that was not captured, or not yet."""
    return int(
        view.execute(
            """SELECT count(*) FROM label l WHERE l.id > ?
               AND NOT EXISTS (SELECT 1 FROM prediction p WHERE p.request_id = l.request_id)""",
            (after,),
        ).fetchone()[0]
    )


def labels_of(view: Snapshot, request_id: str) -> tuple[StoredLabel, ...]:
    """The labels of a request; the last one holds."""
    rows = view.execute(
        """SELECT value, CASE WHEN stated_ms > 0 THEN stated_ms ELSE received_ms END AS known_ms, received_ms, source
           FROM label WHERE request_id = ? ORDER BY known_ms, id""",
        (request_id,),
    )
    return tuple(StoredLabel(json.loads(value), *rest) for value, *rest in rows)


def how_many(view: Snapshot) -> tuple[int, int | None, int]:
    """How many predictions there are, when the oldest arrived, and how many labels there are."""
    return (  # type: ignore[no-any-return] # three numbers
        view.execute(
            """SELECT (SELECT count(*) FROM prediction),
               (SELECT time_ms FROM prediction ORDER BY id LIMIT 1), (SELECT count(*) FROM label)"""
        ).fetchone()
    )
