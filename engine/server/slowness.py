"""What took long: counted, kept for the screen and said in the log, so that a stall has a name."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLOW_S = 1.0
"""From here on a request or a group of writes is slow, in seconds."""

SAID_EVERY_S = 1.0
"""The log says at most one in as many seconds: a slow disk makes everything slow."""

_KEPT = 20
_NAMES = 5


class Slowness:
    """Counts what was slow, and says what it was: names of our own, never a client's text.

    Args:
        now_s: Tells the time in seconds, from any beginning.
        say: Takes a line for the log.

    Attributes:
        count: How many were slow.
    """

    def __init__(
        self, now_s: Callable[[], float] = time.monotonic, say: Callable[[str], object] = sys.stderr.write
    ) -> None:
        self._now_s = now_s
        self._say = say
        self._said_s: float | None = None
        self._last: deque[str] = deque(maxlen=_KEPT)
        self.count = 0

    @property
    def last(self) -> tuple[str, ...]:
        """The last ones, the newest first."""
        return tuple(self._last)

    def request(self, method: str, path: str, seconds: float) -> None:
        """Note how long a request took until its answer was there.

        Args:
            method: Its route's method.
            path: The pattern of its route.
            seconds: How long.
        """
        if seconds >= SLOW_S:
            self._note(f"{method} {path} took {seconds:.1f} s")

    def group(
        self, operations: Iterable[Callable[[], object]], *, waited_s: float, ran_s: float, kept_s: float
    ) -> None:
        """Note how long a group of writes took.

        Args:
            operations: What ran in it.
            waited_s: How long it waited for other writers, in seconds.
            ran_s: How long its operations took together.
            kept_s: How long its commit took.
        """
        seconds = waited_s + ran_s + kept_s
        if seconds < SLOW_S:
            return
        names = Counter(_name(each) for each in operations)
        told = ", ".join(f"{name} x {count}" for name, count in names.most_common(_NAMES))
        parts = f"waited {waited_s:.1f}, ran {ran_s:.1f}, committed {kept_s:.1f}"
        self._note(f"{names.total()} writes took {seconds:.1f} s ({parts}): {told}")

    def _note(self, what: str) -> None:
        self.count += 1
        self._last.appendleft(what)
        now_s = self._now_s()
        if self._said_s is None or now_s - self._said_s >= SAID_EVERY_S:
            self._said_s = now_s
            self._say(f"Slow: {what}\n")


def _name(operation: Callable[[], object]) -> str:
    """Where an operation was written down: the file and function of the handler that asked for it."""
    module = getattr(operation, "__module__", None) or "?"
    function = getattr(operation, "__qualname__", type(operation).__name__)
    return f"{module.rpartition('.')[2]}.{function.partition('.<locals>')[0]}"
