"""Whether a database can be written: as far as the file system tells it beforehand, or by writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.db.connection import unwritable

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.core.errors import WorkspaceError
    from engine.db.database import Database


class Storage:
    """Tells whether a database can be written.

    Args:
        database: The database.
        access: Who would write.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def obstacle(self) -> WorkspaceError | None:
        """What would keep the next change from being written, as the file system tells it; nothing is written."""
        return None if self._database.read_only else unwritable(self._database.path)

    def try_writing(self) -> None:
        """Write what is there already, to find out whether a change could be written; it tells nobody of a change.

        Raises:
            Busy: somebody else is writing.
            QuarterdeckError: as `Database.transaction`; then no change can be written.
        """
        with self._database.group(wait=False), self._database.transaction(self._access.actor) as tx:
            version = tx.execute("PRAGMA user_version").fetchone()[0]
            tx.execute(f"PRAGMA user_version={version:d}")
