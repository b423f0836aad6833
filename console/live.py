"""The live feed: a thread polls for commits by any process and posts what changed, at most 4 times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from textual.message import Message

from engine.core.errors import QuarterdeckError
from engine.core.events import Changes, Event

POLL_SECONDS = 0.1
REPAINT_SECONDS = 0.25
"""Least time between two posts; the first after a quiet time goes at once."""

RETRY_SECONDS = 1.0
OFFLINE_SECONDS = 30.0
"""From here on `stale` reads `offline`."""


class Health(StrEnum):
    """How fresh the screen is."""

    LIVE = "live"
    STALE = "stale"
    OFFLINE = "offline"
    UNWRITABLE = "unwritable"
    DAMAGED = "damaged"


class Feed(Protocol):
    """What is polled; the engine's change feed."""

    def poll(self) -> Changes | None:
        """What changed since the last look, or `None`."""

    def close(self) -> None:
        """Let go of it."""


def merge(first: Changes | None, second: Changes) -> Changes:
    """Two looks as one: of each (kind, change, key) the latest event, oldest first."""
    if first is None:
        return second
    latest: dict[tuple[str, str, str], Event] = {}
    for event in (*first.events, *second.events):
        what = (event.kind, event.change, event.key)
        latest.pop(what, None)
        latest[what] = event
    return Changes(tuple(latest.values()), missed=first.missed or second.missed)


class Throttle:
    """Lets something through at once, then not again before an interval is over.

    Args:
        interval: Seconds.
        now: Tells monotonic seconds.
    """

    def __init__(self, interval: float, now: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._now = now
        self._last = -interval

    def wait(self) -> float:
        """Seconds until something may pass; 0 or less when it may now."""
        return self._last + self._interval - self._now()

    def passed(self) -> None:
        """Something passed."""
        self._last = self._now()


class LiveFeed:
    """Polls the change feed and tells the screen.

    Args:
        connect: Opens the engine's change feed.
        post: Takes a message to the screen's thread.
    """

    class Changed(Message):
        """Something in the workspace changed.

        Args:
            changes: What, each thing once.
        """

        def __init__(self, changes: Changes) -> None:
            super().__init__()
            self.changes = changes

    class HealthChanged(Message):
        """The feed fails, goes on failing, or works again.

        Args:
            health: How fresh the screen is.
            seconds: For how long it has not been.
            why: The error's message, for the operator.
        """

        def __init__(self, health: Health, seconds: int = 0, why: str = "") -> None:
            super().__init__()
            self.health = health
            self.seconds = seconds
            self.why = why

    def __init__(self, connect: Callable[[], Feed], post: Callable[[Message], object]) -> None:
        self._connect = connect
        self._post = post
        self._feed: Feed | None = None
        self._pending: Changes | None = None
        self._throttle = Throttle(REPAINT_SECONDS)
        self._failed_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qd-live", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def close(self) -> None:
        """Stop; waits for the look in progress."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self._look()
        if self._feed is not None:
            self._feed.close()

    def _look(self) -> float:
        """Look once; returns the seconds until the next look."""
        try:
            if self._feed is None:
                self._feed = self._connect()
                if self._failed_at is not None:
                    self._recover()
            changes = self._feed.poll()
        except QuarterdeckError as error:
            self._fail(error)
            return RETRY_SECONDS
        if changes is not None:
            self._pending = merge(self._pending, changes)
        if self._pending is None:
            return POLL_SECONDS
        wait = self._throttle.wait()
        if wait > 0:
            return min(wait, POLL_SECONDS)
        self._throttle.passed()
        self._post(self.Changed(self._pending))
        self._pending = None
        return POLL_SECONDS

    def _fail(self, error: QuarterdeckError) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        now = time.monotonic()
        if self._failed_at is None:
            self._failed_at = now
        seconds = now - self._failed_at
        health = Health.OFFLINE if seconds >= OFFLINE_SECONDS else Health.STALE
        self._post(self.HealthChanged(health, int(seconds), error.message))

    def _recover(self) -> None:
        self._failed_at = None
        self._pending = Changes((), missed=True)
        self._post(self.HealthChanged(Health.LIVE))
