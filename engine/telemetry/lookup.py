"""What the parts of the telemetry service share: the database, who acts, and what the time is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.workspace import Workspace


class TelemetryPart:
    """A part of the telemetry service.

    Args:
        workspace: Where it is.
        database: The telemetry database.
        access: Who acts.
        clock: Tells the time.
        find: Finds an endpoint's row id by its name; raises `NotFound`.
    """

    def __init__(
        self, workspace: Workspace, database: Database, access: Access, clock: Clock, find: Callable[[str], int]
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._access = access
        self._clock = clock
        self._find = find

    def _row_id(self, endpoint: int | str) -> int:
        return self._find(endpoint) if isinstance(endpoint, str) else endpoint
