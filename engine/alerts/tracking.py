"""The life of an alert as pure rules: windows in, what happens out. The same windows always give the same alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from engine.alerts.model import Alert, AlertState, Change, Level, Severity
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from engine.alerts.model import AlertRule, Signal

Observed: TypeAlias = tuple["Track", Alert | None, Change | None]
"""What is remembered, the alert, and what happened to it."""

_LETTERS = {Level.BAD: "B", Level.BETWEEN: "b", Level.GOOD: "g"}


@frozen
class Track:
    """What is remembered of one thing that a monitor watches.

    Args:
        seen: The newest windows, the latest last, a letter each: `B` bad, `b` between, `g` good.
        last_ms: When the last window ended, in milliseconds since the epoch; earlier ones are not counted again.
        quiet_until_ms: Until when nothing opens an alert again.
    """

    seen: str = ""
    last_ms: int = -1
    quiet_until_ms: int = 0

    def extended(self, signal: Signal) -> Track:
        """Remember one more window; one that says nothing, or is not newer than the last, changes nothing."""
        letter = _LETTERS.get(signal.level)
        if letter is None or signal.window_end_ms <= self.last_ms:
            return self
        kept = max(signal.rule.raise_m, signal.rule.clear_k)
        return replace(self, seen=(self.seen + letter)[-kept:], last_ms=signal.window_end_ms)

    def raises(self, rule: AlertRule, now_ms: int) -> bool:
        """Whether the windows open an alert: enough are bad, the last one is, and no cool-down holds."""
        recent = self.seen[-rule.raise_m :]
        return recent.endswith("B") and recent.count("B") >= rule.raise_k and now_ms >= self.quiet_until_ms

    def clears(self, rule: AlertRule) -> bool:
        """Whether the windows end an alert."""
        return rule.auto_resolve and self.seen.endswith("g" * rule.clear_k)

    def ended(self, rule: AlertRule, now_ms: int) -> Track:
        """After the end of an alert: what was seen before counts no more, and the cool-down begins."""
        return replace(self, seen="", quiet_until_ms=now_ms + rule.cool_down_ms)


def observed(
    track: Track, alert: Alert | None, signal: Signal, now_ms: int
) -> tuple[Track, Alert | None, Change | None]:
    """What one more window does.

    Args:
        track: What is remembered.
        alert: The alert that is not resolved; `None` when there is none.
        signal: The window.
        now_ms: The time, in milliseconds since the epoch.

    Returns:
        What is remembered now, the alert as it is now, and what happened to it; `None` when nothing that anybody must
        be told did. A window that is not newer than the last one seen does nothing. The rule is the window's, also
        for an alert that was opened under another one: a monitor may have been changed since.
    """
    after = track.extended(signal)
    if after == track:
        return track, alert, None
    if alert is None:
        return (
            (after, opened(signal, now_ms), Change.OPENED) if after.raises(signal.rule, now_ms) else (after, None, None)
        )
    alert = alert if alert.rule == signal.rule else replace(alert, rule=signal.rule)
    if after.clears(signal.rule):
        sentence = f"The last {signal.rule.clear_k} windows were good."
        return after.ended(signal.rule, now_ms), resolved(alert, now_ms, "", sentence), Change.RESOLVED
    if signal.level is not Level.BAD:
        return after, alert, None
    worse = signal.severity.rank > alert.severity.rank
    again = replace(
        alert,
        sentence=signal.sentence,
        next_step=signal.next_step,
        value=signal.value,
        version=signal.version,
        evidence=signal.evidence,
        windows=alert.windows + 1,
        window_start_ms=signal.window_start_ms,
        window_end_ms=signal.window_end_ms,
        updated_ms=now_ms,
        severity=signal.severity if worse else alert.severity,
    )
    return after, (_reopened(again) if worse else again), (Change.WORSENED if worse else None)


def opened(signal: Signal, now_ms: int) -> Alert:
    """The alert that a window opens; it has no number yet.

    Args:
        signal: The window.
        now_ms: The time, in milliseconds since the epoch.
    """
    return Alert(
        id=0,
        monitor=signal.monitor,
        key=signal.key,
        state=AlertState.OPEN,
        severity=signal.severity,
        sentence=signal.sentence,
        next_step=signal.next_step,
        value=signal.value,
        model=signal.model,
        version=signal.version,
        endpoint=signal.endpoint,
        evidence=signal.evidence,
        windows=1,
        window_start_ms=signal.window_start_ms,
        window_end_ms=signal.window_end_ms,
        opened_ms=now_ms,
        updated_ms=now_ms,
        owner="",
        until_ms=None,
        escalated=False,
        silence=None,
        resolved_ms=None,
        resolved_by="",
        resolution="",
        rule=signal.rule,
    )


def acknowledged(alert: Alert, now_ms: int, owner: str, until_ms: int | None) -> Alert:
    """The alert once somebody has taken it on.

    Args:
        alert: The alert; not resolved.
        now_ms: The time, in milliseconds since the epoch.
        owner: Who.
        until_ms: When that lapses; `None` for never.
    """
    return replace(alert, state=AlertState.ACKNOWLEDGED, owner=owner, until_ms=until_ms, updated_ms=now_ms)


def given_back(alert: Alert, now_ms: int) -> Alert:
    """The alert once nobody looks after it any more. now_ms: the time, in milliseconds since the epoch."""
    return replace(_reopened(alert), updated_ms=now_ms)


def resolved(alert: Alert, now_ms: int, by: str, why: str) -> Alert:
    """The alert once it has ended.

    Args:
        alert: The alert; not resolved.
        now_ms: The time, in milliseconds since the epoch.
        by: Who ended it; empty for its monitor.
        why: Why.
    """
    return replace(
        alert,
        state=AlertState.RESOLVED,
        resolved_ms=now_ms,
        resolved_by=by,
        resolution=why,
        updated_ms=now_ms,
        silence=None,
        until_ms=None,
    )


def lapsed(alert: Alert, now_ms: int) -> tuple[Alert, Change | None]:
    """What the passing of time does to an alert.

    Args:
        alert: The alert; not resolved.
        now_ms: The time, in milliseconds since the epoch.

    Returns:
        The alert as it is now, and what happened to it.
    """
    if alert.state is AlertState.ACKNOWLEDGED:
        if alert.until_ms is not None and now_ms >= alert.until_ms:
            return given_back(alert, now_ms), Change.REOPENED
        return alert, None
    after_ms = alert.rule.escalate_after_ms
    if after_ms and not alert.escalated and alert.silence is None and now_ms >= alert.opened_ms + after_ms:
        return replace(alert, severity=Severity.CRITICAL, escalated=True, updated_ms=now_ms), Change.ESCALATED
    return alert, None


def _reopened(alert: Alert) -> Alert:
    """What was taken on was less than this."""
    return replace(alert, state=AlertState.OPEN, owner="", until_ms=None)
