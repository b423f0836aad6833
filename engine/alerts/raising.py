"""From what a window says to alerts, in the transaction that stores the window's result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.alerts import store, tracking
from engine.alerts.model import AlertState, Change
from engine.audit.service import record

if TYPE_CHECKING:
    from engine.alerts.model import Alert, AlertChange, Signal
    from engine.db.transaction import Snapshot, Transaction


def observe(tx: Transaction, signal: Signal) -> tuple[AlertChange, ...]:
    """Let a window raise, worsen or end an alert.

    Kept together with the caller's result or not at all. Time is the transaction's, so that the same windows at the
    same times give the same alerts.

    Args:
        tx: The caller's transaction.
        signal: What the window says; one that is not newer than the last of the same monitor and key does nothing.

    Returns:
        What happened that somebody must be told; often nothing.

    Raises:
        InvalidInput: a text is not valid Unicode, or the evidence is no JSON.
    """
    before = store.track(tx, signal.monitor, signal.key)
    alert = store.active(tx, signal.monitor, signal.key)
    after, now, change = tracking.observed(before, alert, signal, tx.now_ms)
    if after != before:
        store.keep_track(tx, signal.monitor, signal.key, after)
    if now is None or (now == alert and change is None):
        return ()
    if alert is None:
        now = _hushed(tx, now)
        now = replace(now, id=store.insert(tx, now))
    else:
        store.update(tx, now)
    if change is None:
        tx.emit(kind="alert", change="seen", key=str(now.id), row_id=now.id)
        return ()
    return (tell(tx, now, change, now.resolution if change is Change.RESOLVED else now.sentence, before=alert),)


def advance(tx: Transaction) -> tuple[AlertChange, ...]:
    """Let time pass: what was taken on lapses, what nobody took on escalates, silences end.

    Args:
        tx: The caller's transaction; tells the time.

    Returns:
        What happened.
    """
    told: list[AlertChange] = []
    for before in store.all_active(tx):
        alert = _hushed(tx, before)
        if before.silence is not None and alert.silence is None:
            store.update(tx, alert)
            if alert.state is AlertState.ACKNOWLEDGED:
                continue  # somebody looks after it: there is nobody to be told
            sentence = f"Its silence has ended: {alert.sentence}"
            told.append(tell(tx, alert, Change.REOPENED, sentence, before=before))
        alert, change = tracking.lapsed(alert, tx.now_ms)
        if change is not None:
            store.update(tx, alert)
            told.append(tell(tx, alert, change, _why(before, change), before=before))
        elif alert != before and alert.silence is not None:
            store.update(tx, alert)
    return tuple(told)


def alarmed(view: Snapshot) -> frozenset[str]:
    """Names of monitors with alerts that are not resolved."""
    return frozenset(alert.monitor for alert in store.all_active(view))


def forget(tx: Transaction, monitor: str, reason: str = "Its monitor was deleted.") -> tuple[AlertChange, ...]:
    """End the alerts of a monitor that is no more; another of its name begins with nothing.

    Args:
        tx: The caller's transaction.
        monitor: Its name.
        reason: Why they end.

    Returns:
        What happened.
    """
    told = []
    for alert in store.all_active(tx):
        if alert.monitor == monitor:
            ended = tracking.resolved(alert, tx.now_ms, tx.actor.name, reason)
            store.update(tx, ended)
            told.append(tell(tx, ended, Change.RESOLVED, ended.resolution, before=alert))
    store.forget_tracks(tx, monitor)
    return tuple(told)


def tell(
    tx: Transaction, alert: Alert, change: Change, sentence: str, *, before: Alert | None, by_hand: bool = False
) -> AlertChange:
    """Write down what happened to an alert, for its history, the audit log, live screens and whoever is to be told.

    Args:
        tx: The caller's transaction.
        alert: The alert as it is now, stored.
        change: What happened.
        sentence: What was found, or why it was done.
        before: The alert before; `None` when it is new. The end of one that was silenced is told nobody either.
        by_hand: Whether somebody did it, and the sentence is their reason.

    Returns:
        The change as it is kept.
    """
    quiet = _is_quiet(alert if before is None or alert.state is not AlertState.RESOLVED else before)
    record(
        tx,
        verb=_VERBS[change],
        kind="alert",
        key=str(alert.id),
        before=None if before is None else _state(before),
        after={**_facts(alert), **_state(alert), "silenced": quiet, "sentence": sentence},
        reason=sentence if by_hand else "",
    )
    tx.emit(kind="alert", change=change.value, key=str(alert.id), row_id=alert.id)
    return store.add_change(tx, alert, change, sentence, quiet=quiet)


_VERBS = {
    Change.OPENED: "open",
    Change.WORSENED: "worsen",
    Change.ESCALATED: "escalate",
    Change.ACKNOWLEDGED: "acknowledge",
    Change.REOPENED: "reopen",
    Change.RESOLVED: "resolve",
}


def _hushed(tx: Transaction, alert: Alert) -> Alert:
    """The alert with the silence that covers it now."""
    holding = store.silences(tx, now_ms=tx.now_ms, limit=1_000)
    covering = next((each.id for each in holding if each.covers(alert)), None)
    return alert if covering == alert.silence else replace(alert, silence=covering)


def _why(alert: Alert, change: Change) -> str:
    if change is Change.ESCALATED:
        return f"Nobody took it on: {alert.sentence}"
    return f"{alert.owner} had taken it on, which has lapsed: {alert.sentence}"


def _facts(alert: Alert) -> dict[str, object]:
    fields = ("monitor", "key", "model", "version", "endpoint", "value", "next_step")
    return {field: getattr(alert, field) for field in fields}


def _state(alert: Alert) -> dict[str, object]:
    return {
        "state": alert.state.value,
        "severity": alert.severity.value,
        "owner": alert.owner,
        "silenced": _is_quiet(alert),
    }


def _is_quiet(alert: Alert) -> bool:
    return alert.silence is not None
