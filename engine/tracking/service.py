"""The operations on runs, all in one place."""

from __future__ import annotations

from engine.tracking.curves import RunCurves
from engine.tracking.grouping import RunGrouping
from engine.tracking.importing import RunImporting
from engine.tracking.recording import RunRecording
from engine.tracking.series import RunSeries


class Runs(RunRecording, RunCurves, RunSeries, RunImporting, RunGrouping):
    """Runs of a workspace: start, log, search, compare, change, import.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: The artifact files.
        clock: Tells the time of points without one, and which runs are lost.
        ids: Makes run ids.
    """
