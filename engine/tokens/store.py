"""SQL of tokens. Functions take a transaction or a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.access import Role
from engine.db.transaction import Snapshot, Transaction
from engine.tokens.model import Token, state_at

_COLUMNS = "id, name, user, scope, created_ms, created_by, expires_ms, revoked_ms, last_used_ms"


def insert(tx: Transaction, *, name: str, user: str, scope: Role, digest: bytes, expires_ms: int | None) -> int:
    """Store a new token.

    Returns:
        Its id.
    """
    row = (name, user, scope.label, digest, tx.now_ms, tx.actor.name, expires_ms)
    sql = """INSERT INTO token (name, user, scope, digest, created_ms, created_by, expires_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?)"""
    return tx.execute(sql, row).lastrowid or 0


def revoke(tx: Transaction, token_id: int) -> None:
    """Write down that a token is revoked from now on."""
    tx.execute("UPDATE token SET revoked_ms = ? WHERE id = ?", (tx.now_ms, token_id))


def note_used(tx: Transaction, used: Iterable[tuple[int, int]]) -> None:
    """Write down when tokens were last used.

    Args:
        tx: The caller's transaction.
        used: (id, milliseconds since the epoch) of each.
    """
    sql = "UPDATE token SET last_used_ms = ?2 WHERE id = ?1 AND (last_used_ms IS NULL OR last_used_ms < ?2)"
    tx.executemany(sql, used)


def token(view: Snapshot, token_id: int, now_ms: int) -> Token | None:
    """The token of an id; `None` when there is none."""
    row = view.execute(f"SELECT {_COLUMNS} FROM token WHERE id = ?", (token_id,)).fetchone()
    return None if row is None else _token(row, now_ms)


def living(view: Snapshot, name: str, now_ms: int) -> int | None:
    """The id of the token that has a name and is neither revoked nor expired; `None` when there is none."""
    sql = "SELECT id FROM token WHERE name = ? AND revoked_ms IS NULL AND coalesce(expires_ms > ?, 1) LIMIT 1"
    row = view.execute(sql, (name, now_ms)).fetchone()
    return None if row is None else int(row[0])


def by_digest(view: Snapshot, digest: bytes, now_ms: int) -> tuple[bytes, Token] | None:
    """The token of a digest, with the digest that is kept; `None` when there is none."""
    row = view.execute(f"SELECT digest, {_COLUMNS} FROM token WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else (row[0], _token(row[1:], now_ms))


def newest(view: Snapshot, *, before: int | None, limit: int, now_ms: int) -> tuple[Token, ...]:
    """Tokens, newest first.

    Args:
        view: Where to read.
        before: Only those with a smaller id; `None` for all.
        limit: At most so many.
        now_ms: The moment whose states are told.
    """
    sql = f"SELECT {_COLUMNS} FROM token WHERE id < coalesce(?, 9223372036854775807) ORDER BY id DESC LIMIT ?"
    return tuple(_token(row, now_ms) for row in view.execute(sql, (before, limit)))


def _token(row: tuple[Any, ...], now_ms: int) -> Token:
    state = state_at(now_ms, expires_ms=row[6], revoked_ms=row[7])
    values = (*row[:3], Role[row[3].upper()], *row[4:], state)
    return Token(*values)
