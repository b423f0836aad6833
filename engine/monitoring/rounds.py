"""Rounds: monitors that are due look, under their leases; what they find is kept with what it raises."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from engine.alerts.model import Change
from engine.alerts.raising import observe
from engine.core.complaints import Complaints
from engine.core.errors import Conflict, QuarterdeckError
from engine.core.frozen import frozen
from engine.core.text import clean
from engine.monitoring import store
from engine.monitoring.leases import LEASE_MS, taken
from engine.monitoring.looking import result_of, signals
from engine.monitoring.memory import SINCE, Memory
from engine.monitoring.model import Kind, Monitor, Source, Verdict
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.core.access import Actor
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.monitoring.looking import Finding, Look, Test
    from engine.monitoring.model import MonitorResult
    from engine.monitoring.watching import Seen
    from engine.policy.monitors import MonitorSettings

KEPT_MS = 400 * 24 * 3_600_000
"""How long results are kept, in milliseconds."""

_FORGOTTEN_AT_ONCE = 500
_TO_ACT = "to act"
"""The part that holds results which opened alerts and were not acted on yet."""


class Runner(NamedTuple):
    """Who looks.

    Args:
        owner: A name no other process has, such as `gate-1:4711:5f3a`.
        actor: As whom it writes.
        lasts_ms: How long its leases last after each look, in milliseconds; 0 gives them up at once.
    """

    owner: str
    actor: Actor
    lasts_ms: int = LEASE_MS


@frozen
class Sight:
    """How a monitor sees: what the composition of a workspace gives it.

    Args:
        tests: Makes what looks, by kind.
        seen: Looks at what is new: the view of the telemetry database if there is one, the monitor, what looks, the
            memory, the time.
        moments: When a monitor would have looked between two times.
        count: Counts what came into profiles by minute, in the telemetry database.
        act: Does what the settings ask for when an alert opens.
    """

    tests: Callable[[MonitorSettings], Mapping[Kind, Test]]
    seen: Callable[[Snapshot | None, Monitor, Mapping[Kind, Test], Memory, int], Iterator[Seen]]
    moments: Callable[[Snapshot | None, Monitor, int, int], Iterable[int]]
    count: Callable[[Database, Monitor, Actor], None]
    act: Callable[[Monitor, MonitorResult], None]


class Rounds:
    """Has monitors look.

    Args:
        database: The control database.
        telemetry: The telemetry database.
        sight: How they see.
        clock: Tells the time.
    """

    def __init__(self, database: Database, telemetry: Database, sight: Sight, clock: Clock) -> None:
        self._database = database
        self._telemetry = telemetry
        self._sight = sight
        self._clock = clock

    def run(self, monitor: Monitor, runner: Runner) -> tuple[MonitorResult, ...] | None:
        """Have one monitor look at all that is new.

        Args:
            monitor: The monitor, as it is declared now.
            runner: Who looks.

        Returns:
            What it found; `None` when another process looks.

        Raises:
            QuarterdeckError: a database cannot be read or written now.
        """
        held = self._take(monitor, runner)
        if held is None:
            return None
        number, fence, memory = held
        found: list[MonitorResult] = []
        problem = ""
        try:
            self._act(monitor, runner.actor, number, memory)
            found += self._looked(monitor, runner, number, fence, memory)
        except Conflict:
            return tuple(found)  # another process took over; what it has not kept, that one finds
        except QuarterdeckError as error:
            problem = clean(error.message, limit=300)
        except Exception as error:  # noqa: BLE001 a monitor that breaks must not keep the others from looking
            Complaints().say(f"the monitor {monitor.name}", error)
            problem = f"Internal error: {type(error).__name__}."
        self._ended(number, fence, runner, memory, monitor, problem)
        return tuple(found)

    def _looked(self, monitor: Monitor, runner: Runner, number: int, fence: int, memory: Memory) -> list[MonitorResult]:
        """Look at all that is new, keep it, and act on what it raised."""
        found: list[MonitorResult] = []
        if Kind.DRIFT.value in monitor.settings.tests:
            self._sight.count(self._telemetry, monitor, runner.actor)
        now_ms = self._clock.now_ms()
        begun = _begun(monitor, now_ms)
        with looking(self._telemetry) as view:
            tests = self._sight.tests(monitor.settings)
            for seen in self._sight.seen(view, begun, tests, memory, now_ms):
                found += self._keep(number, fence, runner, memory, seen)
                self._act(monitor, runner.actor, number, memory)
        return found

    def _act(self, monitor: Monitor, actor: Actor, number: int, memory: Memory) -> None:
        """Do what the settings ask for about alerts that were opened, also those of a process that died meanwhile."""
        waiting = memory.said(_TO_ACT, [])
        for result_id in waiting:
            with self._database.snapshot() as view:
                result = store.result(view, result_id)
            if result is not None:
                self._sight.act(monitor, result)
        if waiting:
            memory.say(_TO_ACT, [])
            with self._database.transaction(actor) as tx:
                store.remember(tx, number, memory.changed())

    def dry(self, monitor: Monitor) -> tuple[MonitorResult, ...]:
        """Have one monitor look at all that is new, and keep nothing.

        Args:
            monitor: The monitor.

        Returns:
            What it would find; nothing of it is said to alerts.

        Raises:
            QuarterdeckError: a database cannot be read now.
        """
        now_ms = self._clock.now_ms()
        with self._database.snapshot() as view:
            row = store.get(view, monitor.name, now_ms)
            memory = Memory({} if row is None else store.memory(view, row.id))
        with looking(self._telemetry) as telemetry:
            tests = self._sight.tests(monitor.settings)
            looks = self._sight.seen(telemetry, _begun(monitor, now_ms), tests, memory, now_ms)
            return tuple(result_of(look, finding) for seen in looks for look, finding in seen.found)

    def _take(self, monitor: Monitor, runner: Runner) -> tuple[int, int, Memory] | None:
        """The monitor's number, the fence of the lease, and the memory; `None` when somebody else holds it."""
        with self._database.transaction(runner.actor) as tx:
            number = declared(tx, monitor)
            lease = taken(store.lease(tx, number), runner.owner, tx.now_ms, runner.lasts_ms or LEASE_MS)
            if lease is None:
                return None
            store.put_lease(tx, number, lease)
            return number, lease.fence, Memory(store.memory(tx, number))

    def _keep(self, number: int, fence: int, runner: Runner, memory: Memory, seen: Seen) -> list[MonitorResult]:
        with self._database.transaction(runner.actor) as tx:
            self._hold(tx, number, fence, runner)
            found = [self._kept(tx, number, fence, look, finding) for look, finding in seen.found]
            opened_now = [each.id for each in found if Change.OPENED.value in each.paged]
            if opened_now:
                memory.say(_TO_ACT, [*memory.said(_TO_ACT, []), *opened_now])
            store.remember(tx, number, memory.changed())
            if found and not seen.revised:
                worst = max(found, key=lambda each: _RANK[each.verdict])
                store.found(tx, number, worst.verdict, worst.sentence)
            if found:
                tx.emit(kind="monitor", change="looked", key=found[0].monitor, row_id=number)
        return found

    def _kept(self, tx: Transaction, number: int, fence: int, look: Look, finding: Finding) -> MonitorResult:
        """Keep what was found, with the alerts it raises."""
        paged = [change.change.value for signal in signals(look, finding) for change in observe(tx, signal)]
        result = replace(result_of(look, finding), paged=tuple(paged), made_ms=tx.now_ms)
        result = replace(result, revision=store.revision(tx, number, result))
        try:
            made = store.insert_result(tx, number, result, fence=fence)
        except sqlite3.IntegrityError as error:
            raise Conflict("Another process has looked at this window.") from error
        store.insert_points(
            tx, made, ((each.basis.value, each.metric, each.value, each.error, each.rows) for each in finding.points)
        )
        return replace(result, id=made)

    def _hold(self, tx: Transaction, number: int, fence: int, runner: Runner) -> None:
        """Make sure that the lease is still held, and hold it for longer."""
        held = store.lease(tx, number)
        if held is None or (held.owner, held.fence) != (runner.owner, fence):
            raise Conflict("Another process looks after this monitor now.")
        store.put_lease(tx, number, store.Lease(runner.owner, fence, tx.now_ms + (runner.lasts_ms or LEASE_MS)))

    def _ended(self, number: int, fence: int, runner: Runner, memory: Memory, monitor: Monitor, problem: str) -> None:
        with suppress(Conflict), self._database.transaction(runner.actor) as tx:
            self._hold(tx, number, fence, runner)
            store.remember(tx, number, memory.changed())
            if not runner.lasts_ms:
                store.put_lease(tx, number, store.Lease(runner.owner, fence, tx.now_ms))
            store.looked(tx, number, next_ms=tx.now_ms + monitor.settings.every_ms, problem=problem)
            store.forget_results(tx, number, tx.now_ms - KEPT_MS, _FORGOTTEN_AT_ONCE)


