"""The change feed: learns of commits by any process within a poll, and costs microseconds while nothing happens."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from engine.core.events import Changes, Event
from engine.db.connection import open_reader, translated

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db.connection import Connect


class ChangeFeed:
    """Reads the event ring from where it last was.

    It owns a connection: `PRAGMA data_version` tells of other connections' commits only, so the connection must
    never be one that writes. Not safe for use from two threads at once.

    Args:
        path: The database file.
        connect: `sqlite3.connect`, or a stand-in with its signature.

    Raises:
        WorkspaceReadOnly: the file cannot be opened.
        WorkspaceCorrupt: the file is damaged.
        WorkspaceError: the disk failed.
    """

    def __init__(self, path: Path, *, connect: Connect = sqlite3.connect) -> None:
        self._path = path
        with translated(path):
            self._connection = open_reader(path, connect=connect, busy_timeout_ms=1_000)
            self._version = self._data_version()
            self._cursor = self._last_id()

    @property
    def cursor(self) -> int:
        """The id of the last event seen."""
        return self._cursor

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _last_id(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(row[0]) if row else 0

    def poll(self) -> Changes | None:
        """Look whether anything changed.

        Returns:
            `None` when nobody has committed an event since the last look (the common case: one pragma), else the
            latest event of every (kind, change, key).

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        with translated(self._path):
            version = self._data_version()
            if version == self._version:
                return None
            rows = self._connection.execute(
                "SELECT id, time_ms, kind, change, key, row_id FROM event WHERE id > ? ORDER BY id",
                (self._cursor,),
            ).fetchall()
        self._version = version
        if not rows:
            return None
        missed = rows[0][0] > self._cursor + 1
        self._cursor = rows[-1][0]
        latest: dict[tuple[str, str, str], Event] = {}
        for row in rows:
            event = Event(*row)
            what = (event.kind, event.change, event.key)
            latest.pop(what, None)
            latest[what] = event
        return Changes(tuple(latest.values()), missed=missed)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
