"""One database file: many readers on snapshots, one writer, every write a short durable transaction."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.core.clock import SystemClock
from engine.core.errors import ReadOnlyMode, WorkspaceTooNew
from engine.db.connection import open_reader, open_writer, translated
from engine.db.migrations import migrations
from engine.db.transaction import Snapshot, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.core.access import Actor
    from engine.core.clock import Clock
    from engine.db.connection import Connect
    from engine.db.feed import ChangeFeed

BUSY_TIMEOUT_MS = 60_000
"""How long a write waits for other writers; writes are short, so only a stuck process makes anybody wait so long."""


class Database:
    """A workspace's control database.

    Args:
        path: The file; `migrate` creates it.
        clock: Tells the time of every transaction.
        read_only: Refuse every write, and never create or change a file.
        connect: `sqlite3.connect`, or a stand-in with its signature (tests inject faults here).
        busy_timeout_ms: How long a write waits for other writers, in milliseconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        read_only: bool = False,
        connect: Connect = sqlite3.connect,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._clock = clock or SystemClock()
        self._connect = connect
        self._busy_timeout_ms = busy_timeout_ms
        self._reset()

    def _reset(self) -> None:
        # A forked child must not use its parent's connections (SQLite forbids it), so each process has its own set.
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._writing_thread: int | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def _own_process(self) -> None:
        if self._pid != os.getpid():
            self._reset()

    def migrate(self) -> None:
        """Bring the file to the newest schema, creating it when it is missing.

        Raises:
            WorkspaceTooNew: a newer Quarterdeck has written it.
            ReadOnlyMode: it is older than this program and must not be changed.
            Busy: another process held it too long.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceFull: no space is left.
            WorkspaceCorrupt: it is damaged, or not a database.
            WorkspaceError: the disk failed.
        """
        known = migrations()
        latest = known[-1].version
        if self.path.exists():
            with translated(self.path):
                version = int(self._reader().execute("PRAGMA user_version").fetchone()[0])
            self._refuse_newer(version, latest)
            if version == latest:
                return
        if self.read_only:
            raise ReadOnlyMode(
                f"{self.path} was written by an older Quarterdeck and must be brought up to date first.",
                hint="Open it once without --readonly.",
            )
        with translated(self.path), self._lock:
            writer = self._open_writer()
            for migration in known:
                writer.execute("BEGIN IMMEDIATE")
                try:
                    # Read inside the lock: two processes may start on an old file at the same moment.
                    version = int(writer.execute("PRAGMA user_version").fetchone()[0])
                    self._refuse_newer(version, latest)
                    if version < migration.version:
                        self._apply(writer, migration.version, migration.name, migration.statements())
                    writer.execute("COMMIT")
                except BaseException:
                    _roll_back(writer)
                    raise

    def _apply(self, writer: sqlite3.Connection, version: int, name: str, script: str) -> None:
        for statement in _statements(script):
            writer.execute(statement)
        now_ms = self._clock.now_ms()
        if version == 1:
            row = (os.urandom(16).hex(), now_ms)
            writer.execute("INSERT INTO workspace (id, uuid, created_ms) VALUES (1, ?, ?)", row)
        writer.execute("INSERT INTO schema_migration VALUES (?, ?, ?)", (version, name, now_ms))
        writer.execute(f"PRAGMA user_version={version:d}")

    def _refuse_newer(self, version: int, latest: int) -> None:
        if version > latest:
            raise WorkspaceTooNew(
                f"{self.path} has schema {version}; this Quarterdeck knows up to {latest}.",
                hint="Install the Quarterdeck that wrote it, or a newer one.",
            )

    @contextmanager
    def transaction(self, actor: Actor) -> Iterator[Transaction]:
        """Open a write transaction; it is durable when the block ends, and undone when the block raises.

        Args:
            actor: Who acts.

        Yields:
            The transaction.

        Raises:
            ReadOnlyMode: the database was opened read-only.
            Busy: another process held the database too long.
            WorkspaceFull: no space is left; nothing was written.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed; nothing was written.
            RuntimeError: this thread already has a transaction open.
        """
        if self.read_only:
            raise ReadOnlyMode("This session is read-only.", hint="Open the workspace without --readonly.")
        self._own_process()
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("a transaction is already open in this thread; pass it down instead")
        with self._lock, translated(self.path):
            self._writing_thread = threading.get_ident()
            try:
                writer = self._open_writer()
                writer.execute("BEGIN IMMEDIATE")
                try:
                    transaction = Transaction(writer, actor, self._clock.now_ms())
                    yield transaction
                    transaction.flush_events()
                    writer.execute("COMMIT")
                except BaseException:
                    _roll_back(writer)
                    raise
            finally:
                self._writing_thread = None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open a consistent view for reading; inside one already open in this thread, it is the same view.

        Yields:
            The snapshot.

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        self._own_process()
        with translated(self.path):
            reader = self._reader()
            if reader.in_transaction:
                yield Snapshot(reader)
                return
            reader.execute("BEGIN")
            try:
                yield Snapshot(reader)
            finally:
                _roll_back(reader)

    def feed(self) -> ChangeFeed:
        """A feed of the changes made from now on, by any process, over a connection of its own.

        Raises:
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        from engine.db.feed import ChangeFeed  # only a live screen needs it

        return ChangeFeed(self.path, connect=self._connect)

    def close(self) -> None:
        """Close every connection of this process; the next use opens new ones."""
        if self._pid == os.getpid():
            for connection in (*self._readers, self._writer):
                if connection is not None:
                    connection.close()
        self._reset()

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            self._writer = open_writer(self.path, connect=self._connect, busy_timeout_ms=self._busy_timeout_ms)
        return self._writer

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = open_reader(self.path, connect=self._connect, busy_timeout_ms=self._busy_timeout_ms)
            self._local.reader = reader
            self._readers.append(reader)
        return reader


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The first failure is the one to report; SQLite undoes the rest when the file is next opened.
            connection.close()


def _statements(script: str) -> Iterator[str]:
    """Split a migration at statement ends; `executescript` would commit the transaction it runs in."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending
