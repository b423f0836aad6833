"""The SQLite side of maintenance: whole-file copies, integrity, sizes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from engine.core.errors import Busy
from engine.db.connection import BUSY_TIMEOUT_MS, is_damage, open_reader, translated
from engine.db.disk import sync
from engine.db.forking import in_use
from engine.maintenance.model import TableStatistics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.db.transaction import Snapshot, Transaction


_PAGES_A_STEP = 2_000
_FIRST_FINDINGS = 5


def copy_database(
    source: Path, target: Path, *, alone: bool, progress: Callable[[int, int], None] | None = None
) -> None:
    """Copy a live database with SQLite's backup interface: one consistent state, WAL included, in one transaction.

    The source is read on one snapshot, or every commit by another process would begin the copy anew.

    Args:
        source: The database to read.
        target: The database to write; made when missing, replaced as a whole when there.
        alone: Leave the target as one file without a WAL beside it, for keeping; else as it was, for use.
        progress: Told pages done and pages in all.

    Raises:
        Busy: another process held one of the two too long.
        WorkspaceFull: no space is left; the target is as it was.
        WorkspaceCorrupt: one of the two is damaged.
        WorkspaceReadOnly: the target cannot be written.
        WorkspaceError: the disk failed.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000

    def tell(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise Busy(f"Another process has kept {target} locked for too long.", hint="Try again.")
        if progress is not None and total:
            progress(total - remaining, total)

    with (
        in_use(),
        translated(source),
        closing(_reader(source)) as reader,
        translated(target),
        closing(sqlite3.connect(target, isolation_level=None, timeout=60)) as writer,
    ):
        writer.execute("PRAGMA synchronous=FULL")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        reader.backup(writer, pages=_PAGES_A_STEP, progress=tell)
    if alone:
        fold_log(target)


def fold_log(path: Path) -> None:
    """Bring everything that a database holds into its one file, and leave no log beside it; nobody else may use it.

    Raises:
        WorkspaceFull: no space is left.
        WorkspaceError: the disk failed.
    """
    with in_use(), translated(path), closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA synchronous=FULL")
        writer.execute("PRAGMA journal_mode=DELETE")


def take_the_place(staged: Path, target: Path, damaged: Path) -> None:
    """Put a database, kept as one file, where one lies that cannot be opened, or none; the damaged one is kept.

    Nobody can have the target open for use. Its log goes first: a log beside a database that it is not of is the one
    thing that would spoil the new file.

    Args:
        staged: The database to use from now on, on the same file system.
        target: Where it goes.
        damaged: Where the old file goes; its log is put beside it.

    Raises:
        OSError: the disk failed; the target is the old or the new file.
    """
    for ending in ("", "-wal", "-shm"):
        old = target.with_name(target.name + ending)
        if old.exists():
            kept = damaged.with_name(damaged.name + ending)
            if ending:
                old.rename(kept)
            else:
                kept.hardlink_to(old)
    staged.rename(target)
    sync(target.parent)


def last_event(snapshot: Snapshot) -> int:
    """The greatest event number ever given out."""
    row = snapshot.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    return int(row[0]) if row else 0


def skip_events(tx: Transaction, beyond: int) -> None:
    """Give out no event number up to `beyond` again, so that feeds which have seen it notice a gap."""
    if tx.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'event'", (beyond,)).rowcount == 0:
        tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('event', ?)", (beyond,))


def integrity_problems(snapshot: Snapshot) -> tuple[str, ...]:
    """What SQLite finds wrong with the file itself; empty when it is sound."""
    try:
        rows = snapshot.execute("PRAGMA integrity_check").fetchmany(_FIRST_FINDINGS)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return (str(error),)  # some damage stops even the check
    return tuple(str(row[0]) for row in rows if row[0] != "ok")


def dangling_references(snapshot: Snapshot) -> tuple[str, ...]:
    """Rows that point at rows which are not there; empty when all is well."""
    rows = snapshot.execute("PRAGMA foreign_key_check").fetchmany(_FIRST_FINDINGS)
    return tuple(f"{table} row {row_id} points into {parent}" for table, row_id, parent, _ in rows)


def schema_version(snapshot: Snapshot) -> int:
    """The schema the database is at."""
    return int(snapshot.execute("PRAGMA user_version").fetchone()[0])


def free_bytes(snapshot: Snapshot) -> int:
    """Bytes inside the file that hold nothing and will be used first."""
    pages = int(snapshot.execute("PRAGMA freelist_count").fetchone()[0])
    return pages * int(snapshot.execute("PRAGMA page_size").fetchone()[0])


def stored_objects(snapshot: Snapshot) -> tuple[tuple[str, int], ...]:
    """Every artifact file the database speaks of: (sha256 hex digest, size in bytes)."""
    rows = snapshot.execute(
        """SELECT digest, size_bytes FROM artifact UNION SELECT digest, size_bytes FROM logged_model_file
           UNION SELECT digest, size_bytes FROM version_file
           UNION SELECT file_digest, size_bytes FROM build
           UNION SELECT digest, size_bytes FROM baseline ORDER BY 1"""
    )
    return tuple(rows.fetchall())


def table_statistics(path: Path) -> tuple[TableStatistics, ...]:
    """Every table with its rows and columns.

    In plain SQL: a server answers this, and sqlite-utils would load pandas into it, 97 MB that stay and half a second
    of processor for the first who asks.

    Args:
        path: The database file.

    Returns:
        One entry a table, by name.

    Raises:
        WorkspaceCorrupt: the file is damaged.
        WorkspaceError: the disk failed.
    """
    with in_use(), translated(path), closing(_reader(path)) as connection:
        columns: dict[str, list[str]] = {}
        named = """SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                   WHERE t.type = 'table' ORDER BY t.name, c.cid"""
        for table, column in connection.execute(named):
            columns.setdefault(table, []).append(column)
        return tuple(
            TableStatistics(table, _rows_of(connection, table), tuple(names)) for table, names in columns.items()
        )


def _rows_of(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')  # a name cannot be bound
    return int(connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])


def _reader(path: Path) -> sqlite3.Connection:
    return open_reader(path, connect=sqlite3.connect, busy_timeout_ms=BUSY_TIMEOUT_MS)[0]
