"""A process beside the data plane, which it can do without: started anew when it ends, ever more slowly."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.serving.rests import Rests

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_REST_S, _LONGEST_REST_S = 0.25, 15.0
_END_S = 8.0


class Companion:
    """One such process.

    Args:
        words: Its command line.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(words)
        self._process: subprocess.Popen[bytes] | None = None
        self._rests = Rests(_FIRST_REST_S, _LONGEST_REST_S)

    @property
    def pid(self) -> int | None:
        """Its process number, `None` while it does not run."""
        return None if self._process is None else self._process.pid

    def tend(self) -> None:
        """Start it when it does not run and has rested; never waits."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            self._rests.ended()
        if self._rests.over:
            self._rests.began()
            with suppress(OSError):  # no memory or no processes left: the next time may do
                self._process = subprocess.Popen(self._words, stdin=subprocess.DEVNULL)  # noqa: S603 our own module

    def tell_to_end(self) -> None:
        """Tell it to end."""
        if self._process is not None:
            self._process.terminate()

    def see_end(self) -> None:
        """Wait until it has ended, but not for ever."""
        if self._process is None:
            return
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def end_all(companions: Sequence[Companion]) -> None:
    """End processes, all at once, and wait until they have.

    Args:
        companions: The processes.
    """
    for each in companions:
        each.tell_to_end()
    for each in companions:
        each.see_end()
