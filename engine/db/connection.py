"""SQLite connections: how they are opened, and how SQLite's errors become ours."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.core.errors import (
    Busy,
    QuarterdeckError,
    WorkspaceCorrupt,
    WorkspaceError,
    WorkspaceFull,
    WorkspaceReadOnly,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Connect = Callable[..., sqlite3.Connection]

PAGE_SIZE = 8192
"""Bytes; one in eight fewer page splits than 4096 on interleaved metric keys, measured with `make bench`."""

_PRIMARY = 0xFF


def translate(error: sqlite3.Error, path: Path) -> QuarterdeckError:
    """Say what an SQLite error means for the person who met it.

    Args:
        error: What sqlite3 raised.
        path: The database file, for the message.

    Returns:
        One of `Busy`, `WorkspaceFull`, `WorkspaceReadOnly`, `WorkspaceCorrupt`, `WorkspaceError`.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & _PRIMARY if code is not None else None
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(
            f"Another process has kept {path} locked for too long.",
            hint="Try again; `qd db check` shows whether the workspace is sound.",
        )
    if primary == sqlite3.SQLITE_FULL:
        return WorkspaceFull(
            f"No space is left for {path}; nothing was written.", hint="Free some space and try again."
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return WorkspaceReadOnly(
            f"The workspace database {path} cannot be opened or written ({error}).",
            hint="Check the permissions of the directory, or open it with --readonly.",
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return WorkspaceCorrupt(
            f"{path} is damaged or is not a Quarterdeck database ({error}).",
            hint="Run `qd db check`, and restore a backup with `qd db restore`.",
        )
    return WorkspaceError(
        f"The workspace database {path} failed: {error}; nothing was written.",
        hint="Check the disk, then run `qd db check`.",
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn operational SQLite errors raised inside into ours; constraint violations pass for the service to name.

    Raises:
        QuarterdeckError: as `translate` says.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as error:
        raise translate(error, path) from error


def open_writer(path: Path, *, connect: Connect, busy_timeout_ms: int) -> sqlite3.Connection:
    """Open a connection that may write: WAL, every commit durable before it returns.

    Args:
        path: The database file; created when missing.
        connect: `sqlite3.connect` or a stand-in with the same signature.
        busy_timeout_ms: How long a statement waits for another writer.

    Returns:
        A connection in autocommit mode; transactions are begun explicitly.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = connect(
        path,
        isolation_level=None,
        timeout=busy_timeout_ms / 1000,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_reader(path: Path, *, connect: Connect, busy_timeout_ms: int) -> sqlite3.Connection:
    """Open a connection that can only read.

    On a read-only file system SQLite cannot make the shared-memory file that WAL needs; when no other process
    has left a WAL behind, the file is then read as it lies (`immutable`).

    Args:
        path: The database file; must exist.
        connect: `sqlite3.connect` or a stand-in with the same signature.
        busy_timeout_ms: How long a statement waits during recovery by another process.

    Returns:
        A connection in autocommit mode with `query_only` set.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    options: dict[str, Any] = {
        "isolation_level": None,
        "timeout": busy_timeout_ms / 1000,
        "check_same_thread": False,
        "cached_statements": 256,
        "uri": True,
    }
    uri = path.absolute().as_uri()
    connection = connect(f"{uri}?mode=ro", **options)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        wal = path.with_name(path.name + "-wal")
        cannot_open = error.sqlite_errorcode & _PRIMARY in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if not cannot_open or not path.is_file() or (wal.exists() and wal.stat().st_size):
            raise
        connection = connect(f"{uri}?mode=ro&immutable=1", **options)
    except sqlite3.Error:
        connection.close()
        raise
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-2000")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection
