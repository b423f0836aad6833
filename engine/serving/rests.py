"""When a process that has ended is started again: ever later, until one has run well."""

from __future__ import annotations

import time


class Rests:
    """The rests between the starts of one process.

    Args:
        first_s: After one that ran well, in seconds.
        longest_s: After many that did not, in seconds.
        well_s: How long one runs that ran well, in seconds.

    Attributes:
        rest_s: The last one, in seconds.
    """

    def __init__(self, first_s: float, longest_s: float, well_s: float = 10.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._well_s = well_s
        self.rest_s = first_s
        self._began_s = 0.0
        self._next_s = 0.0

    @property
    def over(self) -> bool:
        """Whether it may be started."""
        return time.monotonic() >= self._next_s

    def began(self) -> None:
        """Note that it is started now."""
        self._began_s = time.monotonic()

    def ended(self) -> None:
        """Note that it has ended."""
        now_s = time.monotonic()
        well = now_s - self._began_s > self._well_s
        self.rest_s = self._first_s if well else min(self.rest_s * 2, self._longest_s)
        self._next_s = now_s + self.rest_s
