"""Signs of life of a running run, from a daemon thread; it also finds out what takes long."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError
from engine.tracking.environment import git_dirty, packages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Pulse(Protocol):
        """Where signs of life are written."""

        def beat(self, run_id: str) -> bool:
            """Write one; False when nobody waits for more."""

        def complete_environment(self, run_id: str, packages: Mapping[str, str], git_dirty: bool | None) -> None:
            """Add what took long to find out."""


INTERVAL_S = 10.0
"""Seconds between two signs of life."""

_STOP_WITHIN_S = 5.0


class Heartbeat:
    """Beats until it is stopped, or the run is over, or the process ends.

    Args:
        pulse: Where signs of life are written.
        run_id: The run's id; its integer key may be another run's after a restore.
        capture: Find out packages and the git state first.
        interval_s: Seconds between two signs of life.
    """

    def __init__(self, pulse: Pulse, run_id: str, *, capture: bool, interval_s: float = INTERVAL_S) -> None:
        self._pulse = pulse
        self._run_id = run_id
        self._capture = capture
        self._interval_s = interval_s
        self._folder = os.getcwd()  # noqa: PTH109 where the program started; it may change directory later
        self.over = False
        """Whether a beat found that nobody waits for more."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"heartbeat-{run_id[:8]}", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is being found out is still written down, within a few seconds. Safe to call again."""
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN_S)

    def _live(self) -> None:
        if self._capture:
            self._complete()
        alive = True
        while alive and not self._stopped.wait(self._interval_s):
            try:
                alive = self._pulse.beat(self._run_id)
                self.over = not alive
            except QuarterdeckError:
                # A full disk or a busy workspace now may be well at the next beat; the training must not suffer.
                continue

    def _complete(self) -> None:
        found, dirty = packages(), git_dirty(self._folder)
        try:
            self._pulse.complete_environment(self._run_id, found, dirty)
        except QuarterdeckError:
            return  # the run goes on without its package list
