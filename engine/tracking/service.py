"""The operations on runs, all in one place: reading, writing, importing."""

from __future__ import annotations

from engine.tracking.importing import RunImporting


class Runs(RunImporting):
    """Runs of a workspace: start, log, search, compare, change.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: The artifact files.
        clock: Tells the time of points without one, and which runs are lost.
        ids: Makes run ids.
    """
