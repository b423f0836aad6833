"""A progress line on stderr while something long runs; silent when nobody watches."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """Shows how far a long operation has come.

    Args:
        what: What is going on, such as `verifying`.
    """

    _EVERY_S = 0.1

    def __init__(self, what: str) -> None:
        self.what = what
        self._watched = sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        """Tell how far it is.

        Args:
            done: Steps done.
            total: Steps in all.
        """
        now = time.monotonic()
        if not self._watched or (now < self._next and done < total):
            return
        self._next = now + self._EVERY_S
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
        if self._watched and what != self.what:
            if self._shown:
                sys.stderr.write("\r\x1b[K")
            self.what = what
        self(done, total)

    def close(self) -> None:
        """End the line."""
        if self._shown:
            sys.stderr.write("\n")
            self._shown = False
