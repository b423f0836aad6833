"""How single values read: what a person sees in a cell, and what a program gets instead."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from engine.core.plain import plain
from engine.core.timetext import format_age, format_duration, format_time

_UNITS = ("B", "KB", "MB", "GB", "TB")
_KILO = 1_000
_DIGEST = 12

STATE_STYLES = {
    "running": "cyan",
    "finished": "green",
    "failed": "red",
    "lost": "red",
    "killed": "yellow",
    "Production": "bold magenta",
    "Staging": "cyan",
    "Archived": "dim",
    "pass": "green",
    "fail": "bold red",
    "error": "bold red",
    "skipped": "dim",
    "drift": "bold red",
    "stable": "green",
    "not enough data": "yellow",
    "left out": "dim",
    "open": "yellow",
    "approved": "green",
    "rejected": "red",
    "stale": "red",
    "expired": "red",
    "override": "bold red",
    "rollback": "yellow",
    "serving": "green",
    "settling": "yellow",
    "failing": "bold red",
    "no plane": "yellow",
    "Healthy": "green",
    "Degraded": "yellow",
    "Failing": "bold red",
    "Unknown": "yellow",
    "resting": "yellow",
    "Live": "green",
    "Canary": "cyan",
    "Warming": "yellow",
    "Pending": "yellow",
    "Failed": "bold red",
    "RolledBack": "red",
}
"""Colours that go with a word which already says it; a terminal without colour loses nothing."""


def text(value: object) -> str:
    """A value as a program reads it in CSV: exact, empty for nothing.

    Args:
        value: Any value of the engine's models.

    Returns:
        One line or more; not cleaned.
    """
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def short(value: object) -> str:
    """A value as a person reads it: numbers in six digits, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    return text(value)


def number(value: float | None) -> str:
    """A number in at most six significant digits; a dash for none."""
    if value is None:
        return "-"
    return f"{value:.6g}" if math.isfinite(value) else str(plain(value))


def age(time_ms: int | None) -> str:
    """How long ago, such as `5m`; a dash for never. time_ms: milliseconds since the epoch."""
    return "-" if time_ms is None else format_age(time.time_ns() // 1_000_000 - time_ms)


def moment(time_ms: int | None) -> str:
    """The time in ISO 8601, UTC; a dash for never. time_ms: milliseconds since the epoch."""
    return "-" if time_ms is None else format_time(time_ms)


def moment_and_age(time_ms: int) -> str:
    """The time with how long ago that is, or how long until then. time_ms: milliseconds since the epoch."""
    past_ms = time.time_ns() // 1_000_000 - time_ms
    distance = f"{format_age(past_ms)} ago" if past_ms >= 0 else f"in {format_age(-past_ms)}"
    return f"{format_time(time_ms)} ({distance})"


def duration(span_ms: int | None) -> str:
    """A length of time, such as `4m 05s`; a dash for none. span_ms: milliseconds."""
    return "-" if span_ms is None else format_duration(span_ms)


def size(size_bytes: int | None) -> str:
    """A size in powers of a thousand, such as `1.2 MB`; a dash for none. size_bytes: bytes."""
    if size_bytes is None:
        return "-"
    amount = float(size_bytes)
    for unit in _UNITS:
        if amount < _KILO or unit == _UNITS[-1]:
            return f"{size_bytes} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KILO
    raise AssertionError("the last unit takes every size")


def count(number: int, noun: str) -> str:
    """How many of something, such as `1 run` or `3 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def digest(value: str) -> str:
    """The beginning of a digest, enough to tell two apart."""
    return value[:_DIGEST]


def words(values: Sequence[object]) -> str:
    """Short values side by side; a dash for none."""
    return ", ".join(map(str, values)) or "-"


def pairs(values: Mapping[str, object]) -> str:
    """Keys and values side by side, such as `lr=0.1 depth=3`; a dash for none."""
    return " ".join(f"{key}={short(value)}" for key, value in values.items()) or "-"
