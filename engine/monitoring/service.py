"""Monitors: the operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.alerts import raising
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, Busy, Conflict, InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.core.text import clean
from engine.monitoring import store
from engine.monitoring.backtesting import replayed
from engine.monitoring.model import (
    Backtest,
    Basis,
    Monitor,
    MonitorResult,
    PerformancePoint,
    ResultQuery,
    Source,
)
from engine.monitoring.rounds import Rounds, Runner, declared, due, listed
from engine.policy.monitors import checked_settings, monitor_name_problem, written_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from engine.alerts.model import AlertChange
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.monitoring.rounds import Sight
    from engine.policy.file import PolicyFile

MAX_PAGE = 1_000
MAX_REASON = 1_000


class Monitors:
    """What looks at windows of traffic and files, and what it finds.

    Args:
        database: The control database.
        telemetry: The telemetry database.
        access: Who acts.
        policy_file: Declares monitors, too.
        sight: How monitors see.
        clock: Tells the time.
    """

    def __init__(
        self,
        database: Database,
        telemetry: Database,
        access: Access,
        policy_file: PolicyFile,
        sight: Sight,
        clock: Clock,
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._access = access
        self._policy_file = policy_file
        self._sight = sight
        self._clock = clock
        self._rounds = Rounds(database, telemetry, sight, clock)

    def create(self, name: str, settings: Mapping[str, Any]) -> Monitor:
        """Make a monitor; it looks at windows from the one on that was over last.

        Args:
            name: Its name.
            settings: What `[monitors.NAME]` in `quarterdeck.toml` would say: at least `target`.

        Returns:
            The monitor.

        Raises:
            AlreadyExists: there is one of that name, here or in the file.
            InvalidInput: it can have no such name, or settings are wrong; the details name all of them.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "monitors create")
        problem = monitor_name_problem(name)
        if problem:
            raise InvalidInput(f"{clean(name, limit=70)!r} {problem}")
        made = Monitor(name, checked_settings(settings), Source.COMMAND, created_by=actor.name)
        self._refuse_of_file(name)
        with self._database.transaction(actor) as tx:
            made = replace(made, created_ms=tx.now_ms)
            row = store.get(tx, name, tx.now_ms)
            if row is not None and row.monitor.source is Source.COMMAND:
                raise AlreadyExists(f"There is a monitor {name}.", hint=f"See `qd monitors show {name}`.")
            if row is not None:  # once of the file, which no longer says so
                store.delete(tx, row.id)
            number = store.insert(tx, made)
            record(tx, verb="create", kind="monitor", key=name, before=None, after=_facts(made))
            tx.emit(kind="monitor", change="created", key=name, row_id=number)
        return made

    def change(self, name: str, settings: Mapping[str, Any]) -> Monitor:
        """Change how a monitor looks. One with another target or other windows begins anew.

        Args:
            name: Its name.
            settings: What is to be other than it is, as `[monitors.NAME]` would say it; `None` for the usual.

        Returns:
            The monitor as it is now.

        Raises:
            NotFound: there is no such monitor.
            Conflict: it is declared in `quarterdeck.toml`; change it there.
            InvalidInput: settings are wrong; the details name all of them.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "monitors change")
        before = self.get(name)
        self._refuse_of_file(name)
        merged = {**written_settings(before.settings), **settings}
        if "window" in settings and "step" not in settings:
            merged.pop("step")
        after = replace(
            before, settings=checked_settings({key: value for key, value in merged.items() if value is not None})
        )
        with self._database.transaction(actor) as tx:
            declared(tx, after)
            record(tx, verb="change", kind="monitor", key=name, before=_facts(before), after=_facts(after))
            tx.emit(kind="monitor", change="changed", key=name)
        return after

    def delete(self, name: str) -> None:
        """Delete a monitor, with what it found; its alerts end.

        Args:
            name: Its name.

        Raises:
            NotFound: there is no such monitor.
            Conflict: it is declared in `quarterdeck.toml`; take it out there, or pause it.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "monitors delete")
        self._refuse_of_file(name)
        with self._database.transaction(actor) as tx:
            row = _stored(tx, name, tx.now_ms)
            raising.forget(tx, name)
            store.delete(tx, row.id)
            record(tx, verb="delete", kind="monitor", key=name, before=_facts(row.monitor), after=None)
            tx.emit(kind="monitor", change="deleted", key=name, row_id=row.id)

    def pause(self, name: str, *, reason: str) -> Monitor:
        """Have a monitor look no more until it is resumed; then it catches up.

        Args:
            name: Its name.
            reason: Why; kept in the audit log.

        Returns:
            The monitor as it is now.

        Raises:
            NotFound: there is no such monitor.
            Conflict: it is paused already.
            InvalidInput: the reason is empty or too long.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if not reason.strip() or len(reason) > MAX_REASON:
            raise InvalidInput(f"A reason has from 1 to {MAX_REASON} characters.")
        return self._switch(name, reason, "pause")

    def resume(self, name: str, *, reason: str = "") -> Monitor:
        """Have a paused monitor look again; it begins with the windows that were over meanwhile.

        Args:
            name: Its name.
            reason: Why; kept in the audit log.

        Returns:
            The monitor as it is now.

        Raises:
            NotFound: there is no such monitor.
            Conflict: it is not paused.
            InvalidInput: the reason is too long.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        return self._switch(name, reason, "resume")

    def get(self, name: str) -> Monitor:
        """One monitor.

        Args:
            name: Its name.

        Raises:
            NotFound: there is no such monitor.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        found = next((each for each in self._all() if each.name == name), None)
        if found is None:
            raise NotFound(f"There is no monitor {clean(name, limit=70)}.", hint="See `qd monitors list`.")
        return found

    def page(self, *, limit: int = 100, page_token: str | None = None) -> Page[Monitor]:
        """List monitors by name: those of `quarterdeck.toml`, and those made by command.

        Args:
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The monitors.

        Raises:
            InvalidInput: the limit is out of range, or the page token is not of this list.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        _check_limit(limit)
        start = 0 if page_token is None else decode_number(page_token)
        everything = self._all()
        more = len(everything) > start + limit
        return Page(everything[start : start + limit], encode_token(start + limit) if more else None)

    def due(self) -> tuple[Monitor, ...]:
        """Monitors whose time has come; the one that waited longest first.

        Raises:
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        return due(self._all(), self._clock.now_ms())

    def end_undeclared(self) -> tuple[AlertChange, ...]:
        """End the alerts of monitors that were taken out of `quarterdeck.toml`, as nobody else would.

        Called by the process that runs monitors, every few seconds; writes only when there is something to end. What
        they found stays, and so does what they remember: declared again, they go on.

        Returns:
            What happened.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone.
        """
        actor = self._access.require(Role.OPERATOR, "monitors run")
        file = frozenset(self._policy_file.read().monitors)
        with self._database.snapshot() as view:
            if not self._undeclared(view, file):
                return ()
        told: list[AlertChange] = []
        with self._database.transaction(actor) as tx:
            for name in self._undeclared(tx, file):
                told += raising.forget(tx, name, "Its monitor is declared no more.")
                tx.emit(kind="monitor", change="changed", key=name)
        return tuple(told)

    def _undeclared(self, view: Snapshot, file: Collection[str]) -> tuple[str, ...]:
        """Monitors of the file that it does not name any more, and which have alerts that are not resolved."""
        stored = store.everything(view, self._clock.now_ms())
        found = sorted(raising.alarmed(view).difference(file))
        return tuple(each for each in found if each in stored and stored[each].monitor.source is Source.FILE)

    def run(self, name: str, *, dry: bool = False) -> tuple[MonitorResult, ...]:
        """Have a monitor look at all that is new, now.

        Args:
            name: Its name; it may be paused.
            dry: Keep nothing, tell nobody, and do not remember.

        Returns:
            What it found, in the order of the windows; often nothing.

        Raises:
            NotFound: there is no such monitor.
            Busy: another process has it look at the moment.
            ReadOnlyMode: the engine was opened read-only, and the run is no dry one.
            PermissionDenied: the actor is no operator, and the run is no dry one.
            PolicyInvalid: `quarterdeck.toml` is wrong.
            QuarterdeckError: a database cannot be read or written now.
        """
        monitor = self.get(name)
        if dry:
            return self._rounds.dry(monitor)
        actor = self._access.require(Role.OPERATOR, "monitors run")
        found = self._rounds.run(monitor, Runner(_process(), actor, lasts_ms=0))
        if found is None:
            raise Busy(f"Another process looks after {name} at the moment.", hint="Its results appear by themselves.")
        return found

    def look(self, monitor: Monitor, runner: Runner) -> tuple[MonitorResult, ...] | None:
        """Have a monitor look at all that is new, for the process that does so by itself.

        Args:
            monitor: The monitor, of `due`.
            runner: Who looks.

        Returns:
            What it found; `None` when another process looks.

        Raises:
            QuarterdeckError: a database cannot be read or written now.
        """
        return self._rounds.run(monitor, runner)

    def results(self, query: ResultQuery) -> Page[MonitorResult]:
        """List what monitors found, the newest first.

        Args:
            query: Which.

        Returns:
            A page of them.

        Raises:
            InvalidInput: the limit is out of range, or the page token is not of this list.
        """
        _check_limit(query.limit)
        before = None if query.page_token is None else decode_number(query.page_token)
        with self._database.snapshot() as view:
            found = store.results(view, query, before, query.limit + 1)
        items = tuple(found[: query.limit])
        return Page(items, encode_token(items[-1].id) if len(found) > query.limit else None)

    def result(self, result: int) -> MonitorResult:
        """What was found in one window, with all numbers behind it.

        Args:
            result: Its number.

        Raises:
            NotFound: there is no such result.
        """
        with self._database.snapshot() as view:
            found = store.result(view, result)
        if found is None:
            raise NotFound(f"There is no result {result}.", hint="See `qd monitors results`.")
        return found

    def performance(
        self, name: str, *, metric: str = "", since_ms: int = 0, limit: int = 1000
    ) -> tuple[PerformancePoint, ...]:
        """Performance window by window, as estimated without labels and as realised with them, in all revisions.

        Args:
            name: The monitor's name.
            metric: What was measured, such as `auc`; empty for all.
            since_ms: Of windows that end then or later, in milliseconds since the epoch.
            limit: At most so many, of the newest windows, 1 to 100,000.

        Returns:
            The points by window, version, how they came about, metric and revision.

        Raises:
            NotFound: there is no such monitor.
            InvalidInput: the limit is out of range.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if not 1 <= limit <= 100_000:
            raise InvalidInput("The limit must be from 1 to 100000.")
        self.get(name)
        with self._database.snapshot() as view:
            rows = store.points(view, name, metric, since_ms, limit)
        return tuple(PerformancePoint(start, end, Basis(basis), *rest) for start, end, basis, *rest in rows)

    def backtest(
        self,
        name: str,
        *,
        since_ms: int = 0,
        until_ms: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Backtest:
        """Have a monitor look at the past as if it had been there, with labels coming when they came; keeps nothing.

        Args:
            name: Its name.
            since_ms: From when, in milliseconds since the epoch.
            until_ms: Until when; `None` for now.
            progress: Told how many milliseconds of the past were looked at, and of how many.

        Returns:
            What it would have found, and what it would have told people.

        Raises:
            NotFound: there is no such monitor.
            PolicyInvalid: `quarterdeck.toml` is wrong.
            QuarterdeckError: the telemetry database cannot be read.
        """
        until_ms = self._clock.now_ms() if until_ms is None else until_ms
        return replayed(self._sight, self._telemetry, self.get(name), (since_ms, until_ms), progress)

    def _switch(self, name: str, reason: str, verb: str) -> Monitor:
        actor = self._access.require(Role.OPERATOR, f"monitors {verb}")
        before = self.get(name)
        if bool(before.paused) == (verb == "pause"):
            raise Conflict(f"{name} is {'paused already' if before.paused else 'not paused'}.")
        after = replace(before, paused=reason if verb == "pause" else "")
        with self._database.transaction(actor) as tx:
            store.update(tx, declared(tx, before), after)
            state = {"paused": before.paused}, {"paused": after.paused}
            record(tx, verb=verb, kind="monitor", key=name, before=state[0], after=state[1], reason=reason)
            tx.emit(kind="monitor", change="changed", key=name)
        return self.get(name)

    def _all(self) -> tuple[Monitor, ...]:
        with self._database.snapshot() as view:
            return listed(store.everything(view, self._clock.now_ms()), self._policy_file.read().monitors)

    def _refuse_of_file(self, name: str) -> None:
        if name in self._policy_file.read().monitors:
            hint = f"Change [monitors.{name}] there, or pause it."
            raise Conflict(f"The monitor {name} is declared in quarterdeck.toml.", hint=hint)


def _stored(view: Snapshot, name: str, now_ms: int) -> store.Row:
    row = store.get(view, name, now_ms)
    if row is None:
        raise NotFound(f"There is no monitor {clean(name, limit=70)}.", hint="See `qd monitors list`.")
    return row


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")


def _process() -> str:
    import os
    from secrets import token_hex

    return f"{os.uname().nodename}:{os.getpid()}:{token_hex(4)}"


def _facts(monitor: Monitor) -> dict[str, object]:
    return {"settings": written_settings(monitor.settings), "paused": monitor.paused}
