"""Telling whoever waits how far the gates are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[str, int, int], None]


class Told:
    """Hands on what happens, and remembers that whoever listens wants to stop: no gate may take that for its own.

    Args:
        progress: Who listens; or nobody.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._gate = ""
        self._stop: Exception | None = None

    def begin(self, gate: str, done: int, total: int) -> None:
        """The next gate runs."""
        self._gate = ""
        self(gate, done, total)
        self._gate = f"{gate}: "

    def __call__(self, what: str, done: int, total: int) -> None:
        """Something happens within it.

        Args:
            what: In a few words.
            done: Steps done.
            total: Steps in all.
        """
        if self._progress is None:
            return
        try:
            self._progress(f"{self._gate}{what}", done, total)
        except Exception as error:
            self._stop = error
            raise

    def raise_stop(self) -> None:
        """Stop, if that was wanted."""
        if self._stop is not None:
            raise self._stop
