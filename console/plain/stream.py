"""Lines in and lines out: a terminal in its own line mode, or pipes. Never an escape sequence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from console.plain.speech import ascii_only
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LONGEST = 20_000
"""Characters of a line that are read; what is longer is cut."""

WIDEST = 2_000
"""Characters of a line that are said."""

PROMPT = "qd> "


class Ends(NamedTuple):
    """File descriptors of a conversation.

    Args:
        source: Where lines come from.
        out: Where answers go.
        errors: Where complaints go.
    """

    source: int = 0
    out: int = 1
    errors: int = 2


STANDARD = Ends()


class Interrupted(Exception):
    """Ctrl-C was pressed while something was asked."""


class Lines:
    """The two ends of the conversation.

    Args:
        unicode: False to say ASCII only.
        on_gone: Called when nobody reads any more.
        ends: The streams; standard ones unless given.
    """

    def __init__(self, *, unicode: bool, on_gone: Callable[[], None], ends: Ends = STANDARD) -> None:
        self._ends = ends
        self.interactive = os.isatty(ends.source)
        self.count = 0
        """Lines that were said or complained of."""
        self._unicode = unicode
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._ended = False
        self._interrupt = asyncio.Event()
        threading.Thread(target=self._read, name="qd-lines", daemon=True).start()

    def _read(self) -> None:
        """Read lines as they come; a thread, because files and some terminals cannot be waited for."""
        with contextlib.suppress(OSError), open(self._ends.source, "rb", closefd=False) as source:
            for line in source:
                self._put(line.decode("utf-8", "replace")[:LONGEST].rstrip("\r\n"))
        self._put(None)

    def _put(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._typed.put_nowait, line)
        except RuntimeError:  # the loop has ended: nobody waits for lines any more
            return

    async def ask(self, question: str = PROMPT) -> str | None:
        """Ask for a line.

        Args:
            question: What stands before it; said only where somebody types, or when it is no mere prompt.

        Returns:
            The line, or `None` at the end of input.

        Raises:
            Interrupted: Ctrl-C was pressed instead.
        """
        if self._ended:
            return None
        if self.interactive:
            self._write(self._ends.out, clean(question, limit=WIDEST))
        elif question != PROMPT:
            self.say(question)
        self._interrupt.clear()
        line = await self._first(self._typed.get())
        self._ended = line is None
        if self._ended and self.interactive:
            self._write(self._ends.out, "\n")
        return line

    async def pause(self, seconds: float | None) -> None:
        """Wait until time is up, Ctrl-C is pressed or, where somebody types, a line is typed.

        Args:
            seconds: How long; until then when `None`.
        """
        self._interrupt.clear()
        typed = self._typed.get() if self.interactive else asyncio.Event().wait()  # a script waits its whole time
        with contextlib.suppress(TimeoutError, Interrupted):
            self._ended = await asyncio.wait_for(self._first(typed), seconds) is None

    async def _first(self, typed: Coroutine[Any, Any, Any]) -> str | None:
        line, stop = asyncio.ensure_future(typed), asyncio.ensure_future(self._interrupt.wait())
        try:
            await asyncio.wait((line, stop), return_when=asyncio.FIRST_COMPLETED)
            if line.done():
                found: str | None = line.result()
                return found
        finally:
            line.cancel()
            stop.cancel()
        raise Interrupted

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._write(self._ends.out, "\n")
        self._interrupt.set()

    def say(self, line: str) -> None:
        """Say a line."""
        self._write(self._ends.out, clean(line, limit=WIDEST) + "\n")

    def complain(self, line: str) -> None:
        """Say what went wrong."""
        self._write(self._ends.errors, clean(line, limit=WIDEST) + "\n")

    def _write(self, fd: int, text: str) -> None:
        self.count += 1
        data = (text if self._unicode else ascii_only(text)).encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(fd, data) :]
        except OSError:  # EPIPE, EIO: nobody reads
            self._on_gone()
