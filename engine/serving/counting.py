"""What this process has answered since it began, and how it gets from the tallies to the spool and to `/metrics`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.telemetry.histogram import add

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.serving.sharing import Shared, Standing
    from engine.serving.table import Flights, Table, Target
    from engine.telemetry.histogram import LatencyCounts
    from engine.telemetry.model import WindowDelta
    from engine.telemetry.spool import Spool

FLUSH_S = 0.25
"""How often tallies are handed on, in seconds."""

_KEEP_S = 60.0


class Whose(NamedTuple):
    """Whose sums these are: the labels of a metric.

    Args:
        endpoint: The endpoint's name.
        model: The model's name.
        version: The version's number.
        share: What it got.
    """

    endpoint: str
    model: str
    version: int
    share: str


@dataclass(slots=True)
class Sums:
    """Sums since the process began; see `WindowDelta`."""

    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: LatencyCounts = field(default_factory=dict)
    latency_us: int = 0
    unmirrored: int = 0
    compared: int = 0
    agreed: int = 0

    def add(self, delta: WindowDelta) -> None:
        """Add what was counted since the last time.

        Args:
            delta: That.
        """
        self.requests += delta.requests
        self.errors += delta.errors
        self.refused += delta.refused
        self.latency_us += delta.latency_us
        self.unmirrored += delta.unmirrored
        self.compared += delta.compared
        self.agreed += delta.agreed
        add(self.latency, delta.latency)


class _Old(NamedTuple):
    """A target that was replaced.

    Args:
        until_s: How long it is looked at in any case, by the monotonic clock: shadows answer when they can.
        flights: Of the tables whose requests may still count for it.
        target: The target.
        whose: Whose sums these are.
    """

    until_s: float
    flights: tuple[Flights, ...]
    target: Target
    whose: Whose

    def in_use(self) -> bool:
        """Whether a request is still under way."""
        return any(each.count for each in self.flights)


class Counting:
    """Empties the tallies; on the event loop alone.

    Args:
        spool: Gets what they hold; `None` for nowhere.
        shared: Where this worker and others tell each other of theirs; `None` when it is alone.

    Attributes:
        sums: What this process has answered since it began.
    """

    def __init__(self, spool: Spool | None, shared: Shared | None = None) -> None:
        self._spool = spool
        self._shared = shared
        self._targets: dict[int, tuple[Target, Whose]] = {}
        self._flights: list[Flights] = []
        self._old: list[_Old] = []
        self.sums: dict[Whose, Sums] = {}

    def renew(self, old: Table, new: Table) -> None:
        """Take the tallies of a new table; those of the old one are looked at while answers are under way, and after.

        Args:
            old: The table that was replaced.
            new: The one that replaces it.
        """
        # A target stays from table to table: what began on any that came before may still count for it.
        self._flights = [each for each in (*self._flights, old.flights) if each.count]
        flights = tuple(self._flights)
        before, self._targets = self._targets, {}
        for served in new.endpoints.values():
            for target in served.targets.values():
                self._targets[id(target)] = (target, _whose(served.name, target))
        until_s = time.monotonic() + _KEEP_S
        self._old += [_Old(until_s, flights, *each) for key, each in before.items() if key not in self._targets]

    def flush(self, now_s: float) -> None:
        """Hand on what was counted.

        Args:
            now_s: The time, in seconds since the epoch.
        """
        second = int(now_s)
        for target, whose in self._targets.values():
            self._take(target, whose, second)
        for each in self._old:
            self._take(each.target, each.whose, second)
        if self._old:
            monotonic_s = time.monotonic()
            self._old = [each for each in self._old if each.until_s > monotonic_s or each.in_use()]

    def publish(self, standing: Standing) -> None:
        """Tell the other workers what was counted, and how this one stands.

        Args:
            standing: Now.
        """
        if self._shared is not None:
            self._shared.publish(self.sums, standing)

    def standing(self, own: Standing) -> Standing:
        """How all workers stand.

        Args:
            own: How this one does.
        """
        return own if self._shared is None else self._shared.standing(own)

    def total(self) -> Mapping[Whose, Sums]:
        """What all workers have answered; of the others what they have told last."""
        return self.sums if self._shared is None else self._shared.all(self.sums)

    def _take(self, target: Target, whose: Whose, second: int) -> None:
        routed, pinned = target.tally.take(second), target.pinned.take(second)
        for delta in (routed, pinned):
            if delta is not None:
                self.sums.setdefault(whose, Sums()).add(delta)
        if routed is not None and self._spool is not None:
            self._spool.put_window(routed)


def _whose(endpoint: str, target: Target) -> Whose:
    return Whose(endpoint, target.loaded.model, target.loaded.version, target.share.value)