def _begun(monitor: Monitor, now_ms: int) -> Monitor:
    """The monitor with a beginning: one of the file that never ran begins now."""
    return monitor if monitor.created_ms else replace(monitor, created_ms=now_ms)


_RANK = {Verdict.OK: 0, Verdict.WAITING: 1, Verdict.FAILED: 2, Verdict.DRIFT: 3}

_RESET = ("target", "window", "step", "tests")
"""Settings that make what a monitor remembers worthless when they change."""


def declared(tx: Transaction, monitor: Monitor) -> int:
    """Make what is stored of a monitor agree with what is declared.

    Args:
        tx: The caller's transaction.
        monitor: As it is declared.

    Returns:
        Its number.
    """
    row = store.get(tx, monitor.name, tx.now_ms)
    if row is None:
        return store.insert(tx, replace(monitor, created_ms=tx.now_ms, created_by=monitor.created_by))
    if (row.monitor.settings, row.monitor.source) != (monitor.settings, monitor.source):
        store.update(tx, row.id, replace(row.monitor, settings=monitor.settings, source=monitor.source))
        if any(getattr(row.monitor.settings, name) != getattr(monitor.settings, name) for name in _RESET):
            store.forget(tx, row.id)
            since = Memory()
            since.say(SINCE, tx.now_ms)
            store.remember(tx, row.id, since.changed())
    return row.id


