"""Whether a database was written to, without asking what: for live screens over one that has no event ring."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from engine.core.errors import WorkspaceMissing
from engine.db.connection import file_identity, open_reader, translated
from engine.db.forking import close_before_fork, in_use

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db.connection import FileIdentity

_BUSY_TIMEOUT_MS = 1_000


class Pulse:
    """Watches one database file over a connection of its own. Safe to use from several threads.

    Args:
        path: The file; need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[FileIdentity, int] | None = None
        self._version = 0
        self._identity: FileIdentity | None = None
        close_before_fork(self)

    def version(self) -> int:
        """A number that is another one whenever somebody has committed, or the file came, went or was replaced.

        Raises:
            Busy: another process was recovering the database for too long.
            WorkspaceReadOnly: the file cannot be opened.
            WorkspaceCorrupt: the file is damaged.
            WorkspaceError: the disk failed.
        """
        with in_use(), self._lock, translated(self._path):
            before = self._seen
            self._seen = self._look()
            self._version += self._seen != before
            return self._version

    def let_go(self) -> None:
        """Close the connection; the next look opens another, and takes all for changed."""
        connection, self._connection = self._connection, None
        self._seen = None
        if connection is not None:
            connection.close()

    def _look(self) -> tuple[FileIdentity, int] | None:
        try:
            identity = file_identity(self._path)
        except WorkspaceMissing:
            self.let_go()
            return None
        if self._connection is None or identity != self._identity:
            self.let_go()
            self._identity = identity
            self._connection, lasting = open_reader(
                self._path, connect=sqlite3.connect, busy_timeout_ms=_BUSY_TIMEOUT_MS
            )
            if not lasting:  # it would never notice anything
                self.let_go()
                return identity, -1
        return identity, int(self._connection.execute("PRAGMA data_version").fetchone()[0])
