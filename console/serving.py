"""Who answers for this workspace, looked at once a second from any screen: a data plane that dies is seen at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.text import Part
    from engine.api import Engine
    from engine.endpoints.model import Endpoint, Plane

SETTLE_SECONDS = 12.0
"""So long after the last report rates still fall: they look back ten seconds."""

NEVER = 1e9
"""Seconds since a report that never came."""


@frozen
class Beat:
    """One look.

    Args:
        planes: The data planes that live.
        lost: Names of those that lived at the last look and do not now.
        planes_moved: Whether one came or went.
        quiet_seconds: How long ago anything was reported of traffic.
        unserved: Endpoints that should answer and do not, or not with what is desired.
        blind: Why nothing is known of traffic; empty when it is.
    """

    planes: tuple[Plane, ...] = ()
    lost: tuple[str, ...] = ()
    planes_moved: bool = False
    quiet_seconds: float = NEVER
    unserved: tuple[str, ...] = ()
    blind: str = ""

    @property
    def words(self) -> Part:
        """What the frame says: the worst of it; empty where nothing is to be served."""
        if self.unserved:
            more = f" +{len(self.unserved) - 1}" if len(self.unserved) > 1 else ""
            return (f"✗ {self.unserved[0][:20]}{more} not served", "bad" if not self.planes else "warn")
        if self.blind:
            return ("telemetry unreadable", "bad")
        if not self.planes:
            return ("", "")
        return (f"planes {len(self.planes)}", "good")

    @property
    def sentence(self) -> str:
        """What is said when data planes are gone."""
        left = f"{len(self.planes)} left" if self.planes else "none is left: callers get no answer"
        return f"Data plane {', '.join(self.lost)} is gone; {left}."


class PlaneWatch:
    """Looks at data planes; used by one thread at a time.

    Args:
        engine: The open workspace.
        now: Tells monotonic seconds.
    """

    def __init__(self, engine: Engine, now: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._now = now
        self._planes: tuple[Plane, ...] | None = None
        self._reported = -NEVER

    def look(self) -> Beat:
        """Look once; milliseconds at most.

        Raises:
            QuarterdeckError: the workspace cannot be read; telemetry that cannot is said, not raised.
        """
        before, planes = self._planes, self._engine.endpoints.planes()
        endpoints = self._engine.endpoints.page(limit=1_000).items
        blind = ""
        try:
            if self._engine.telemetry.changed():
                self._reported = self._now()
        except QuarterdeckError as error:
            blind = error.message
        self._planes = planes
        names = {each.id for each in planes}
        known = {each.id for each in before or ()}
        return Beat(
            planes,
            lost=tuple(sorted(known - names)),
            planes_moved=before is not None and names != known,
            quiet_seconds=self._now() - self._reported,
            unserved=tuple(each.name for each in endpoints if _unserved(each)),
            blind=blind,
        )


def _unserved(endpoint: Endpoint) -> bool:
    desired = endpoint.desired
    return desired is not None and bool(desired.routes) and not desired.killed and not endpoint.settled
