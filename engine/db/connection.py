"""SQLite connections: how they are opened, and how SQLite's errors become ours."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.core.errors import (
    Busy,
    QuarterdeckError,
    WorkspaceCorrupt,
    WorkspaceError,
    WorkspaceFull,
    WorkspaceMissing,
    WorkspaceReadOnly,
)
from engine.core.patience import too_long

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    Connect = Callable[..., sqlite3.Connection]
    FileIdentity = tuple[int, int]

PAGE_SIZE = 8192
"""Bytes; one in eight fewer page splits than 4096 on interleaved metric keys, measured with `make bench`."""


class Durability(Enum):
    """What a commit waits for."""

    FULL = "full"
    """Until the disk has it: it survives a power cut."""

    RELAXED = "relaxed"
    """Until the operating system has it: it survives a crash of the process, not a power cut."""


BUSY_TIMEOUT_MS = 60_000
"""How long a write waits for other writers; writes are short, so only a stuck process makes anybody wait so long."""

WAL_LIMIT_BYTES = 32 << 20
"""What the write-ahead log is cut back to after a long reader has made it grow."""

_PRIMARY = 0xFF
_SPACE_TO_WORK = 128 << 10
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.0005, 0.003


def translate(error: sqlite3.Error, path: Path) -> QuarterdeckError:
    """Say what an SQLite error means for the person who met it.

    Args:
        error: What sqlite3 raised.
        path: The database file, for the message.

    Returns:
        One of `Busy`, `WorkspaceFull`, `WorkspaceReadOnly`, `WorkspaceCorrupt`, `WorkspaceError`; `InvalidInput` for a
        reading that was ended.
    """
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & _PRIMARY if code is not None else None
    if primary == sqlite3.SQLITE_INTERRUPT:
        return too_long()
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return Busy(
            f"Another process has kept {path} locked for too long.",
            hint="Try again; `qd db check` shows whether the workspace is sound.",
        )
    if primary == sqlite3.SQLITE_FULL or (primary in _MAY_BE_FULL and _is_full(path)):
        return WorkspaceFull(
            f"No space is left for {path}; nothing was written.", hint="Free some space and try again."
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return WorkspaceReadOnly(
            f"The workspace database {path} cannot be written or opened: {_obstacle(path) or error}.", hint=_PERMISSIONS
        )
    if is_damage(error):
        return WorkspaceCorrupt(
            f"{path} is damaged or is not a Quarterdeck database ({error}).",
            hint="Bring it back with `qd db restore`, which keeps the damaged file beside it.",
        )
    return WorkspaceError(
        f"The workspace database {path} failed: {error}; nothing was written.",
        hint="Check the disk, then run `qd db check`.",
    )


def unwritable(path: Path) -> WorkspaceError | None:
    """What would keep a database from being written, as the file system tells it.

    Args:
        path: The database file.

    Returns:
        `WorkspaceFull` or `WorkspaceReadOnly`; `None` where nothing is known to be in the way.
    """
    if _is_full(path):
        return WorkspaceFull(f"No space is left for {path}.", hint="Free some space; changes are possible again then.")
    why = _obstacle(path)
    if not why and path.is_file() and not os.access(path, os.W_OK):
        why = "the file may not be written by this user"
    return WorkspaceReadOnly(f"The workspace cannot be written: {why} ({path}).", hint=_PERMISSIONS) if why else None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file itself is not what it should be."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


_PERMISSIONS = "Reading may still work; check the permissions of the file and its directory to make changes."

# SQLite says "disk I/O error" when it cannot grow the index of its log.
_MAY_BE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)

_NO_INDEX = (*_MAY_BE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)


def _obstacle(path: Path) -> str:
    found = _file_system(path)
    if found is not None and found.f_flag & os.ST_RDONLY:
        return "it lies on a read-only file system"
    if not path.parent.is_dir():
        return "its directory is not there"
    return "" if os.access(path.parent, os.W_OK) else f"{path.parent} may not be written by this user"


def _file_system(path: Path) -> os.statvfs_result | None:
    try:
        return os.statvfs(path.parent)
    except OSError:
        return None


def _is_full(path: Path) -> bool:
    found = _file_system(path)
    if found is None:
        return False
    return found.f_bavail * found.f_frsize < _SPACE_TO_WORK or (found.f_files > 0 and found.f_favail == 0)


class _Translated:
    """What `translated` gives: a class, because it stands around every part of a group, and a generator costs more."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error) and not isinstance(error, _NOT_OPERATIONAL):
            raise translate(error, self._path) from error


_NOT_OPERATIONAL = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def translated(path: Path) -> AbstractContextManager[None]:
    """Turn operational SQLite errors raised inside into ours; constraint violations pass for the service to name.

    Args:
        path: The database file, for the message.

    Returns:
        A context manager that raises what `translate` says.
    """
    return _Translated(path)


