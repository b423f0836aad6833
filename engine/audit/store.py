"""The SQL of the audit log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import cast

from engine.audit.merkle import Node, RightEdge, Subtree
from engine.audit.model import AuditFilter, Columns
from engine.audit.verification import Row, StoredLog
from engine.core.errors import IntegrityError
from engine.db.transaction import Snapshot, Transaction

_COLUMNS = "seq, time_ms, actor, origin, via, on_behalf_of, verb, kind, key, before, after, reason"

_INSERT = f"INSERT INTO audit ({_COLUMNS}, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

# The types are asked for because a tampered text that is not UTF-8 would stop the cursor before it could be compared.
_NODES_OF_LEVEL = (
    "SELECT idx, CASE typeof(hash) WHEN 'blob' THEN hash END FROM audit_node "
    "WHERE level = ? AND typeof(idx) = 'integer' ORDER BY idx"
)

_CONDITIONS = {
    "kind": "kind = ?",
    "key": "key = ?",
    "actor": "actor = ?",
    "verb": "verb = ?",
    "since_ms": "time_ms >= ?",
    "until_ms": "time_ms <= ?",
}


def right_edge(snapshot: Snapshot) -> RightEdge:
    """The tree as far as it has grown.

    Raises:
        IntegrityError: the stored tree head is missing or damaged.
    """
    row = _head(snapshot)
    edge = RightEdge.unpack(*row) if row else None
    if edge is None:
        raise damaged()
    return edge


def append(tx: Transaction, columns: Columns, leaf: bytes, completed: Sequence[Node], edge: RightEdge) -> None:
    """Write one record, the subtrees it completed, and the tree head after it.

    Raises:
        IntegrityError: the log does not end where its tree head says.
    """
    try:
        tx.execute(
            f"INSERT INTO audit ({_COLUMNS}, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*columns, leaf),
        )
        if completed:
            tx.executemany("INSERT INTO audit_node VALUES (?, ?, ?)", completed)
        tx.execute("UPDATE audit_head SET size = ?, edge = ?", (edge.size, edge.pack()))
    except sqlite3.IntegrityError as error:
        raise damaged() from error


def record(snapshot: Snapshot, seq: int) -> Columns | None:
    """One record by its number, or `None`."""
    row = snapshot.execute(f"SELECT {_COLUMNS} FROM audit WHERE seq = ?", (seq,)).fetchone()
    return cast("Columns | None", row)


def newest(snapshot: Snapshot, where: AuditFilter, *, before_seq: int | None, limit: int) -> list[Columns]:
    """The newest records that match, newest first.

    Args:
        snapshot: What to read.
        where: Which records.
        before_seq: Only records of a smaller number; `None` for all.
        limit: At most so many.

    Returns:
        The records as stored.
    """
    conditions = [sql for name, sql in _CONDITIONS.items() if getattr(where, name) is not None]
    values = [getattr(where, name) for name in _CONDITIONS if getattr(where, name) is not None]
    if before_seq is not None:
        conditions.append("seq < ?")
        values.append(before_seq)
    clause = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = snapshot.execute(f"SELECT {_COLUMNS} FROM audit {clause} ORDER BY seq DESC LIMIT ?", (*values, limit))
    return rows.fetchall()


def object_history(snapshot: Snapshot, kind: str, key: str, until_ms: int) -> list[Columns]:
    """The records of one object at or before a time, oldest first."""
    rows = snapshot.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE kind = ? AND key = ? AND time_ms <= ? ORDER BY seq",
        (kind, key, until_ms),
    )
    return rows.fetchall()


def subtrees(snapshot: Snapshot) -> Subtree:
    """The stored hashes of perfect subtrees, for proofs; reading one that is not there raises `IntegrityError`."""

    def subtree(level: int, index: int) -> bytes:
        if level:
            query = "SELECT hash FROM audit_node WHERE level = ? AND idx = ?"
            row = snapshot.execute(query, (level, index)).fetchone()
        else:
            row = snapshot.execute("SELECT leaf_hash FROM audit WHERE seq = ?", (index + 1,)).fetchone()
        if row is None:
            raise damaged()
        return cast("bytes", row[0])

    return subtree


def stored_log(snapshot: Snapshot) -> StoredLog:
    """All that is stored, for verification; read as the check goes, so within the snapshot."""

    def nodes(level: int) -> Iterator[tuple[int, bytes]]:
        return iter(snapshot.execute(_NODES_OF_LEVEL, (level,)))

    size, edge = _head(snapshot) or (None, b"")
    count = snapshot.execute("SELECT count(*) FROM audit_node").fetchone()[0]
    return StoredLog(rows=_all_rows(snapshot), nodes=nodes, node_count=count, size=size, edge=edge)


def _head(snapshot: Snapshot) -> tuple[int, bytes] | None:
    query = "SELECT size, edge FROM audit_head WHERE typeof(size) = 'integer' AND typeof(edge) = 'blob'"
    return cast("tuple[int, bytes] | None", snapshot.execute(query).fetchone())


def _all_rows(snapshot: Snapshot) -> Iterator[Row | None]:
    rows = snapshot.execute(f"SELECT {_COLUMNS}, leaf_hash FROM audit ORDER BY seq")
    while True:
        try:
            row = rows.fetchone()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
            # Python's words for a text column that is not UTF-8; nobody but a tamperer can have written one.
            yield None
            return
        if row is None:
            return
        yield row[:-1], row[-1]


def damaged() -> IntegrityError:
    """The error for a log that cannot be what we wrote."""
    return IntegrityError(
        "The audit log has been damaged; nothing was recorded or proven.",
        hint="Run `qd audit verify` to see what was changed, and restore a backup with `qd db restore`.",
    )
