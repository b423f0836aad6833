"""Monitors, what they found, and performance as people see them on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.cli.cells import age, moment
from engine.cli.output import Column
from engine.core.plain import plain
from engine.policy.monitors import written_settings

if TYPE_CHECKING:
    from engine.monitoring.model import Monitor, MonitorResult


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


MONITORS = (
    Column("name", lambda monitor: monitor.name),
    Column("target", lambda monitor: monitor.settings.target),
    Column("window", lambda monitor: str(monitor.settings.window), right=True),
    Column("tests", lambda monitor: monitor.settings.tests, ", ".join),
    Column("state", lambda monitor: "paused" if monitor.paused else "on"),
    Column("verdict", lambda monitor: "" if monitor.verdict is None else monitor.verdict.value),
    Column("last_ms", lambda monitor: monitor.last_ms, age, "looked", right=True),
    Column("next_ms", lambda monitor: monitor.next_ms, moment, "next", right=True),
    Column("source", lambda monitor: monitor.source.value),
    Column("problem", lambda monitor: monitor.problem),
)
RESULTS = (
    Column("id", lambda result: result.id, right=True),
    Column("window_end_ms", lambda result: result.window.end_ms, moment, "window ends", right=True),
    Column("monitor", lambda result: result.monitor),
    Column("kind", lambda result: result.kind.value),
    Column("subject", lambda result: result.subject.key or result.window.file),
    Column("verdict", lambda result: result.verdict.value),
    Column("revision", lambda result: result.revision, right=True),
    Column("rows", lambda result: result.rows, right=True),
    Column("value", lambda result: result.value, _number, right=True),
    Column("paged", lambda result: result.paged, ", ".join),
    Column("sentence", lambda result: result.sentence),
)
POINTS = (
    Column("window_end_ms", lambda point: point.window_end_ms, moment, "window ends", right=True),
    Column("version", lambda point: f"{point.model}/{point.version}"),
    Column("basis", lambda point: point.basis.value),
    Column("metric", lambda point: point.metric),
    Column("value", lambda point: point.value, _number, right=True),
    Column("error", lambda point: point.error, _number, "±", right=True),
    Column("rows", lambda point: point.rows, right=True),
    Column("revision", lambda point: point.revision, right=True),
    Column("made_ms", lambda point: point.made_ms, moment, "known since", right=True),
)


def encode_monitor(monitor: Monitor) -> dict[str, Any]:
    """A monitor's JSON: its settings as `quarterdeck.toml` would say them."""
    return {**plain(monitor), "settings": written_settings(monitor.settings)}


def encode_result(result: MonitorResult) -> dict[str, Any]:
    """A result's JSON in lists: without the numbers behind it, which `qd monitors result` shows."""
    return {key: value for key, value in plain(result).items() if key != "report"}