def due(monitors: Iterable[Monitor], now_ms: int) -> tuple[Monitor, ...]:
    """Monitors that look now: enabled, and their time has come; the one that waited longest first.

    Args:
        monitors: All of them.
        now_ms: The time, in milliseconds since the epoch.
    """
    # What lies further ahead than a monitor ever waits was written by a clock that has been set right since.
    ready = [
        each
        for each in monitors
        if each.enabled and (each.next_ms is None or not now_ms < each.next_ms <= now_ms + each.settings.every_ms)
    ]
    return tuple(sorted(ready, key=lambda each: (each.next_ms or 0, each.name)))


def listed(stored: Mapping[str, store.Row], from_file: Mapping[str, MonitorSettings]) -> tuple[Monitor, ...]:
    """All monitors by name: those of the file, which come first where a name is in both, and those made by command.

    Args:
        stored: What is stored, by name.
        from_file: What the file declares, by name.
    """
    found: dict[str, Monitor] = {}
    for name, row in stored.items():
        if name in from_file:
            found[name] = replace(row.monitor, settings=from_file[name], source=Source.FILE)
        elif row.monitor.source is Source.COMMAND:
            found[name] = row.monitor
    for name, settings in from_file.items():
        found.setdefault(name, Monitor(name, settings, Source.FILE))
    return tuple(found[name] for name in sorted(found))


def opened(result: MonitorResult) -> bool:
    """Whether a result opened an alert, or made one worse: somebody was told."""
    return any(word in result.paged for word in (Change.OPENED.value, Change.WORSENED.value))
