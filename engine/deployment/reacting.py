"""What a monitor does about an alert it has opened, when its settings say so: through the operations people use."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Actor
from engine.core.errors import Conflict, NotFound, Refused
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.db.database import Database
    from engine.deployment.rollouts import Rollouts
    from engine.monitoring.model import Monitor, MonitorResult

PAUSE, REQUEST = "pause rollout", "request rollback"
"""What settings call it."""

_MOST_SAID = 500


class Reactions:
    """Acts on alerts that monitors open.

    Args:
        database: The control database.
        rollouts: Rollouts in the hands of somebody.
        actor: Who runs the monitors.
    """

    def __init__(self, database: Database, rollouts: Callable[[Actor], Rollouts], actor: Actor) -> None:
        self._database = database
        self._rollouts = rollouts
        self._actor = actor

    def act(self, monitor: Monitor, result: MonitorResult) -> None:
        """Do what a monitor's settings ask for.

        A rollout that runs is paused, or given up: its version gets no traffic any more. Where none runs, a rollback of
        the endpoint is asked for in the audit log and told to live screens; a person decides. What is refused, because
        somebody was quicker or the role does not allow it, is left.

        Args:
            monitor: The monitor.
            result: What opened the alert.

        Raises:
            QuarterdeckError: the database cannot be written now.
        """
        endpoint = result.subject.endpoint
        if not endpoint or not monitor.settings.actions:
            return
        actor = Actor(self._actor.name, f"monitor {monitor.name}", "analysis", self._actor.on_behalf_of)
        reason = clean(f"The monitor {monitor.name} has opened an alert: {result.sentence}", limit=_MOST_SAID)
        with suppress(NotFound, Conflict, Refused):
            rollouts = self._rollouts(actor)
            runs = rollouts.open_of(endpoint) is not None
            if REQUEST in monitor.settings.actions and runs:
                rollouts.abort(endpoint, reason=reason)
            elif PAUSE in monitor.settings.actions and runs:
                rollouts.pause(endpoint, reason=reason)
            elif REQUEST in monitor.settings.actions:
                self._request(actor, endpoint, result, reason)

    def _request(self, actor: Actor, endpoint: str, result: MonitorResult, reason: str) -> None:
        asked = {"version": result.subject.key, "monitor": result.monitor, "result": result.id}
        with self._database.transaction(actor) as tx:
            record(tx, verb="request rollback", kind="endpoint", key=endpoint, before=None, after=asked, reason=reason)
            tx.emit(kind="endpoint", change="rollback requested", key=endpoint)
