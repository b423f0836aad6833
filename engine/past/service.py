"""The past of a workspace: databases as they were, and the changes that lead through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import NotFound
from engine.db.migrations import CONTROL, TELEMETRY
from engine.db.past import PastDatabase, Readers
from engine.past import cut_store
from engine.past.turning_store import TelemetryTurning, Turning

if TYPE_CHECKING:
    from engine.audit.model import AuditEntry
    from engine.audit.service import AuditLog
    from engine.core.moment import Moment
    from engine.db.database import Database
    from engine.db.workspace import Workspace
    from engine.past.model import Cut, Subject


class PastClock:
    """Stands still at the end of a past.

    Args:
        database: The control database as it was.
    """

    def __init__(self, database: PastDatabase[Cut]) -> None:
        self._database = database

    def now_ms(self) -> int:
        """The moment, in milliseconds since the epoch."""
        return self._database.cut.time_ms


class Past:
    """Tells which changes there were, and gives the databases as they were.

    Args:
        workspace: Where the files are.
        database: The control database.
        audit: The audit log.
    """

    def __init__(self, workspace: Workspace, database: Database, audit: AuditLog) -> None:
        self._workspace = workspace
        self._database = database
        self._audit = audit
        self._readers = Readers(workspace.control_db)
        self._telemetry_readers = Readers(workspace.telemetry_db)

    def control(self, moment: Moment) -> PastDatabase[Cut]:
        """The control database as it was; nothing is read before it is used.

        Args:
            moment: The moment.
        """
        return PastDatabase(
            self._workspace.control_db,
            lambda reader: cut_store.cut(reader, moment),
            Turning,
            schema=CONTROL,
            readers=self._readers,
        )

    def telemetry(self, control: PastDatabase[Cut]) -> PastDatabase[Cut]:
        """The telemetry database as it was at the moment of a control database.

        Args:
            control: The control database as it was.
        """
        return PastDatabase(
            self._workspace.telemetry_db,
            lambda _reader: control.cut,
            TelemetryTurning,
            schema=TELEMETRY,
            readers=self._telemetry_readers,
        )

    def close(self) -> None:
        """Close the readers of all moments."""
        self._readers.close()
        self._telemetry_readers.close()

    def before(self, subject: Subject, change: int | None = None) -> AuditEntry | None:
        """The last change of something before another.

        Args:
            subject: What it must concern.
            change: The number of the other; `None` for the newest of all.

        Returns:
            The change; `None` when there is none.

        Raises:
            QuarterdeckError: the database cannot be read.
        """
        return self._neighbour(subject, change, back=True)

    def after(self, subject: Subject, change: int) -> AuditEntry | None:
        """The next change of something after another.

        Args:
            subject: What it must concern.
            change: The number of the other.

        Returns:
            The change; `None` when it was the newest.

        Raises:
            QuarterdeckError: the database cannot be read.
        """
        return self._neighbour(subject, change, back=False)

    def change_at(self, moment: Moment) -> AuditEntry | None:
        """The last change that had happened at a moment.

        Args:
            moment: The moment.

        Returns:
            The change; `None` when nothing had happened yet.

        Raises:
            NotFound: there is no change of that number.
            QuarterdeckError: the database cannot be read.
        """
        seq = self.control(moment).cut.seq
        return None if seq == 0 else self._audit.entry(seq)

    def _neighbour(self, subject: Subject, change: int | None, *, back: bool) -> AuditEntry | None:
        with self._database.snapshot() as view:
            found = cut_store.neighbour(view, subject, change, back=back)
        try:
            return None if found is None else self._audit.entry(found)
        except NotFound:  # the workspace was replaced between the two readings
            return None
