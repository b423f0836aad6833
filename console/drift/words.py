"""What windows have shown and how alerts stand, in words and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import pill

if TYPE_CHECKING:
    from console.text import Part
    from engine.alerts.model import Alert
    from engine.monitoring.model import Monitor, MonitorResult

SEVERITIES: dict[str, Part] = {
    "critical": ("▲ critical", "loud"),
    "warning": ("△ warning", "warn"),
    "info": ("· info", ""),
}
"""How bad an alert is."""

ALERT_STATES: dict[str, Part] = {
    "open": ("● open", "bad"),
    "acknowledged": ("◐ taken on", "warn"),
    "resolved": ("✓ resolved", "good"),
}
"""How an alert stands."""

HUSHED: Part = ("◌ silenced", "dim")
"""In place of the state of one that nobody is told of."""


VERDICTS: dict[str, Part] = {
    "ok": ("✓ ok", "good"),
    "drift": ("✗ drift", "bad"),
    "waiting": ("· waiting", "dim"),
    "failed": ("? failed", "warn"),
}
"""What a window has shown."""

DECISIONS: dict[str, Part] = {
    "drift": ("✗ drift", "bad"),
    "stable": ("✓ stable", "good"),
    "not enough data": ("· too few", "dim"),
    "left out": ("· left out", "dim"),
}
"""What is said of a feature."""

MARKS: dict[str, Part] = {
    "ok": ("▁", "good"),
    "drift": ("█", "bad"),
    "waiting": ("·", "dim"),
    "failed": ("?", "warn"),
}
"""A window in one cell: told apart by its shape as well as by its colour."""

ASCII_MARKS: dict[str, Part] = {
    "ok": ("_", "good"),
    "drift": ("#", "bad"),
    "waiting": (".", "dim"),
    "failed": ("?", "warn"),
}
"""The same where blocks cannot be drawn."""


def verdict(result: MonitorResult) -> Part:
    """What a window has shown."""
    return pill(VERDICTS, result.verdict.value)


def standing(monitor: Monitor) -> Part:
    """How a monitor stands: paused, in trouble, or what it found last."""
    if monitor.paused:
        return "■ paused", "warn"
    if monitor.problem:
        return "? failed", "warn"
    return ("○ not yet", "dim") if monitor.verdict is None else pill(VERDICTS, monitor.verdict.value)


def marks(results: list[MonitorResult], width: int, *, unicode: bool) -> list[Part]:
    """Windows from old to new in a cell each, the newest at the right end.

    Args:
        results: The newest last.
        width: Most cells.
        unicode: Whether blocks may be drawn.
    """
    table = MARKS if unicode else ASCII_MARKS
    return [pill(table, each.verdict.value) for each in results[-max(width, 1) :]]


def state_pill(alert: Alert) -> Part:
    """How an alert stands, in a word."""
    return HUSHED if alert.silence is not None else pill(ALERT_STATES, alert.state.value)
