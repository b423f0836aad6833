"""SQL of webhooks and their messages. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from engine.db.transaction import Snapshot, Transaction
from engine.webhooks.model import Delivery, DeliveryState, Outcome, Parcel, Webhook

KEPT = 10_000
"""Messages kept that are delivered or given up; the oldest go first."""

_COLUMNS = "id, webhook_id, name, url, events, description, active, secret, created_ms, created_by, updated_ms"


class Row(NamedTuple):
    """A webhook with what is never shown.

    Args:
        row_id: Its integer key.
        secret: What signs its messages.
        webhook: All else.
    """

    row_id: int
    secret: str
    webhook: Webhook


class Due(NamedTuple):
    """A message that is to be sent now.

    Args:
        row_id: Its integer key.
        parcel: The message.
    """

    row_id: int
    parcel: Parcel


def insert(tx: Transaction, webhook: Webhook, secret: str) -> None:
    """Store a new webhook."""
    row = (
        webhook.id,
        webhook.name,
        webhook.url,
        json.dumps(webhook.events),
        webhook.description,
        int(webhook.active),
        secret,
        webhook.created_ms,
        webhook.created_by,
        webhook.updated_ms,
    )
    tx.execute(
        """INSERT INTO webhook (webhook_id, name, url, events, description, active, secret, created_ms, created_by,
            updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        row,
    )


def update(tx: Transaction, row_id: int, webhook: Webhook, secret: str) -> None:
    """Store what a webhook is now."""
    tx.execute(
        """UPDATE webhook SET name = ?, url = ?, events = ?, description = ?, active = ?, secret = ?, updated_ms = ?
            WHERE id = ?""",
        (
            webhook.name,
            webhook.url,
            json.dumps(webhook.events),
            webhook.description,
            int(webhook.active),
            secret,
            webhook.updated_ms,
            row_id,
        ),
    )


def delete(tx: Transaction, row_id: int) -> None:
    """Remove a webhook with its messages."""
    tx.execute("DELETE FROM webhook WHERE id = ?", (row_id,))


def webhook(view: Snapshot, webhook_id: str) -> Row | None:
    """The webhook of an id; `None` when there is none."""
    row = view.execute(f"SELECT {_COLUMNS} FROM webhook WHERE webhook_id = ?", (webhook_id,)).fetchone()
    return None if row is None else _row(row)


def newest(view: Snapshot, *, before: int | None, limit: int) -> list[Row]:
    """Webhooks, newest first; `before`: only those of a smaller integer key."""
    sql = f"SELECT {_COLUMNS} FROM webhook WHERE id < coalesce(?, 9223372036854775807) ORDER BY id DESC LIMIT ?"
    return [_row(row) for row in view.execute(sql, (before, limit))]


def active(view: Snapshot) -> list[Row]:
    """The webhooks that want to be told, oldest first."""
    return [_row(row) for row in view.execute(f"SELECT {_COLUMNS} FROM webhook WHERE active = 1 ORDER BY id")]


def progress(view: Snapshot) -> int:
    """The last audit record that messages were made of."""
    row = view.execute("SELECT seq FROM webhook_progress WHERE id = 1").fetchone()
    return int(row[0]) if row else 0


def set_progress(tx: Transaction, seq: int) -> None:
    """Write down the last audit record that messages were made of."""
    tx.execute("INSERT OR REPLACE INTO webhook_progress (id, seq) VALUES (1, ?)", (seq,))


def add_deliveries(tx: Transaction, rows: Iterable[tuple[str, int, str, str]]) -> None:
    """Store messages that are to be sent at once.

    Args:
        tx: The caller's transaction.
        rows: (delivery id, webhook's integer key, event, payload) of each.
    """
    sql = """INSERT INTO webhook_delivery
        (delivery_id, webhook, event, payload, created_ms, state, attempts, due_ms, problem)
        VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, '')"""
    tx.executemany(sql, ((*row, tx.now_ms, tx.now_ms) for row in rows))


def due(view: Snapshot, now_ms: int, limit: int) -> list[Due]:
    """The messages that are to be sent by now, those that wait longest first."""
    sql = """SELECT d.id, d.delivery_id, w.url, w.secret, d.payload, d.attempts
        FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook
        WHERE d.state = 'waiting' AND d.due_ms <= ? AND w.active = 1 ORDER BY d.due_ms, d.id LIMIT ?"""
    return [Due(row[0], Parcel(*row[1:])) for row in view.execute(sql, (now_ms, limit))]


def next_due_ms(view: Snapshot) -> int | None:
    """When the next message is to be sent, in milliseconds since the epoch; `None` when none waits."""
    sql = """SELECT min(d.due_ms) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook
        WHERE d.state = 'waiting' AND w.active = 1"""
    found: int | None = view.execute(sql).fetchone()[0]
    return found


def attempted(tx: Transaction, row_id: int, outcome: Outcome, state: DeliveryState, due_ms: int) -> None:
    """Write down what came of an attempt."""
    tx.execute(
        """UPDATE webhook_delivery SET state = ?, attempts = attempts + 1, due_ms = ?, status = ?, problem = ?
            WHERE id = ?""",
        (state.value, due_ms, outcome.status, outcome.problem, row_id),
    )


def forget_old(tx: Transaction) -> None:
    """Remove finished messages beyond `KEPT`."""
    sql = """DELETE FROM webhook_delivery WHERE state != 'waiting'
        AND id <= (SELECT max(id) FROM webhook_delivery) - ?"""
    tx.execute(sql, (KEPT,))


def deliveries(view: Snapshot, row_id: int, *, before: int | None, limit: int) -> list[tuple[int, Delivery]]:
    """The messages of a webhook, newest first, with their integer keys."""
    sql = """SELECT id, delivery_id, event, created_ms, state, attempts, due_ms, status, problem FROM webhook_delivery
        WHERE webhook = ? AND id < coalesce(?, 9223372036854775807) ORDER BY id DESC LIMIT ?"""
    rows = view.execute(sql, (row_id, before, limit))
    return [(row[0], Delivery(row[1], row[2], row[3], DeliveryState(row[4]), *row[5:])) for row in rows]


def _row(row: tuple[Any, ...]) -> Row:
    row_id, webhook_id, name, url, events, description, is_active, secret, created_ms, created_by, updated_ms = row
    found = Webhook(
        id=webhook_id,
        name=name,
        url=url,
        events=tuple(json.loads(events)),
        description=description,
        active=bool(is_active),
        signed=bool(secret),
        created_ms=created_ms,
        created_by=created_by,
        updated_ms=updated_ms,
    )
    return Row(row_id, secret, found)
