"""A moment that is looked at: a time, or the instant after one change. Pure."""

from __future__ import annotations

import re

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.timetext import format_time, parse_time

_CLOCKS_APART_MS = 60_000  # by how much the clock of whoever wrote a time may be ahead
_CHANGE = re.compile(r"#([1-9][0-9]{0,17})")


@frozen
class Moment:
    """A moment of the past; exactly one of its fields is set.

    Args:
        time_ms: A time, in milliseconds since the epoch; what happened at that millisecond has happened.
        change: The number of an audit record: the instant at which it, and nothing after it, had happened.
    """

    time_ms: int | None = None
    change: int | None = None

    def __str__(self) -> str:
        """As `parse_moment` reads it: `2026-11-03T09:00:00Z` or `#1182`."""
        return f"#{self.change}" if self.time_ms is None else format_time(self.time_ms)


def parse_moment(text: str, now_ms: int | None) -> Moment:
    """Read a moment.

    Args:
        text: A time as `parse_time` reads it, or `#1182` for the instant after that change.
        now_ms: The present, in milliseconds since the epoch; `None` refuses what depends on it.

    Returns:
        The moment.

    Raises:
        InvalidInput: it is neither.
    """
    change = _CHANGE.fullmatch(text.strip())
    return Moment(change=int(change[1])) if change else Moment(parse_time(text, now_ms))


def past_moment(text: str, now_ms: int) -> Moment:
    """Read a moment that there has been.

    Args:
        text: As of `parse_moment`.
        now_ms: The present, in milliseconds since the epoch.

    Returns:
        The moment.

    Raises:
        InvalidInput: it is none, or has not come yet.
    """
    found = parse_moment(text, now_ms)
    if found.time_ms is not None and found.time_ms > now_ms + _CLOCKS_APART_MS:
        when = format_time(found.time_ms)
        raise InvalidInput(f"{when} has not come yet.", hint="Name a moment of the past, such as 5m.")
    return found
