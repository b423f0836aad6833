"""Alerts: the operations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.alerts import raising, store, tracking
from engine.alerts.model import Alert, AlertChange, AlertCounts, AlertState, Change, Silence
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.paging import Page
from engine.core.timetext import format_time
from engine.db.listing import Question, answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction

MAX_REASON = 2_000
"""Longest reason, in characters."""

MAX_NAME = 500
"""Longest name that a silence may be of, in characters."""

MAX_SILENCE_MS = 90 * 24 * 3_600_000
"""The longest silence: what nobody wants to hear of for longer is a monitor that nobody needs."""

_SHOWN = 1_000


class Alerts:
    """What monitors have found, and what people do about it.

    Args:
        database: The control database.
        access: Who acts, with which role.
        clock: Tells the time.
    """

    def __init__(self, database: Database, access: Access, clock: Clock) -> None:
        self._database = database
        self._access = access
        self._clock = clock

    def page(
        self,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[Alert]:
        """Search alerts, the newest first.

        Args:
            filter: In the filter language, such as `state != 'resolved' AND model = 'churn'`; empty for all.
            order_by: Sort keys such as `rank DESC`; the newest first without any.
            limit: Alerts per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The alerts, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token)
        with self._database.snapshot() as view:
            numbers, token = answer(view, store.ALERT_LIST, asked, now_ms=self._clock.now_ms())
            return Page(store.alerts(view, numbers), token)

    def get(self, alert: int) -> Alert:
        """The alert of that number.

        Args:
            alert: Its number.

        Raises:
            NotFound: there is none.
        """
        with self._database.snapshot() as view:
            return _found(view, alert)

    def of_version(self, model: str, version: int) -> tuple[Alert, ...]:
        """Alerts of a version that are not resolved, the oldest first; for the analysis of rollouts.

        Args:
            model: The model's name.
            version: The version's number.
        """
        with self._database.snapshot() as view:
            found = store.all_active(view)
        return tuple(each for each in found if (each.model, each.version) == (model, version))

    def changes(self, alert: int) -> tuple[AlertChange, ...]:
        """What happened to an alert, in order.

        Args:
            alert: Its number.

        Raises:
            NotFound: there is none.
        """
        with self._database.snapshot() as view:
            _found(view, alert)
            return store.changes(view, alert)

    def counts(self) -> AlertCounts:
        """How many alerts are not resolved, of which models and endpoints."""
        with self._database.snapshot() as view:
            active = store.all_active(view)
        heard = [each for each in active if each.silence is None]
        severities = [each.severity for each in heard if each.state is AlertState.OPEN]
        return AlertCounts(
            open=sum(each.state is AlertState.OPEN for each in active),
            acknowledged=sum(each.state is AlertState.ACKNOWLEDGED for each in active),
            silenced=len(active) - len(heard),
            worst=max(severities, key=lambda each: each.rank, default=None),
            by_model=_tally([each.model for each in heard]),
            by_endpoint=_tally([each.endpoint for each in heard]),
        )

    def acknowledge(self, alert: int, *, reason: str = "", until_ms: int | None = None) -> Alert:
        """Take an alert on: nobody else need look, and it does not escalate.

        Args:
            alert: Its number.
            reason: What is being done.
            until_ms: When that lapses and it is open again, in milliseconds since the epoch; `None` for never.

        Returns:
            The alert as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such alert.
            Conflict: it is resolved.
            InvalidInput: the reason is too long or not valid Unicode, or the time is over.
        """
        actor = self._access.require(Role.OPERATOR, "alerts acknowledge")
        _check_reason(reason, needed=False)
        with self._database.transaction(actor) as tx:
            before = _active(tx, alert)
            if until_ms is not None:
                _check_future(until_ms, tx.now_ms)
            after = tracking.acknowledged(before, tx.now_ms, actor.name, until_ms)
            store.update(tx, after)
            raising.tell(tx, after, Change.ACKNOWLEDGED, reason, before=before, by_hand=True)
            return after

    def give_back(self, alert: int, *, reason: str = "") -> Alert:
        """No longer look after an alert: it is open again.

        Args:
            alert: Its number.
            reason: Why.

        Returns:
            The alert as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such alert.
            Conflict: nobody has taken it on, or it is resolved.
            InvalidInput: the reason is too long or not valid Unicode.
        """
        actor = self._access.require(Role.OPERATOR, "alerts give-back")
        _check_reason(reason, needed=False)
        with self._database.transaction(actor) as tx:
            before = _active(tx, alert)
            if before.state is not AlertState.ACKNOWLEDGED:
                raise Conflict(f"Nobody has taken alert {alert} on.")
            after = tracking.given_back(before, tx.now_ms)
            store.update(tx, after)
            raising.tell(tx, after, Change.REOPENED, reason, before=before, by_hand=True)
            return after

    def resolve(self, alert: int, *, reason: str) -> Alert:
        """End an alert by hand; its monitor opens a new one after the cool-down if it is still bad.

        Args:
            alert: Its number.
            reason: Why it is over.

        Returns:
            The alert as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such alert.
            Conflict: it is resolved already.
            InvalidInput: the reason is empty, too long or not valid Unicode.
        """
        actor = self._access.require(Role.OPERATOR, "alerts resolve")
        _check_reason(reason, needed=True)
        with self._database.transaction(actor) as tx:
            before = _active(tx, alert)
            after = tracking.resolved(before, tx.now_ms, actor.name, reason)
            kept = store.track(tx, before.monitor, before.key)
            store.keep_track(tx, before.monitor, before.key, kept.ended(before.rule, tx.now_ms))
            store.update(tx, after)
            raising.tell(tx, after, Change.RESOLVED, reason, before=before, by_hand=True)
            return after

    def silence(
        self,
        *,
        until_ms: int,
        reason: str,
        monitor: str = "",
        key: str = "",
        model: str = "",
        endpoint: str = "",
    ) -> Silence:
        """Tell nobody of some alerts for a while; they are still found and listed.

        Args:
            until_ms: When it ends, in milliseconds since the epoch; within 90 days.
            reason: Why.
            monitor: Only of this monitor; empty for any.
            key: Only of this key; empty for any.
            model: Only of this model; empty for any.
            endpoint: Only of this endpoint; empty for any.

        Returns:
            The silence.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: nothing is named or a name is too long, the reason is empty, too long or not valid Unicode, or
                the time is over or too far away.
        """
        actor = self._access.require(Role.OPERATOR, "alerts silence")
        _check_reason(reason, needed=True)
        if not (monitor or key or model or endpoint):
            raise InvalidInput(
                "A silence of everything would hide all alerts.", hint="Name a monitor, key, model or endpoint."
            )
        if max(map(len, (monitor, key, model, endpoint))) > MAX_NAME:
            raise InvalidInput(f"A silence is of names of at most {MAX_NAME} characters.", hint="Shorten it.")
        with self._database.transaction(actor) as tx:
            _check_future(until_ms, tx.now_ms)
            if until_ms > tx.now_ms + MAX_SILENCE_MS:
                raise InvalidInput("A silence may last 90 days.", hint="Change or pause the monitor instead.")
            made = Silence(0, monitor, key, model, endpoint, reason, tx.now_ms, actor.name, until_ms)
            made = replace(made, id=store.add_silence(tx, made))
            record(
                tx,
                verb="silence",
                kind="alert",
                key=f"silence {made.id}",
                before=None,
                after=_said(made),
                reason=reason,
            )
            tx.emit(kind="alert", change="silenced", key=str(made.id))
            raising.advance(tx)
            return made

    def unsilence(self, silence: int) -> Silence:
        """End a silence before its time; who was not told of what is still open is told now.

        Args:
            silence: Its number.

        Returns:
            The silence as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such silence.
            Conflict: it has ended.
        """
        actor = self._access.require(Role.OPERATOR, "alerts unsilence")
        with self._database.transaction(actor) as tx:
            before = store.silence(tx, silence)
            if before is None:
                raise NotFound(f"There is no silence {silence}.", hint="`qd alerts silences` lists them.")
            if not before.active(tx.now_ms):
                raise Conflict(f"Silence {silence} has ended.")
            store.end_silence(tx, silence)
            record(tx, verb="unsilence", kind="silence", key=str(silence), before=_said(before), after=None)
            tx.emit(kind="alert", change="unsilenced", key=str(silence))
            raising.advance(tx)
            after = store.silence(tx, silence)
            return before if after is None else after

    def silences(self, *, ended: bool = False) -> tuple[Silence, ...]:
        """List silences, the newest first; at most 1,000.

        Args:
            ended: Those that have ended too.
        """
        with self._database.snapshot() as view:
            return store.silences(view, now_ms=None if ended else self._clock.now_ms(), limit=_SHOWN)

    def advance(self) -> tuple[AlertChange, ...]:
        """Let time pass: what was taken on lapses, what nobody took on escalates, silences end.

        Called by the process that runs monitors, every few seconds; writes only when something happens.

        Returns:
            What happened.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
        """
        actor = self._access.require_still(Role.OPERATOR, "alerts advance")
        with self._database.snapshot() as view:
            active = store.all_active(view)
        if not active:
            return ()
        with self._database.transaction(actor) as tx:
            return raising.advance(tx)