def file_identity(path: Path) -> FileIdentity:
    """What tells a file from another that takes its name: its device and its number there.

    Raises:
        WorkspaceMissing: there is no such file.
        WorkspaceReadOnly: its directory may not be searched.
        WorkspaceError: the disk failed.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 asked twice a transaction; pathlib costs three times as much
    except (FileNotFoundError, NotADirectoryError) as error:
        raise WorkspaceMissing(
            f"The workspace database {path} is not there.",
            hint="Put it back if it was moved or deleted; bring a backup back with `qd db restore`.",
        ) from error
    except PermissionError as error:
        raise WorkspaceReadOnly(
            f"{path} cannot be reached: {error.strerror}.", hint="Check the permissions of the directories above it."
        ) from error
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be reached: {error.strerror}.", hint="Check the disk.") from error
    return found.st_dev, found.st_ino


def open_writer(path: Path, *, connect: Connect, busy_timeout_ms: int, create: bool = False) -> sqlite3.Connection:
    """Open a connection that may write: WAL, every commit durable before it returns.

    Args:
        path: The database file.
        connect: `sqlite3.connect` or a stand-in with the same signature.
        busy_timeout_ms: How long it waits, while it is opened, for another process; afterwards `begin` does.
        create: Make the file when it is missing.

    Returns:
        A connection in autocommit mode; transactions are begun explicitly.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    mode = "rwc" if create else "rw"
    connection = connect(f"{path.absolute().as_uri()}?mode={mode}", **_options(busy_timeout_ms))
    try:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # SQLite does not wait here for others who make the same change: two that waited would wait for ever.
            _patiently(connection, "PRAGMA journal_mode=WAL", busy_timeout_ms)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        connection.execute("PRAGMA busy_timeout=0")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def begin(writer: sqlite3.Connection, *, timeout_ms: int, given_up: Callable[[], bool] = bool) -> None:
    """Begin to write, waiting for other writers in short steps of random length.

    SQLite's own waiting grows to a tenth of a second a step, so that who waits longest is served last: among 16 writers
    in a tight loop some waited 4.5 s, and 0.6 s so.

    Args:
        writer: A connection from `open_writer`.
        timeout_ms: How long to wait, in milliseconds.
        given_up: Asked now and then whether to wait no longer.

    Raises:
        sqlite3.Error: another process held the file all the time, or it cannot be written.
    """
    _patiently(writer, "BEGIN IMMEDIATE", timeout_ms, given_up)


def _patiently(connection: sqlite3.Connection, sql: str, timeout_ms: int, given_up: Callable[[], bool] = bool) -> None:
    deadline = time.monotonic() + timeout_ms / 1000
    while True:
        try:
            connection.execute(sql)
        except sqlite3.OperationalError as error:
            late = time.monotonic() >= deadline or given_up()
            if late or error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
        share = os.urandom(1)[0] / 255  # the module random would bring OpenSSL with it
        time.sleep(_SHORTEST_WAIT_S + share * (_LONGEST_WAIT_S - _SHORTEST_WAIT_S))


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo what a connection has open. The pool closes one that cannot even do that; closing undoes it as well."""
    with suppress(sqlite3.Error):  # the first failure is the one to report
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _options(busy_timeout_ms: int) -> dict[str, Any]:
    return {
        "isolation_level": None,
        "timeout": busy_timeout_ms / 1000,
        "check_same_thread": False,
        "cached_statements": 256,
        "uri": True,
    }


def open_reader(path: Path, *, connect: Connect, busy_timeout_ms: int) -> tuple[sqlite3.Connection, bool]:
    """Open a connection that can only read.

    On a read-only or full file system SQLite cannot make the shared-memory file that WAL needs; when no other process
    has left a WAL behind, the file is then read as it lies (`immutable`). Such a connection takes no locks and never
    notices a later change, so it is for one reading.

    Args:
        path: The database file; must exist.
        connect: `sqlite3.connect` or a stand-in with the same signature.
        busy_timeout_ms: How long a statement waits during recovery by another process.

    Returns:
        A connection in autocommit mode with `query_only` set, and whether it may be used again.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    options = _options(busy_timeout_ms)
    uri = path.absolute().as_uri()
    connection = connect(f"{uri}?mode=ro", **options)
    lasting = True
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        wal = path.with_name(path.name + "-wal")
        no_index = error.sqlite_errorcode & _PRIMARY in _NO_INDEX
        if not no_index or not path.is_file() or (wal.exists() and wal.stat().st_size):
            raise
        connection = connect(f"{uri}?mode=ro&immutable=1", **options)
        lasting = False
    except sqlite3.Error:
        connection.close()
        raise
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-2000")
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection, lasting
