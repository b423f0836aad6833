"""The change feed: learns of commits by any process within a poll, and costs microseconds while nothing happens."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from engine.core.errors import WorkspaceReplaced
from engine.core.events import Changes, Event
from engine.db.connection import file_identity, open_reader, translated
from engine.db.forking import close_before_fork, in_use

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db.connection import Connect

_BUSY_TIMEOUT_MS = 1_000


class ChangeFeed:
    """Reads the event ring from where it last was.

    It owns a connection: `PRAGMA data_version` tells of other connections' commits only, so the connection must
    never be one that writes. Safe to use from several threads; each change is told to one of them.

    Args:
        path: The database file.
        connect: `sqlite3.connect`, or a stand-in with its signature.
        after: The id of the last event known; the newest when `None`.

    Raises:
        WorkspaceMissing: there is no such file.
        WorkspaceReadOnly: the file cannot be opened.
        WorkspaceCorrupt: the file is damaged.
        WorkspaceError: the disk failed.
    """

    def __init__(self, path: Path, *, connect: Connect = sqlite3.connect, after: int | None = None) -> None:
        self._path = path
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._lasting = True
        self._version: int | None = None
        self._identity = file_identity(path)
        with in_use(), translated(path):
            connection = self._opened()
            self._version = _data_version(connection) if after is None else None
            self._cursor = _last_id(connection) if after is None else after
        close_before_fork(self)

    @property
    def cursor(self) -> int:
        """The id of the last event seen."""
        return self._cursor

    def poll(self) -> Changes | None:
        """Look whether anything changed.

        Returns:
            `None` when nobody has committed an event since the last look (the common case: one pragma), else the
            latest event of every (kind, change, key). `missed` when events were dropped unseen, or the workspace was
            brought back to an earlier state.

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceMissing: the file was deleted or moved away.
            WorkspaceReplaced: another file has taken its place; a new feed reads that one.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        with in_use(), self._lock, translated(self._path):
            if file_identity(self._path) != self._identity:
                raise WorkspaceReplaced(f"{self._path} was replaced while it was watched.", hint="Watch it anew.")
            try:
                return self._look(self._opened())
            finally:
                if not self._lasting:
                    self.let_go()

    def _look(self, connection: sqlite3.Connection) -> Changes | None:
        version = _data_version(connection)
        if version == self._version:
            return None
        rows = connection.execute(
            "SELECT id, time_ms, kind, change, key, row_id FROM event WHERE id > ? ORDER BY id", (self._cursor,)
        ).fetchall()
        # Another commit may come between the two statements, so the last id only tells whether the ring went back.
        last = rows[-1][0] if rows else min(self._cursor, _last_id(connection))
        went_back = last < self._cursor
        missed = went_back or bool(rows and rows[0][0] > self._cursor + 1)
        self._version, self._cursor = version, last
        return Changes(_latest(rows), missed=missed) if rows or went_back else None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection, self._lasting = open_reader(
                self._path, connect=self._connect, busy_timeout_ms=_BUSY_TIMEOUT_MS
            )
        return self._connection

    def let_go(self) -> None:
        """Close the connection; the next poll opens another and goes on from the same event."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._version = None

    def close(self) -> None:
        """Close the connection."""
        with in_use(), self._lock:
            self.let_go()


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _last_id(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    return int(row[0]) if row else 0


def _latest(rows: list[tuple[int, int, str, str, str, int | None]]) -> tuple[Event, ...]:
    latest: dict[tuple[str, str, str], Event] = {}
    for row in rows:
        event = Event(*row)
        what = (event.kind, event.change, event.key)
        latest.pop(what, None)
        latest[what] = event
    return tuple(latest.values())
