"""Keeping what a probe found, in a telemetry database that may be missing, deleted or replaced at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.probing import probe_store
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from engine.core.access import Actor
    from engine.db.database import Database
    from engine.probing.model import Probe


def keep(telemetry: Database, actor: Actor, endpoint: int, probe: Probe) -> None:
    """Store what a probe found.

    Args:
        telemetry: The telemetry database; made when there is none.
        actor: Who writes it down.
        endpoint: The external endpoint's integer key.
        probe: What was found.

    Raises:
        QuarterdeckError: the database cannot be written.
    """
    with looking(telemetry) as view:
        there = view is not None
    if not there:
        telemetry.close()  # else what is still open is the file that was deleted
        telemetry.migrate()
    with telemetry.transaction(actor) as tx:
        probe_store.insert(tx, endpoint, probe)
