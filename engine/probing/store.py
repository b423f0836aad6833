"""SQL of external endpoints. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.probing.model import ExternalEndpoint, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

_COLUMNS = """id, name, url, protocol, model, interval_ms, timeout_ms, expected_status, headers, description, owner,
    tags, created_ms, updated_ms, created_by"""


def insert(tx: Transaction, endpoint: ExternalEndpoint) -> int:
    """Store a new external endpoint; its integer key. Its times are the transaction's."""
    sql = """INSERT INTO external_endpoint (name, url, protocol, model, interval_ms, timeout_ms, expected_status,
        headers, description, owner, tags, created_ms, updated_ms, created_by)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    row = (endpoint.name, *_said(endpoint), tx.now_ms, tx.now_ms, tx.actor.name)
    return int(tx.execute(sql, row).lastrowid or 0)


def update(tx: Transaction, endpoint: ExternalEndpoint) -> None:
    """Store what is said of an external endpoint now."""
    sql = """UPDATE external_endpoint SET url = ?, protocol = ?, model = ?, interval_ms = ?, timeout_ms = ?,
        expected_status = ?, headers = ?, description = ?, owner = ?, tags = ?, updated_ms = ? WHERE id = ?"""
    tx.execute(sql, (*_said(endpoint), tx.now_ms, endpoint.row_id))


def delete(tx: Transaction, row_id: int) -> None:
    """Remove an external endpoint."""
    tx.execute("DELETE FROM external_endpoint WHERE id = ?", (row_id,))


def find(view: Snapshot, name: str) -> ExternalEndpoint | None:
    """The external endpoint of that name, or `None`."""
    row = view.execute(f"SELECT {_COLUMNS} FROM external_endpoint WHERE name = ?", (name,)).fetchone()
    return None if row is None else _endpoint(row)


def names(view: Snapshot) -> tuple[str, ...]:
    """The names of all external endpoints."""
    return tuple(name for (name,) in view.execute("SELECT name FROM external_endpoint ORDER BY name"))


def page(view: Snapshot, *, after: str, limit: int) -> tuple[ExternalEndpoint, ...]:
    """External endpoints by name.

    Args:
        view: The caller's view.
        after: Only names after this one.
        limit: At most so many.

    Returns:
        The endpoints.
    """
    sql = f"SELECT {_COLUMNS} FROM external_endpoint WHERE name > ? ORDER BY name LIMIT ?"
    return tuple(map(_endpoint, view.execute(sql, (after, limit))))


def _said(endpoint: ExternalEndpoint) -> tuple[object, ...]:
    return (
        endpoint.url,
        endpoint.protocol.value,
        endpoint.model,
        endpoint.interval_ms,
        endpoint.timeout_ms,
        endpoint.expected_status,
        json.dumps(dict(endpoint.headers)),
        endpoint.description,
        endpoint.owner,
        json.dumps(dict(endpoint.tags)),
    )


def _endpoint(row: Sequence[Any]) -> ExternalEndpoint:
    own, name, url, protocol, model, interval_ms, timeout_ms, status, headers, description, owner, tags, *rest = row
    return ExternalEndpoint(
        own,
        name,
        url,
        Protocol(protocol),
        model,
        interval_ms,
        timeout_ms,
        status,
        json.loads(headers),
        description,
        owner,
        json.loads(tags),
        *rest,
    )
