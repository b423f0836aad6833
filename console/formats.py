"""Values as an operator reads them: numbers, sizes, ages, and states as a word with a colour."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from console.text import Part
from engine.core.timetext import format_age, format_duration, format_time

if TYPE_CHECKING:
    from engine.audit.model import AuditEntry

NONE = "–"  # noqa: RUF001 a dash for "nothing" must not read as a minus
"""Stands where there is no value."""

_DIGITS = 5
_LONG_NUMBER = 8
_UNITS = ("B", "kB", "MB", "GB", "TB")

STATES: dict[str, Part] = {
    "running": ("● running", "running"),
    "finished": ("✓ finished", "good"),
    "failed": ("✗ failed", "bad"),
    "killed": ("■ killed", "warn"),
    "lost": ("? lost", "warn"),
    "scheduled": ("○ scheduled", "dim"),
}
"""Run states; told apart by mark and word as well as by colour."""

TRACE_STATES: dict[str, Part] = {
    "ok": ("✓ ok", "good"),
    "error": ("✗ error", "bad"),
    "in_progress": ("● running", "running"),
    "unspecified": ("· unsaid", "dim"),
}
"""States of a trace."""

STAGES: dict[str, Part] = {
    "Production": ("◆ Production", "production"),
    "Staging": ("◇ Staging", "staging"),
    "Registered": ("○ Registered", ""),
    "Archived": ("· Archived", "dim"),
}
"""Stages of a version."""

DECISIONS: dict[str, Part] = {
    "open": ("○ open", "warn"),
    "approved": ("✓ approved", "good"),
    "rejected": ("✗ rejected", "bad"),
    "withdrawn": ("· withdrawn", "dim"),
    "expired": ("· expired", "dim"),
    "stale": ("? stale", "warn"),
    "used": ("✓ used", "dim"),
}
"""States of an approval request."""

VERDICTS: dict[str, Part] = {
    "pass": ("✓ pass", "good"),
    "fail": ("✗ FAIL", "bad"),
    "error": ("✗ ERROR", "bad"),
    "skipped": ("· skipped", "dim"),
}
"""Ends of a gate."""


def pill(table: dict[str, Part], word: str) -> Part:
    """A state as a word with a colour; a word we do not know stands as it is."""
    return table.get(word, (word, ""))


def recorded(entry: AuditEntry) -> str:
    """What a record is about, such as `model churn`; promotions and requests by version and stage, not by number."""
    before, after = entry.before or {}, entry.after or {}
    if entry.kind == "promotion" and "version" in after and "stage" in before and "stage" in after:
        return f"{after['version']}  {before['stage']} → {after['stage']}"
    if entry.kind == "approval" and "version" in after and "to" in after:
        return f"{after['version']} → {after['to']}"
    return f"{entry.kind} {entry.key}"


def number(value: float | None, digits: int = _DIGITS) -> str:
    """A measured value in a few significant digits.

    Args:
        value: Any float; `None` when there is none.
        digits: Significant digits.

    Returns:
        Such as `0.98214`, `1.2e-05`, `NaN` or a dash.
    """
    if value is None:
        return NONE
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 10**9:
        return str(int(value))
    return f"{value:.{digits}g}"


def logged(text: str) -> str:
    """A parameter as logged; a long decimal number is shortened."""
    if len(text) > _LONG_NUMBER and "." in text:
        try:
            return number(float(text))
        except ValueError:
            return text
    return text


def delta(value: float | None) -> Part:
    """A difference with its sign; a dash when there is none, dim when it is zero."""
    if value is None:
        return (NONE, "dim")
    if value == 0:
        return ("=", "dim")
    return (f"{'+' if value > 0 else ''}{number(value, 3)}", "")


def size(count: int) -> str:
    """A number of bytes, such as `12.3 kB`; powers of 1000."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in _UNITS[1:]:
        amount /= 1000
        if amount < 999.5 or unit == _UNITS[-1]:
            return f"{amount:.3g} {unit}"
    raise AssertionError("unreachable: the last unit always returns")


def count(value: int) -> str:
    """A whole number with separators, such as `100,000`."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """A number with its noun, such as `1 run` or `2,000 runs`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def age(then_ms: int | None, now_ms: int) -> str:
    """How long ago, in one unit, such as `3m`; a dash when there is no time."""
    return NONE if then_ms is None else format_age(now_ms - then_ms)


def duration(length_ms: int | None) -> str:
    """A length of time, such as `4m 05s`; a dash when there is none."""
    return NONE if length_ms is None else format_duration(length_ms)


def moment(then_ms: int | None) -> str:
    """A time of day in UTC to the second, such as `2026-11-03 09:00:12Z`; a dash when there is none."""
    if then_ms is None:
        return NONE
    return format_time(then_ms - then_ms % 1000).replace("T", " ")


def at_home(path: str) -> str:
    """A path as a shell's prompt shows it: `~` for the operator's home.

    Args:
        path: Absolute.
    """
    home = os.environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and (path == home or path.startswith(f"{home}/")) else path
