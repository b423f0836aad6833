"""Bytes to the terminal without ever blocking the event loop, however slow the line is."""

from __future__ import annotations

import os
import select
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable


class Outlet:
    """A terminal's output side.

    Args:
        fd: The terminal as it was given to us. It stays in its own (blocking) mode, for the shell shares it.
        loop: The running event loop.
        on_drained: Called when the kernel has taken all bytes after it had refused some.
        on_gone: Called once when the terminal has vanished.
        on_stuck: Called when the terminal does not take all at once.
    """

    def __init__(
        self,
        fd: int,
        loop: AbstractEventLoop,
        *,
        on_drained: Callable[[], None],
        on_gone: Callable[[], None],
        on_stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self._fd, self._owned = _own_description(fd)
        self._loop = loop
        self._on_drained = on_drained
        self._on_gone = on_gone
        self._on_stuck = on_stuck
        self._waiting = bytearray()
        self._open = True

    @property
    def busy(self) -> bool:
        """Whether bytes still wait for the terminal: a new frame had better wait too, and skip those between."""
        return bool(self._waiting)

    def send(self, text: str) -> None:
        """Send text in order: at once where the kernel takes it, else when it does."""
        data = text.encode("utf-8", "replace")
        if self._waiting:
            self._waiting += data
            return
        rest = data[self._write(data) :]
        if rest and self._open:
            self._waiting += rest
            self._on_stuck()
            self._loop.add_writer(self._fd, self._resume)

    def finish(self, text: str, within: float = 1.0) -> None:
        """Send a last text and wait for the terminal to take it; frames that still wait are dropped.

        Args:
            text: What restores the terminal.
            within: Seconds after which a terminal that takes nothing is given up.
        """
        self._forget()
        data = text.encode()
        deadline = time.monotonic() + within
        while data and self._open:
            if not select.select([], [self._fd], [], max(0.0, deadline - time.monotonic()))[1]:
                return
            data = data[self._write(data) :]

    def close(self) -> None:
        """Give back what was opened; later texts are dropped."""
        self._forget()
        self._open = False
        if self._owned:
            self._owned = False
            os.close(self._fd)

    def _write(self, data: bytes | bytearray) -> int:
        if not self._open:
            return 0
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:  # EIO, EPIPE or ENXIO: nobody is there any more
            self._forget()
            self._open = False
            self._on_gone()
            return 0

    def _resume(self) -> None:
        del self._waiting[: self._write(self._waiting)]
        if self._open and not self._waiting:
            self._forget()
            self._on_drained()

    def _forget(self) -> None:
        self._waiting.clear()
        self._loop.remove_writer(self._fd)


def _own_description(fd: int) -> tuple[int, bool]:
    """Open the terminal anew, so that non-blocking mode is ours alone; where that is refused, use it as it is."""
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK), True
    except OSError:
        return fd, False
