"""The open connections of one process to one database file: lent for a use, kept for the next one."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.core.errors import Busy
from engine.db.connection import BUSY_TIMEOUT_MS, Durability, open_reader, open_writer
from engine.db.forking import close_before_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from engine.db.connection import Connect
    from engine.db.transaction import Kept


class Pool:
    """Lends readers, as many as there are readings at once, and the one writer, to one thread at a time.

    A connection that failed is not lent again.

    Args:
        path: The database file.
        connect: `sqlite3.connect`, or a stand-in with its signature.
        busy_timeout_ms: How long a connection waits for other processes, in milliseconds.
        durability: What a commit of the writer waits for.
    """

    def __init__(
        self,
        path: Path,
        *,
        connect: Connect,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
        durability: Durability = Durability.FULL,
    ) -> None:
        self._durability = durability
        self._checkpoint_pages: int | None = None
        self._kept_kib: int | None = None
        self._kept: dict[sqlite3.Connection, tuple[int, Kept]] = {}
        self._path = path
        self._connect = connect
        self._busy_timeout_ms = busy_timeout_ms
        self._readers: list[sqlite3.Connection] = []
        self._writers: list[sqlite3.Connection] = []
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        self._era = 0
        close_before_fork(self)

    def reader(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a reader.

        Returns:
            A context manager that gives it, and raises `sqlite3.Error` when the file cannot be opened.
        """
        return _Loan(self, self._readers, self._open_reader)

    @contextmanager
    def writer(self, *, create: bool = False, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """Lend the writer, once other threads have given it back.

        Args:
            create: Make the file when it is missing.
            wait: Wait for it, however long.

        Raises:
            sqlite3.Error: the file cannot be opened.
            Busy: another thread has it, and it is not waited for.
        """
        if not self._writing.acquire(blocking=wait):
            raise Busy("Another thread writes.")
        try:
            with _Loan(self, self._writers, lambda: self._open_writer(create=create)) as connection:
                yield connection
        finally:
            self._writing.release()

    def leave_checkpoints(self, pages: int) -> None:
        """Have the writer move its log into the database only when that is very long: somebody else does it beside.

        Args:
            pages: From how many pages on the writer does it after all.
        """
        if self._checkpoint_pages != pages:
            self._checkpoint_pages = pages
            with self._guard:
                for writer in self._writers:
                    writer.execute(f"PRAGMA wal_autocheckpoint={pages:d}")

    def keep_read(self, kib: int) -> None:
        """Have every reader keep the pages it has read, and what was made of them, as long as nobody writes.

        Args:
            kib: Most memory of each for pages, in KiB.
        """
        self._kept_kib = kib
        with self._guard:
            for reader in self._readers:
                reader.execute(f"PRAGMA cache_size=-{kib:d}")

    def kept(self, reader: sqlite3.Connection) -> Kept | None:
        """What was made of the view that a reader has just opened.

        Args:
            reader: A reader that was lent, in a transaction that has read nothing yet.

        Returns:
            What may be added to; empty when anybody has written since; `None` when nothing is kept.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        if self._kept_kib is None:
            return None
        version = int(reader.execute("PRAGMA data_version").fetchone()[0])  # of this connection, and this view
        known = self._kept.get(reader)
        if known is None or known[0] != version:
            known = self._kept[reader] = (version, {})
        return known[1]

    def let_go(self) -> None:
        """Close the connections that are not in use, and have those in use closed when they are given back."""
        with self._guard:
            self._era += 1
            idle = [*self._readers, *self._writers]
            self._readers.clear()
            self._writers.clear()
        for connection in idle:
            self._close(connection)

    def take(self, idle: list[sqlite3.Connection]) -> tuple[sqlite3.Connection | None, int]:
        """A connection that nobody uses, if there is one, and the era it is lent in."""
        with self._guard:
            return idle.pop() if idle else None, self._era

    def give_back(self, idle: list[sqlite3.Connection], connection: sqlite3.Connection, era: int | None) -> None:
        """Keep a connection for the next use, or close it: one of an earlier era, of none, or in a transaction."""
        with self._guard:
            keep = era == self._era and _at_rest(connection)
            if keep:
                idle.append(connection)
        if not keep:
            self._close(connection)

    def _close(self, connection: sqlite3.Connection) -> None:
        self._kept.pop(connection, None)
        connection.close()

    def _open_reader(self) -> tuple[sqlite3.Connection, bool]:
        made, reusable = open_reader(self._path, connect=self._connect, busy_timeout_ms=self._busy_timeout_ms)
        if self._kept_kib is not None:
            made.execute(f"PRAGMA cache_size=-{self._kept_kib:d}")
        return made, reusable

    def _open_writer(self, *, create: bool) -> tuple[sqlite3.Connection, bool]:
        made = open_writer(self._path, connect=self._connect, busy_timeout_ms=self._busy_timeout_ms, create=create)
        if self._durability is Durability.RELAXED:
            made.execute("PRAGMA synchronous=NORMAL")
        if self._checkpoint_pages is not None:
            made.execute(f"PRAGMA wal_autocheckpoint={self._checkpoint_pages:d}")
        return made, True


class _Loan:
    """A connection that is lent until the block ends; a class, because a generator costs three times it."""

    __slots__ = ("_connection", "_era", "_idle", "_make", "_pool")

    def __init__(
        self, pool: Pool, idle: list[sqlite3.Connection], make: Callable[[], tuple[sqlite3.Connection, bool]]
    ) -> None:
        self._pool = pool
        self._idle = idle
        self._make = make

    def __enter__(self) -> sqlite3.Connection:
        found, era = self._pool.take(self._idle)
        connection, reusable = (found, True) if found else self._make()
        self._connection = connection
        self._era: int | None = era if reusable else None
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _HARMLESS):
            self._era = None
        self._pool.give_back(self._idle, self._connection, self._era)


_HARMLESS = (sqlite3.IntegrityError, sqlite3.ProgrammingError)


def _at_rest(connection: sqlite3.Connection) -> bool:
    try:
        return not connection.in_transaction
    except sqlite3.ProgrammingError:  # it has been closed
        return False