def _found(view: Snapshot, alert: int) -> Alert:
    found = store.get(view, alert) if -(2**63) <= alert < 2**63 else None
    if found is None:
        raise NotFound(f"There is no alert {alert}.", hint="`qd alerts list` shows all.", details={"missing": "alert"})
    return found


def _active(tx: Transaction, alert: int) -> Alert:
    found = _found(tx, alert)
    if found.state is AlertState.RESOLVED:
        by = f" by {found.resolved_by}" if found.resolved_by else ""
        raise Conflict(f"Alert {alert} was resolved{by}.", hint="A monitor opens a new one when it is bad again.")
    return found


def _check_reason(reason: str, *, needed: bool) -> None:
    if needed and not reason.strip():
        raise InvalidInput("A reason is needed.", hint="Say why, for whoever asks later.")
    if len(reason) > MAX_REASON:
        raise InvalidInput(f"A reason has at most {MAX_REASON} characters.", hint="Shorten it.")


def _check_future(until_ms: int, now_ms: int) -> None:
    if not now_ms < until_ms < 2**62:
        raise InvalidInput(
            f"The time must lie after {format_time(now_ms)}.", hint="Write an end such as `2h` from now."
        )


def _said(silence: Silence) -> dict[str, object]:
    fields = ("monitor", "key", "model", "endpoint", "until_ms")
    return {field: getattr(silence, field) for field in fields}


def _tally(names: list[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted(set(names) - {""})}
