"""SQL of files that come in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.artifacts.model import Blob
    from engine.db.transaction import Snapshot, Transaction


class UploadRow(NamedTuple):
    """An upload as stored.

    Args:
        row_id: Its integer key.
        upload_id: Its public id.
        path: Where the whole file shall be.
        actor: Who has begun it.
        expires_ms: When it is given up.
    """

    row_id: int
    upload_id: str
    path: str
    actor: str
    expires_ms: int


def find(snapshot: Snapshot, upload_id: str) -> UploadRow | None:
    """The upload of that id."""
    sql = "SELECT id, upload_id, path, actor, expires_ms FROM upload WHERE upload_id = ?"
    row = snapshot.execute(sql, (upload_id,)).fetchone()
    return None if row is None else UploadRow(*row)


def insert(tx: Transaction, upload_id: str, path: str, expires_ms: int) -> None:
    """Add an upload."""
    sql = "INSERT INTO upload (upload_id, path, actor, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)"
    tx.execute(sql, (upload_id, path, tx.actor.name, tx.now_ms, expires_ms))


def put_part(tx: Transaction, row_id: int, number: int, blob: Blob) -> None:
    """Note a part that has come; an earlier one of its number is replaced."""
    tx.execute("INSERT OR REPLACE INTO upload_part VALUES (?, ?, ?, ?)", (row_id, number, blob.digest, blob.size_bytes))


def parts(snapshot: Snapshot, row_id: int) -> dict[int, tuple[str, int]]:
    """Digest and size of the parts that have come, by number."""
    sql = "SELECT number, digest, size_bytes FROM upload_part WHERE upload = ? ORDER BY number"
    return {number: (digest, size_bytes) for number, digest, size_bytes in snapshot.execute(sql, (row_id,))}


def delete(tx: Transaction, row_id: int) -> None:
    """Forget an upload and its parts."""
    tx.execute("DELETE FROM upload WHERE id = ?", (row_id,))


def delete_expired(tx: Transaction) -> None:
    """Forget the uploads whose time is over."""
    tx.execute("DELETE FROM upload WHERE expires_ms <= ?", (tx.now_ms,))


def known(snapshot: Snapshot) -> set[str]:
    """The ids of all uploads."""
    return {row[0] for row in snapshot.execute("SELECT upload_id FROM upload")}
