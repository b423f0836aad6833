"""Looking into a telemetry database that may not be there yet: then there is nothing, and nothing is made."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.core.errors import WorkspaceMissing, WorkspaceReplaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.db.database import Database
    from engine.db.transaction import Snapshot


@contextmanager
def looking(database: Database) -> Iterator[Snapshot | None]:
    """Open a view for reading.

    Args:
        database: The telemetry database.

    Yields:
        The view; `None` when nothing was ever captured.

    Raises:
        ReadOnlyMode: the file must be brought up to date first, but this session is read-only.
        QuarterdeckError: it cannot be read.
    """
    if not database.path.exists():
        yield None
        return
    try:
        with database.snapshot() as view:
            pass
    except (WorkspaceMissing, WorkspaceReplaced):
        database.close()  # deleted or replaced while it was open; the next use takes the one that is there
    if not database.path.exists():
        yield None
        return
    with database.snapshot() as view:
        yield view
