"""How far something long is: a line on stderr when somebody watches, a file when it runs as a job."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from engine.jobs.model import PROGRESS


class ProgressLine:
    """Shows how far a long operation has come.

    Args:
        what: What is going on, such as `verifying`.
    """

    _EVERY_S = 0.1

    def __init__(self, what: str) -> None:
        self.what = what
        self._watched = sys.stderr.isatty()
        told_in = os.environ.get(PROGRESS, "")
        self._file = Path(told_in) if told_in else None
        self._since_ms = time.time_ns() // 1_000_000
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
        if self._file is not None:
            self._write(self._file, done, total)
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
            self.what, self._since_ms, self._next = what, time.time_ns() // 1_000_000, 0.0
        self(done, total)

    def _write(self, path: Path, done: int, total: int) -> None:
        from engine.jobs.folder import write

        now_ms = time.time_ns() // 1_000_000
        told = {"what": self.what, "done": done, "total": total, "since_ms": self._since_ms, "at_ms": now_ms}
        with suppress(OSError):  # what is done matters more than what is told of it
            write(path, told)

    def close(self) -> None:
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False
