"""How people read what a server tells of itself; programs get all of it with `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.cli.output import Column
from engine.core.plain import plain
from engine.core.timetext import format_age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.processes.model import RunningServer

_LEVELS = "▁▂▃▄▅▆▇█"
_LATELY_S = 10


def document(found: RunningServer) -> dict[str, Any]:
    """The fields as people read them: of the last minute a curve instead of sixty numbers, refusals left to a table.

    Args:
        found: The server; it has told how it does.
    """
    shown: dict[str, Any] = plain(found)
    status = shown["status"]
    seconds = status.pop("requests_by_second")
    status.pop("refusals")
    lately = seconds[-_LATELY_S:]
    if any(seconds):
        rate = f"{sum(lately) / len(lately):,.1f}/s lately, {max(seconds):,}/s at most"
        status["last_minute"] = f"{curve(seconds)}  {rate}"
    else:
        status["last_minute"] = "no requests"
    return shown


def curve(counts: Sequence[int]) -> str:
    """Counts as a line of bars, the greatest the highest; a blank is none at all."""
    most = max(counts, default=0)
    return "".join(_LEVELS[(count * len(_LEVELS) - 1) // most] if count else " " for count in counts).lstrip()


def refusal_columns(now_ms: int) -> list[Column]:
    """What people see of requests that were refused.

    Args:
        now_ms: The present, in milliseconds since the epoch.
    """
    return [
        Column("status", lambda each: each.status, right=True),
        Column("code", lambda each: each.code or "-"),
        Column("count", lambda each: each.count, right=True),
        Column("age", lambda each: each.last_ms, lambda last_ms: format_age(now_ms - last_ms), right=True),
        Column("method", lambda each: each.method),
        Column("path", lambda each: each.path + ("" if each.known else "  (no such path)")),
    ]
