"""One database file: many readers on snapshots, one writer, every write a short durable transaction."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NoReturn

from engine.core.clock import SystemClock
from engine.core.errors import ReadOnlyMode, WorkspaceError, WorkspaceReplaced, WorkspaceTooNew
from engine.core.patience import held
from engine.db.connection import (
    BUSY_TIMEOUT_MS,
    Durability,
    begin,
    file_identity,
    open_writer,
    roll_back,
    translated,
)
from engine.db.forking import in_use
from engine.db.migrations import CONTROL, migrations
from engine.db.pool import Pool
from engine.db.transaction import Memory, Snapshot, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from engine.core.access import Actor
    from engine.core.clock import Clock
    from engine.db.connection import Connect, FileIdentity
    from engine.db.feed import ChangeFeed
    from engine.db.migrations import Migration
    from engine.db.pulse import Pulse

_LATE_CHECKPOINT_PAGES = 16_384
"""Where a commit moves the log after all, should nobody have done so beside it: 128 MiB."""


class _Part:
    """A transaction inside a group: it can be undone alone, and costs a tenth of one that stands alone.

    Args:
        database: The database, whose group is open in this thread.
        writer: The group's connection.
        actor: Who acts.
    """

    __slots__ = ("_actor", "_database", "_transaction", "_writer")

    def __init__(self, database: Database, writer: sqlite3.Connection, actor: Actor) -> None:
        self._database = database
        self._writer = writer
        self._actor = actor

    def __enter__(self) -> Transaction:
        database, writer = self._database, self._writer
        if not writer.in_transaction:  # a full disk undoes the whole transaction, whatever is still to come
            raise WorkspaceError("The group this belongs to could not be kept; nothing was written.", hint="Try again.")
        with translated(database.path):
            writer.execute("SAVEPOINT part")
        self._transaction = database.begin_part(writer, self._actor)
        return self._transaction

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        database = self._database
        try:
            with translated(database.path):
                self._end(error)
        except BaseException as failure:
            database.undo_part(self._writer, failure)
            if failure is not error:
                raise
        finally:
            database.end_part()

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            raise error
        self._transaction.flush_events()
        self._writer.execute("RELEASE part")


class Database:
    """A database of a workspace: the control database, or the telemetry beside it.

    Args:
        path: The file; `migrate` creates it.
        clock: Tells the time of every transaction.
        read_only: Refuse every write, and never create or change a file.
        connect: `sqlite3.connect`, or a stand-in with its signature (tests inject faults here).
        busy_timeout_ms: How long a write waits for other writers, in milliseconds.
        durability: What a commit waits for.
        schema: The folder of its migrations.

    Attributes:
        may_take: Asked before a file is used that has taken the place of the open one; raises where it must not be.
    """

    def __init__(  # noqa: PLR0913 every argument but the path has a default
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        read_only: bool = False,
        connect: Connect = sqlite3.connect,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
        durability: Durability = Durability.FULL,
        schema: Path = CONTROL,
    ) -> None:
        self.path = path
        self._schema = schema
        self.read_only = read_only
        self.durability = durability
        self.may_take: Callable[[], None] | None = None
        self._clock = clock or SystemClock()
        self._connect = connect
        self._busy_timeout_ms = busy_timeout_ms
        self._pool = Pool(path, connect=connect, busy_timeout_ms=busy_timeout_ms, durability=durability)
        self._local = threading.local()
        self._hurried = False
        self._identity: FileIdentity | None = None
        self._memory: Memory = {}
        self._memory_of: tuple[sqlite3.Connection | None, int] = (None, 0)
        self._pulse: Pulse | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an open workspace cannot be sent to another process; call engine.open() in the worker and send it run ids"
        )

    def migrate(self) -> None:
        """Bring the file to the newest schema, creating it when it is missing.

        Raises:
            WorkspaceTooNew: a newer Quarterdeck has written it.
            ReadOnlyMode: it is older than this program and must not be changed.
            WorkspaceMissing: it is not there and must not be made.
            Busy: another process held it too long.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceFull: no space is left.
            WorkspaceCorrupt: it is damaged, or not a database.
            WorkspaceError: the disk failed.
        """
        known = migrations(self._schema)
        with in_use(), translated(self.path):
            identity = file_identity(self.path) if self.read_only or self.path.exists() else None
            if identity is None or self._is_older(known):
                if self.read_only:
                    raise ReadOnlyMode(
                        f"{self.path} was written by an older Quarterdeck and must be brought up to date first.",
                        hint="Open it once without --readonly.",
                    )
                self._bring_up_to_date(known)
            self._identity = identity or file_identity(self.path)

    def _is_older(self, known: tuple[Migration, ...]) -> bool:
        with self._pool.reader() as reader:
            return self._known_version(reader, known) < known[-1].version

    def _bring_up_to_date(self, known: tuple[Migration, ...]) -> None:
        with self._pool.writer(create=True) as writer:
            begin(writer, timeout_ms=self._busy_timeout_ms)
            try:
                # All or none: where one cannot be made, the program that wrote the file still opens it.
                # Read inside the lock: two processes may start on an old file at the same moment.
                version = self._known_version(writer, known)
                for migration in known:
                    if migration.version > version:
                        self._apply(writer, migration)
                writer.execute("COMMIT")
            except BaseException:
                roll_back(writer)
                raise

    def _apply(self, writer: sqlite3.Connection, migration: Migration) -> None:
        for statement in _statements(migration.statements()):
            writer.execute(statement)
        now_ms = self._clock.now_ms()
        if migration.version == 1:
            row = (os.urandom(16).hex(), now_ms)
            writer.execute("INSERT INTO workspace (id, uuid, created_ms) VALUES (1, ?, ?)", row)
        writer.execute("INSERT INTO schema_migration VALUES (?, ?, ?)", (migration.version, migration.name, now_ms))
        writer.execute(f"PRAGMA user_version={migration.version:d}")

    def _known_version(self, connection: sqlite3.Connection, known: tuple[Migration, ...]) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        latest = known[-1].version
        if version > latest:
            raise WorkspaceTooNew(
                f"{self.path} has schema {version}; this Quarterdeck knows up to {latest}.",
                hint="Install the Quarterdeck that wrote it, or a newer one.",
            )
        return version

    def _check_identity(self) -> None:
        """Make sure that the file we have open is the one that is there."""
        identity = file_identity(self.path)
        if identity == self._identity:
            return
        if self._identity is None:
            if self.may_take is not None:
                self.may_take()
            self.migrate()
            return
        self._pool.let_go()
        self._identity = None
        raise WorkspaceReplaced(
            f"{self.path} was replaced while it was open; nothing was written.",
            hint="Look at what is there now, and try again.",
        )

    def transaction(self, actor: Actor) -> AbstractContextManager[Transaction]:
        """Open a write transaction; it is durable when the block ends, and undone when the block raises.

        Args:
            actor: Who acts.

        Returns:
            A context manager that gives the transaction.

        Raises:
            ReadOnlyMode: the database was opened read-only.
            Busy: another process held the database too long.
            WorkspaceFull: no space is left; nothing was written.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceMissing: the file was deleted or moved away.
            WorkspaceReplaced: another file has taken its place; the next use takes that one.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed; nothing was written.
            RuntimeError: this thread already has a transaction open.
        """
        if self.read_only:
            raise ReadOnlyMode("This session is read-only.", hint="Open the workspace without --readonly.")
        if getattr(self._local, "writing", False):
            raise RuntimeError("a transaction is already open in this thread; pass it down instead")
        group: sqlite3.Connection | None = getattr(self._local, "group", None)
        return self._alone(actor) if group is None else _Part(self, group, actor)

    @contextmanager
    def _alone(self, actor: Actor) -> Iterator[Transaction]:
        with in_use(), translated(self.path), self._whole() as writer:
            self._local.writing = True
            try:
                transaction = Transaction(writer, actor, self._clock.now_ms(), self._memory)
                yield transaction
                transaction.flush_events()
            finally:
                self._local.writing = False

    @contextmanager
    def group(self, *, wait: bool = True) -> Iterator[None]:
        """Keep every transaction of this thread, until the block ends, with one durable commit.

        A transaction inside that raises is undone alone; the others are kept. Readings inside see what the group has
        written so far.

        Args:
            wait: Wait for other writers; else `Busy` is raised at once when there is one.

        Raises:
            QuarterdeckError: as `transaction`, for the lock and for the commit; then nothing of the group was written.
            RuntimeError: this thread already has a transaction or a group open.
        """
        if getattr(self._local, "group", None) is not None:
            raise RuntimeError("a group is already open in this thread")
        if self.read_only:
            raise ReadOnlyMode("This session is read-only.", hint="Open the workspace without --readonly.")
        with in_use(), translated(self.path), self._whole(wait=wait) as writer:
            self._local.group, self._local.undone, self._local.told = writer, None, set()
            try:
                yield
            finally:
                self._local.group = None
            if self._local.undone is not None:
                raise self._local.undone

    @contextmanager
    def _whole(self, *, wait: bool = True) -> Iterator[sqlite3.Connection]:
        """The writer, in a transaction of its own."""
        self._check_identity()
        with self._pool.writer(wait=wait) as writer:
            begin(writer, timeout_ms=self._busy_timeout_ms if wait else 0, given_up=lambda: self._hurried)
            try:
                self._check_memory(writer)
                yield writer
                self._check_identity()  # again: the wait, or the work, may have been long
                writer.execute("COMMIT")
            except BaseException:
                self._memory.clear()
                roll_back(writer)
                raise

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Have no thread wait for other processes that write, until the block ends: they get `Busy`."""
        self._hurried = True
        try:
            yield
        finally:
            self._hurried = False

    def begin_part(self, writer: sqlite3.Connection, actor: Actor) -> Transaction:
        """A transaction inside the group of this thread; `transaction` gives it out."""
        self._local.writing = True
        return Transaction(writer, actor, self._clock.now_ms(), self._memory, self._local.told)

    def undo_part(self, writer: sqlite3.Connection, error: BaseException) -> None:
        """Undo what a transaction inside the group has written."""
        self._memory.clear()
        self._local.told.clear()
        if writer.in_transaction:
            writer.execute("ROLLBACK TO part")
            writer.execute("RELEASE part")
        else:
            self._local.undone = error  # the reason why all the others are lost too

    def end_part(self) -> None:
        """Let this thread begin another transaction."""
        self._local.writing = False

    def _check_memory(self, writer: sqlite3.Connection) -> None:
        """Forget what transactions have learned, unless nothing but them has written since."""
        version = writer.execute("PRAGMA data_version").fetchone()[0]
        if writer is not self._memory_of[0] or version != self._memory_of[1]:
            self._memory.clear()
            self._memory_of = (writer, version)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open a consistent view for reading; inside one already open in this thread, it is the same view.

        Yields:
            The snapshot.

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceMissing: the file was deleted or moved away.
            WorkspaceReplaced: another file has taken its place; the next use takes that one.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
            InvalidInput: reading took longer than there is patience with this thread.
        """
        with in_use(), translated(self.path):
            current: Snapshot | None = getattr(self._local, "snapshot", None)
            if current is not None:
                yield current
                return
            group: sqlite3.Connection | None = getattr(self._local, "group", None)
            if group is not None:
                yield Snapshot(group)
                return
            self._check_identity()
            with self._pool.reader() as reader, held(reader):
                reader.execute("BEGIN")
                try:
                    self._local.snapshot = Snapshot(reader, self._pool.kept(reader))
                    yield self._local.snapshot
                finally:
                    self._local.snapshot = None
                    roll_back(reader)

    def checkpoint(self, at_bytes: int, *, empty: bool = False) -> None:
        """Move the write-ahead log into the database if it has grown; from the first call on, commits leave it to this.

        Args:
            at_bytes: The length from which it is moved.
            empty: Give its space back too, unless somebody reads or writes; who wants to write meanwhile waits for it.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        with in_use(), translated(self.path):
            self._pool.leave_checkpoints(_LATE_CHECKPOINT_PAGES)
            log = self.path.with_name(self.path.name + "-wal")
            if not log.exists() or log.stat().st_size < at_bytes:
                return
            beside = open_writer(self.path, connect=self._connect, busy_timeout_ms=self._busy_timeout_ms)
            try:
                beside.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if empty else 'PASSIVE'})").fetchone()
            finally:
                beside.close()

    def keep_read(self, kib: int) -> None:
        """Have readers keep what they have read and what was made of it, as long as nobody writes.

        For a process that reads all day.

        Args:
            kib: Most memory of each reader for pages, in KiB.
        """
        self._pool.keep_read(kib)

    def feed(self, after: int | None = None) -> ChangeFeed:
        """A feed of the changes made from now on, by any process, over a connection of its own.

        Args:
            after: The id of the last event known, to go on from there.

        Raises:
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        from engine.db.feed import ChangeFeed  # only a live screen needs it

        return ChangeFeed(self.path, connect=self._connect, after=after)

    def version(self) -> int:
        """A number that is another one whenever anybody has committed, over a connection of its own.

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        if self._pulse is None:
            from engine.db.pulse import Pulse  # only a live screen over a database without events needs it

            self._pulse = Pulse(self.path)
        return self._pulse.version()

    def close(self) -> None:
        """Close this process's connections, those in use once they are given back; the next use opens what is there."""
        with in_use():
            self._pool.let_go()
            if self._pulse is not None:
                self._pulse.let_go()
            self._identity = None


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
