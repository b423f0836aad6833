"""One console for one page: a process on a pseudo-terminal of its own, which ends with the page."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from functools import partial
from typing import TYPE_CHECKING

from console.terminal.capabilities import NO_STOP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

READ_SIZE = 65_536
MOST_COLUMNS, MOST_ROWS = 500, 200
PATIENCE_SECONDS = 4.0
"""How long a console may take to end when its page is gone."""

FOCUS_IN, FOCUS_OUT = b"\x1b[I", b"\x1b[O"


class ConsoleSession:
    """A console in a browser's page.

    Args:
        argv: Starts it.
        send: Takes what it draws; waits until the browser has taken it, so that a slow one gets fewer frames.
    """

    def __init__(self, argv: Sequence[str], send: Callable[[bytes], Awaitable[None]]) -> None:
        self._argv = list(argv)
        self._send = send
        self._terminal = -1
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, columns: int, rows: int) -> None:
        """Start it. Not to be given up half-way: the process would be nobody's.

        Args:
            columns: Width of the page in cells.
            rows: Its height.
        """
        self._terminal, inner = pty.openpty()
        os.set_blocking(self._terminal, False)
        self.resize(columns, rows)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, env=_environ(), preexec_fn=partial(os.login_tty, inner)
            )
        finally:
            os.close(inner)

    async def draw(self) -> None:
        """Pass on what it draws, until it ends."""
        while data := await self._read():
            await self._send(data)

    async def _read(self) -> bytes:
        """What it draws next; nothing when it has ended."""
        loop, terminal = asyncio.get_running_loop(), self._terminal
        while self._terminal == terminal:
            readable = asyncio.Event()
            loop.add_reader(terminal, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(terminal)
            try:
                return os.read(terminal, READ_SIZE)
            except BlockingIOError:
                continue
            except OSError:  # EIO: nobody has the other end any more
                break
        return b""

    def type(self, data: bytes) -> None:
        """Pass on what was typed; what a console that hangs does not take is lost."""
        if self._terminal >= 0:
            with contextlib.suppress(OSError):
                os.write(self._terminal, data)

    def resize(self, columns: int, rows: int) -> None:
        """The page has another size."""
        if self._terminal >= 0:
            size = max(1, min(rows, MOST_ROWS)), max(1, min(columns, MOST_COLUMNS))
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def focus(self, *, seen: bool) -> None:
        """The page came to the front, or went to the back."""
        self.type(FOCUS_IN if seen else FOCUS_OUT)

    async def end(self) -> None:
        """Hang up, and see to it that the process ends."""
        terminal, self._terminal = self._terminal, -1
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if terminal >= 0:
            os.close(terminal)


def _environ() -> dict[str, str]:
    """What the terminal in the page is, whatever the one is that `qd web` runs in."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_CTYPE": "C.UTF-8", NO_STOP: "1"}


_OURS = ("LC_ALL", "TMUX", "STY", "COLORFGBG", "TERM_PROGRAM", "SSH_CONNECTION", "SSH_TTY")
