"""A pty session that is interpreted after the fact, so that interpreting costs the measured time nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from tests.bench.pty.session import Chunk, PtySession, TimedOut

Condition = Callable[[], bool]
AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Python keeps compiled modules, as it does for installed programs."""

PAUSE = 0.3
LONGEST_WAIT = 1.0
"""Seconds without output before the screen is brought up to date: while that is done, nothing is read."""


class _Unread:
    """Takes the place of the terminal emulator while bytes are only collected."""

    def feed(self, data: bytes) -> None:
        """Do nothing yet."""


class Tape(PtySession):
    """Collects bytes with their times; the screen is brought up to date in pauses only."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._emulator: Any = self._stream
        self._stream = _Unread()  # type: ignore[assignment]  # the one method that is called
        self._played = 0
        return self

    def replay(self, conditions: Sequence[Condition]) -> list[float]:
        """Show the screen what was collected.

        Args:
            conditions: What to wait for, in order.

        Returns:
            When each of those that came true did: the time of the bytes that made it so, on the monotonic clock.
        """
        found: list[float] = []
        for chunk in self.chunks[self._played :]:
            self._emulator.feed(chunk.data)
            while len(found) < len(conditions) and conditions[len(found)]():
                found.append(chunk.at)
        self._played = len(self.chunks)
        return found

    def rest(self, quiet: float = 0.1) -> list[Chunk]:
        """Collect until nothing comes for `quiet` seconds, then bring the screen up to date; returns the chunks."""
        chunks = self.until_quiet(quiet)
        self.replay([])
        return chunks

    def when(self, *conditions: Condition, within: float = 10.0) -> list[float]:
        """Collect until all conditions came true, in this order.

        Returns:
            When each did.

        Raises:
            TimedOut: they did not within `within` seconds; the message shows the screen.
        """
        found: list[float] = []
        deadline = time.monotonic() + within
        look = time.monotonic() + LONGEST_WAIT
        while len(found) < len(conditions):
            if not self.pump(PAUSE) or time.monotonic() > look:  # a live screen never pauses
                found += self.replay(conditions[len(found) :])
                look = time.monotonic() + LONGEST_WAIT
            if time.monotonic() > deadline:
                raise TimedOut("\n".join(self.screen.display))
        return found

    def shows(self, text: str) -> bool:
        """Whether a text stands on one line of the screen."""
        return any(text in line for line in self.screen.display)


def size(chunks: Sequence[Chunk]) -> int:
    """Bytes in all."""
    return sum(len(chunk.data) for chunk in chunks)


def console(workspace: Path, *words: str) -> Tape:
    """The console on a workspace, at 120 by 40."""
    qd = str(Path(sys.executable).with_name("qd"))
    return Tape([qd, "--workspace", str(workspace), "console", *(words or ("runs",))], environ=AS_INSTALLED)


def hello() -> Tape:
    """A minimal Textual application at the same size."""
    return Tape([sys.executable, "-m", "tests.bench.pty.hello"], environ=AS_INSTALLED)


def filled(tape: Tape) -> bool:
    """Whether the console shows a screen full of runs."""
    states = ("finished", "failed", "killed", "running", "lost")
    return sum(any(state in line for state in states) for line in tape.screen.display) >= tape.rows - 8
