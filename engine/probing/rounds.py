"""Probing on a schedule, for the one process of a workspace that does: who is due is asked, a few at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.access import Actor
from engine.core.errors import QuarterdeckError
from engine.probing import probe_store, store
from engine.probing.keeping import keep
from engine.probing.model import DAY_MS, LOOKED_AT, HealthState, Probe, health_of
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.probing.asking import Asker
    from engine.probing.model import ExternalEndpoint

AT_ONCE = 16
"""How many endpoints are asked at once."""

PROBES_KEPT_MS = 2 * DAY_MS
"""How long each probe is kept."""

HOURS_KEPT_MS = 90 * DAY_MS
"""How long the sums over hours are kept."""

ACTOR = Actor("prober", via="prober")
"""Who writes down what was found."""

LOOK_S = 0.5
"""How often who is due is looked up, in seconds."""

_MOST = 10_000
_FORGET_MS = 60_000
_FORGOTTEN_AT_ONCE = 5_000


_GOLDEN = 0.618034  # its multiples spread evenly, whatever their number


@dataclass(slots=True)
class _Standing:
    """What the prober knows of an endpoint: when it is due, and how it did."""

    due_ms: int
    updated_ms: int
    probes: list[Probe]
    state: HealthState
    asked: bool = False


class Rounds:
    """Probes all external endpoints of a workspace, each in its own time.

    Args:
        database: The control database.
        telemetry: The telemetry database.
        clock: Tells the time.
        asker: Asks.
    """

    def __init__(self, database: Database, telemetry: Database, clock: Clock, asker: Asker) -> None:
        self._database = database
        self._telemetry = telemetry
        self._clock = clock
        self._asker = asker
        self._known: dict[int, _Standing] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._forget_ms = 0
        self._told = ""

    async def run(self, rest: Callable[[float], Awaitable[bool]], say: Callable[[str], None]) -> None:
        """Probe until told to end; an endpoint that hangs delays no other.

        Args:
            rest: Waits for so many seconds, or less when it is time to end, and says whether it is.
            say: Told of what goes wrong here, once each time.
        """
        while True:
            self._look(say)
            if await rest(LOOK_S):
                break
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _look(self, say: Callable[[str], None]) -> None:
        try:
            self._begin(say)
            self._forget()
        except QuarterdeckError as error:
            self._complain(error, say)

    def _complain(self, error: QuarterdeckError, say: Callable[[str], None]) -> None:
        if str(error) != self._told:
            self._told = str(error)
            say(self._told)

    def _begin(self, say: Callable[[str], None]) -> None:
        now_ms = self._clock.now_ms()
        with self._database.snapshot() as view:
            endpoints = store.page(view, after="", limit=_MOST)
        for gone in self._known.keys() - {each.row_id for each in endpoints}:
            del self._known[gone]
        self._learn(endpoints, now_ms)
        standings = ((each, self._known[each.row_id]) for each in endpoints)
        due = [(each, known) for each, known in standings if not known.asked and now_ms >= known.due_ms]
        for place, (endpoint, standing) in enumerate(due):
            standing.asked = True
            standing.due_ms = now_ms + endpoint.interval_ms - _early_ms(endpoint, standing)
            # One after the other until the next look: what is asked in one crowd is slow by our own doing.
            wait_s = LOOK_S * place / len(due)
            task = asyncio.get_running_loop().create_task(self._probe(endpoint, standing, wait_s, say))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _learn(self, endpoints: Sequence[ExternalEndpoint], now_ms: int) -> None:
        """Get to know who is new or changed: from what was found there before, they may not be due yet."""
        for endpoint in endpoints:
            known = self._known.get(endpoint.row_id)
            if known is not None and known.updated_ms != endpoint.updated_ms:
                known.due_ms, known.updated_ms = now_ms, endpoint.updated_ms
        new = [each for each in endpoints if each.row_id not in self._known]
        if not new:
            return
        with looking(self._telemetry) as view:
            for endpoint in new:
                rows = [] if view is None else probe_store.newest(view, endpoint.row_id, below=None, limit=LOOKED_AT)
                probes = [probe for _, probe in rows]
                last_ms = probes[0].time_ms if probes else 0
                due_ms = min(max(last_ms + endpoint.interval_ms, now_ms), now_ms + endpoint.interval_ms)
                health = health_of(endpoint, probes, now_ms)
                self._known[endpoint.row_id] = _Standing(due_ms, endpoint.updated_ms, probes, health.state)

    async def _probe(
        self, endpoint: ExternalEndpoint, standing: _Standing, wait_s: float, say: Callable[[str], None]
    ) -> None:
        try:
            await asyncio.sleep(wait_s)
            async with self._gate:
                probe = await self._asker.ask(endpoint)
            standing.probes = [probe, *standing.probes][:LOOKED_AT]
            await asyncio.to_thread(self._keep, endpoint, standing, probe)
            self._told = ""
        except QuarterdeckError as error:
            self._complain(error, say)
        finally:
            standing.asked = False

    def _keep(self, endpoint: ExternalEndpoint, standing: _Standing, probe: Probe) -> None:
        keep(self._telemetry, ACTOR, endpoint.row_id, probe)
        state = health_of(endpoint, standing.probes, self._clock.now_ms()).state
        if state is not standing.state:  # screens follow the control database: they hear of what changed, not of probes
            with self._database.transaction(ACTOR) as tx:
                tx.emit(kind="endpoint", change="health", key=endpoint.name, row_id=endpoint.row_id)
            standing.state = state

    def _forget(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms < self._forget_ms:
            return
        with looking(self._telemetry) as view:
            if view is None:
                return
        with self._telemetry.transaction(ACTOR) as tx:
            forgotten = probe_store.forget(
                tx,
                probes_before_ms=now_ms - PROBES_KEPT_MS,
                hours_before_ms=now_ms - HOURS_KEPT_MS,
                limit=_FORGOTTEN_AT_ONCE,
            )
        if forgotten < _FORGOTTEN_AT_ONCE:
            self._forget_ms = now_ms + _FORGET_MS


def _early_ms(endpoint: ExternalEndpoint, standing: _Standing) -> int:
    """How much earlier than after an interval the second probe comes: those registered together part that way."""
    return 0 if standing.probes else int(endpoint.interval_ms * (endpoint.row_id * _GOLDEN % 1) / 2)
