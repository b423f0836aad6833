"""How often the screen is painted when nobody presses a key: less where it costs more, or where nobody looks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR = 1 / 60
"""Seconds between two paints on a terminal of this machine."""

FAR = 1 / 10
"""The same at the far end of a connection."""

SLOW = 1 / 2
"""The same where the terminal did not take what was sent."""

UNSEEN = 1.0
"""The same where another window has the keyboard."""

MEMORY_SECONDS = 10.0
"""How long a line that was slow counts as slow."""


class Pace:
    """What is known of the line and the eyes at its end.

    Args:
        far: Whether there is a connection between.
        now: Tells monotonic seconds.
    """

    def __init__(self, *, far: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._far = far
        self._now = now
        self._slow_until = float("-inf")
        self.seen = True
        """Whether the terminal has the keyboard, as far as it says."""

    def stuck(self) -> None:
        """The terminal did not take all that was sent."""
        self._slow_until = self._now() + MEMORY_SECONDS

    @property
    def seconds(self) -> float:
        """Between two paints that nobody asked for."""
        if not self.seen:
            return UNSEEN
        if self._now() < self._slow_until:
            return SLOW
        return FAR if self._far else NEAR
