"""Alerts: what was found, how bad it is, who looks after it, and until when nobody wants to hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from engine.core.frozen import frozen

MAX_WINDOWS = 100
"""Most windows that a rule looks back on."""


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number to compare by: 1 for info, 3 for critical."""
        return tuple(Severity).index(self) + 1


class AlertState(StrEnum):
    """How an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Level(StrEnum):
    """What a window says of one thing that is watched."""

    BAD = "bad"  # at or beyond what raises
    BETWEEN = "between"  # not bad enough to raise, not good enough to clear
    GOOD = "good"
    UNKNOWN = "unknown"  # not enough data, or nobody could look: neither raises nor clears


class Change(StrEnum):
    """What happened to an alert."""

    OPENED = "opened"
    WORSENED = "worsened"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    REOPENED = "reopened"
    RESOLVED = "resolved"


@frozen
class AlertRule:
    """When something becomes an alert, and when it no longer is one.

    Args:
        raise_k: So many bad windows among the last `raise_m` open an alert.
        raise_m: How many windows are looked back on; those that say nothing are not counted.
        clear_k: So many good windows in a row end it.
        cool_down_ms: For how long after its end nothing opens it again, in milliseconds.
        escalate_after_ms: It becomes critical when nobody has taken it on for so long, in milliseconds; 0 for never.
        auto_resolve: Whether good windows end it; else a person must.
    """

    raise_k: int = 1
    raise_m: int = 1
    clear_k: int = 2
    cool_down_ms: int = 0
    escalate_after_ms: int = 0
    auto_resolve: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.raise_k <= self.raise_m <= MAX_WINDOWS or not 1 <= self.clear_k <= MAX_WINDOWS:
            raise ValueError(f"windows must be 1 <= raise_k <= raise_m <= {MAX_WINDOWS}, 1 <= clear_k <= {MAX_WINDOWS}")
        if self.cool_down_ms < 0 or self.escalate_after_ms < 0:
            raise ValueError("times must not be negative")


@frozen
class Signal:
    """What one window says of one thing that a monitor watches.

    Args:
        monitor: The monitor's name.
        key: What is watched, the same in every window, such as `drift` or `quality:nulls`; alerts are told apart by it.
        level: What the window says.
        window_start_ms: When the window begins, in milliseconds since the epoch.
        window_end_ms: When it ends; windows come in order.
        severity: How bad it is if it is bad.
        sentence: What was found, as a sentence.
        next_step: What to do about it, as a sentence.
        value: The number that decided; `None` when none did.
        model: The model's name; empty when it is of none.
        version: The version's number; `None` when it is of none.
        endpoint: The endpoint's name; empty when it is of none.
        evidence: The numbers behind it (JSON values).
        rule: When it becomes an alert.
    """

    monitor: str
    key: str
    level: Level
    window_start_ms: int
    window_end_ms: int
    severity: Severity = Severity.WARNING
    sentence: str = ""
    next_step: str = ""
    value: float | None = None
    model: str = ""
    version: int | None = None
    endpoint: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)
    rule: AlertRule = AlertRule()


@frozen
class Alert:
    """Something that somebody should look at.

    Args:
        id: Its number.
        monitor: The monitor that raised it.
        key: What it watches.
        state: How it stands.
        severity: How bad it is, at its worst.
        sentence: What was found last, as a sentence.
        next_step: What to do about it.
        value: The number that decided last; `None` when none did.
        model: The model's name; may be empty.
        version: The version's number.
        endpoint: The endpoint's name; may be empty.
        evidence: The numbers behind the last bad window.
        windows: How many windows were bad since it was opened, the first one included.
        window_start_ms: When the last bad window begins, in milliseconds since the epoch.
        window_end_ms: When it ends.
        opened_ms: When it was opened.
        updated_ms: When it last changed or was seen to be bad again.
        owner: Who took it on; empty while nobody has.
        until_ms: When that lapses and it is open again; `None` for never.
        escalated: Whether it became critical because nobody took it on.
        silence: The silence that keeps it quiet; `None` when none does.
        resolved_ms: When it ended; `None` before.
        resolved_by: Who ended it.
        resolution: Why, in their words.
        rule: When it clears.
    """

    id: int
    monitor: str
    key: str
    state: AlertState
    severity: Severity
    sentence: str
    next_step: str
    value: float | None
    model: str
    version: int | None
    endpoint: str
    evidence: Mapping[str, object]
    windows: int
    window_start_ms: int
    window_end_ms: int
    opened_ms: int
    updated_ms: int
    owner: str
    until_ms: int | None
    escalated: bool
    silence: int | None
    resolved_ms: int | None
    resolved_by: str
    resolution: str
    rule: AlertRule

    @property
    def subject(self) -> str:
        """What it is about: a version such as `churn/7`, else a model, an endpoint or the monitor."""
        if self.model and self.version is not None:
            return f"{self.model}/{self.version}"
        return self.model or self.endpoint or self.monitor


@frozen
class AlertChange:
    """Something that happened to an alert.

    Args:
        id: Its number.
        alert: The alert's number.
        time_ms: When, in milliseconds since the epoch.
        change: What.
        actor: Who did it.
        sentence: What was found then, or why somebody did it.
        severity: How bad the alert was afterwards.
        silenced: Whether nobody was told because of a silence.
    """

    id: int
    alert: int
    time_ms: int
    change: Change
    actor: str
    sentence: str
    severity: Severity
    silenced: bool


@frozen
class Silence:
    """Nobody wants to be told of some alerts for a while.

    Args:
        id: Its number.
        monitor: Only of this monitor; empty for any.
        key: Only of this key; empty for any.
        model: Only of this model; empty for any.
        endpoint: Only of this endpoint; empty for any.
        reason: Why.
        created_ms: When it was made, in milliseconds since the epoch.
        created_by: Who made it.
        until_ms: When it ends.
        ended_ms: When somebody ended it before; `None` when nobody has.
        ended_by: Who did.
    """

    id: int
    monitor: str
    key: str
    model: str
    endpoint: str
    reason: str
    created_ms: int
    created_by: str
    until_ms: int
    ended_ms: int | None = None
    ended_by: str = ""

    def active(self, now_ms: int) -> bool:
        """Whether it holds at a moment, in milliseconds since the epoch."""
        return self.created_ms <= now_ms < (self.until_ms if self.ended_ms is None else self.ended_ms)

    def covers(self, signal: Signal | Alert) -> bool:
        """Whether it is about something."""
        pairs = (
            (self.monitor, signal.monitor),
            (self.key, signal.key),
            (self.model, signal.model),
            (self.endpoint, signal.endpoint),
        )
        return all(wanted in ("", found) for wanted, found in pairs)


@frozen
class AlertCounts:
    """How many alerts are not resolved.

    Args:
        open: How many nobody has taken on.
        acknowledged: How many somebody has.
        silenced: Of both, how many are silenced.
        worst: The worst severity among those that are open and not silenced; `None` when there are none.
        by_model: How many are not silenced, by model.
        by_endpoint: The same by endpoint.
    """

    open: int
    acknowledged: int
    silenced: int
    worst: Severity | None
    by_model: Mapping[str, int]
    by_endpoint: Mapping[str, int]
