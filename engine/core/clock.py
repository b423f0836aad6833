"""Time as an argument: milliseconds since the Unix epoch, in UTC, from a clock that tests can hold still."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""


class SystemClock:
    """The machine's wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z, as the operating system believes."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is moved; for tests, replays and exact screenshots.

    Args:
        now_ms: The first reading, in milliseconds since the epoch.
    """

    def __init__(self, now_ms: int = 1_760_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """The reading it was last moved to, in milliseconds since the epoch."""
        return self._now_ms

    def advance(self, delta_ms: int) -> None:
        """Move forward by `delta_ms` milliseconds (backward if negative)."""
        self._now_ms += delta_ms
