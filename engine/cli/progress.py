"""How far something long is: a line on stderr when somebody watches, a file when it runs as a job."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from engine.jobs.model import PROGRESS


class JobFile:
    """The file in which a job says how far it is; none where the command is no job."""

    def __init__(self) -> None:
        told_in = os.environ.get(PROGRESS, "")
        self._path = Path(told_in) if told_in else None
        self._since_ms = _now_ms()

    def __bool__(self) -> bool:
        """Whether anybody is told."""
        return self._path is not None

    def restart(self) -> None:
        """What is left is reckoned from now on."""
        self._since_ms = _now_ms()

    def write(self, what: str, done: int, total: int) -> None:
        """Tell how far it is.

        Args:
            what: What is going on, such as `scoring`.
            done: Steps done since the last restart.
            total: Steps there are to do from there.
        """
        if self._path is None:
            return
        from engine.jobs.folder import write

        told = {"what": what, "done": done, "total": total, "since_ms": self._since_ms, "at_ms": _now_ms()}
        with suppress(OSError):  # what is done matters more than what is told of it
            write(self._path, told)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class ProgressLine:
    """Shows how far a long operation has come.

    Args:
        what: What is going on, such as `verifying`.
    """

    _EVERY_S = 0.1

    def __init__(self, what: str) -> None:
        self.what = what
        self._watched = sys.stderr.isatty()
        self._file = JobFile()
        self._next = 0.0
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Tell how far it is.

        Args:
            done: Steps done.
            total: Steps in all.
        """
        now = time.monotonic()
        if not (self._watched or self._file) or (now < self._next and done < total):
            return
        self._next = now + self._EVERY_S
        self._file.write(self.what, done, total)
        if not self._watched:
            return
        share = 100 if total == 0 else 100 * done // total
        sys.stderr.write(f"\r{self.what} {share:3d} % ({done:,} of {total:,})")
        sys.stderr.flush()
        self._shown = True

    def tell(self, what: str, done: int, total: int) -> None:
        """Tell what is going on now, and how far that is; the step names replace each other on the line.

        Args:
            what: What is going on, such as `loading`.
            done: Steps of it done.
            total: Steps in all.
        """
        if what != self.what:
            if self._shown:
                sys.stderr.write("\r\x1b[K")
            self.what, self._next = what, 0.0
            self._file.restart()
        self(done, total)

    def close(self) -> None:
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False


class ProgressStory(ProgressLine):
    """Shows how far a whole has come whose steps have words of their own: a word that changes begins nothing anew."""

    _last = 0

    def tell(self, what: str, done: int, total: int) -> None:
        """Tell what is going on now, and how far the whole is.

        Args:
            what: What is going on, such as `runs`.
            done: Steps of the whole done; fewer than before: the next part of it has begun.
            total: Steps in all.
        """
        if done < self._last:
            self._file.restart()
        self._last, self.what = done, what
        self(done, total)
