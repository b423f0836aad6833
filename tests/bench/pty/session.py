"""A command in a real pseudo-terminal: keys in, time-stamped bytes out, and a screen that interprets them.

Benches and tests share it, so that what is measured is what is judged. Nothing here knows the console.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyte

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
TERMINAL = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "COLUMNS": "",  # the size is what the terminal says
    "LINES": "",
}
QUERIES: Mapping[bytes, bytes] = {b"\x1b[?2026$p": b"\x1b[?2026;2$y"}
"""What a modern terminal answers: synchronized output (mode 2026) is known and off."""


class TimedOut(AssertionError):
    """A condition did not come true before its deadline."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that arrived together. at: seconds, monotonic clock."""

    at: float
    data: bytes


@dataclass(slots=True)
class PtySession:
    """A running command whose standard streams are one pseudo-terminal.

    Args:
        argv: Command and arguments.
        columns: Width in cells.
        rows: Height in cells.
        environ: Added to the inherited environment and a plain xterm's; a value of "" removes the name.
        answers: Replies to terminal queries found in the output.
        folder: Where it runs; here when `None`.
    """

    argv: Sequence[str]
    columns: int = 120
    rows: int = 40
    environ: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[bytes, bytes] = field(default_factory=lambda: QUERIES)
    folder: Path | None = None
    pid: int = field(init=False)
    chunks: list[Chunk] = field(init=False, default_factory=list)
    started: float = field(init=False)
    first_mode: list[object] = field(init=False)
    status: int | None = field(init=False, default=None)
    _fd: int = field(init=False)
    _screen: pyte.Screen = field(init=False)
    _stream: pyte.ByteStream = field(init=False)
    _drawn: int = field(init=False, default=0)
    _tail: bytes = field(init=False, default=b"")

    def __enter__(self) -> Self:
        """Start the command."""
        self._screen = pyte.Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self._screen)
        environ = {**os.environ, **TERMINAL, **self.environ}
        environ = {name: value for name, value in environ.items() if value}
        self.started = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)  # as a shell would; `nohup make test` ignores hang-ups
                _set_size(0, self.columns, self.rows)
                os.chdir(self.folder or ".")
                os.execvpe(self.argv[0], list(self.argv), environ)  # noqa: S606 - a pty child has no shell
            finally:
                os._exit(127)
        self.first_mode = self.mode()
        os.set_blocking(self._fd, False)
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the command if it still runs."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]
        self.close()

    def close(self) -> None:
        """Hang up: close our side of the terminal."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def send(self, keys: str | bytes) -> float:
        """Type keys.

        Returns:
            When they were sent, seconds on the monotonic clock.
        """
        at = time.monotonic()
        os.write(self._fd, keys.encode() if isinstance(keys, str) else keys)
        return at

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        os.kill(self.pid, number)

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; the kernel sends SIGWINCH."""
        self.columns, self.rows = columns, rows
        self.screen.resize(rows, columns)
        _set_size(self._fd, columns, rows)

    def pump(self, timeout: float) -> bytes:
        """Read what arrives within `timeout` seconds (returns at the first chunk)."""
        if self._fd < 0 or not select.select([self._fd], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EAGAIN):  # EIO: every other end of the pty is closed
                return b""
            raise
        if data:
            self.chunks.append(Chunk(time.monotonic(), data))
            self._answer(data)
        return data

    def _answer(self, data: bytes) -> None:
        window = self._tail + data
        for query, reply in self.answers.items():
            if query in window and query not in self._tail:
                os.write(self._fd, reply)
        self._tail = window[-16:]

    def until(self, condition: Callable[[], bool], *, within: float = 10.0) -> None:
        """Read until `condition` holds.

        Raises:
            TimedOut: it did not within `within` seconds; the message shows the screen.
        """
        deadline = time.monotonic() + within
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut("\n".join(self.screen.display))
            self.pump(min(left, 0.05))

    def until_text(self, text: str, *, within: float = 10.0) -> None:
        """Read until `text` stands on one line of the screen.

        Raises:
            TimedOut: it did not within `within` seconds.
        """
        self.until(lambda: any(text in line for line in self.screen.display), within=within)

    def until_quiet(self, quiet: float = 0.1, *, within: float = 10.0) -> list[Chunk]:
        """Read until nothing arrives for `quiet` seconds; returns the chunks read.

        Raises:
            TimedOut: output never paused.
        """
        first = len(self.chunks)
        deadline = time.monotonic() + within
        while self.pump(quiet):
            if time.monotonic() > deadline:
                raise TimedOut("output never paused")
        return self.chunks[first:]

    def until_settled(self, quiet: float = 0.02, *, within: float = 10.0) -> None:
        """Read until the command waits: nothing arrives for `quiet` seconds and none of its threads works.

        Raises:
            TimedOut: it still worked after `within` seconds.
        """
        deadline = time.monotonic() + within
        while self.pump(quiet) or self._works():
            if time.monotonic() > deadline:
                raise TimedOut(f"{self.argv} still works")

    def _works(self) -> bool:
        try:
            return any(_state(f"{task}/stat") in "RD" for task in Path(f"/proc/{self.pid}/task").iterdir())
        except (FileNotFoundError, ProcessLookupError):  # a thread, or the command, has just ended
            return False

    def listen(self, seconds: float) -> list[Chunk]:
        """Read for a fixed time; returns the chunks read."""
        first = len(self.chunks)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.pump(left)
        return self.chunks[first:]

    def wait(self, *, within: float = 10.0) -> int:
        """Read until the command ends.

        Returns:
            Its exit code; negative is the signal that killed it.

        Raises:
            TimedOut: it still runs after `within` seconds.
        """
        deadline = time.monotonic() + within
        while self.status is None:
            if not self.pump(0.02) and self._fd < 0:
                time.sleep(0.01)  # hung up: nothing to select on while the process winds down
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
            elif time.monotonic() > deadline:
                raise TimedOut(f"{self.argv} still runs")
        while self.pump(0.05):
            pass
        return os.waitstatus_to_exitcode(self.status)

    @property
    def screen(self) -> pyte.Screen:
        """What the terminal shows. Interpreted only when looked at: the emulator is slower than what it judges."""
        for chunk in self.chunks[self._drawn :]:
            self._stream.feed(chunk.data)
        self._drawn = len(self.chunks)
        return self._screen

    @property
    def output(self) -> bytes:
        """Everything received so far."""
        return b"".join(chunk.data for chunk in self.chunks)

    def mode(self) -> list[object]:
        """The terminal's line settings (echo, line mode, …)."""
        return list(termios.tcgetattr(self._fd))

    def stopped(self) -> bool:
        """Whether the command is stopped, as by Ctrl-Z."""
        return _state(f"/proc/{self.pid}/stat") == "T"

    def cpu_seconds(self) -> float:
        """Processor time the command has used, all threads, user and system, in seconds."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - procfs, hot in benches
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def memory_mb(self, name: str = "VmHWM") -> float:
        """Memory of the command from /proc, in MB: VmHWM is the peak resident set, VmRSS the present one."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:  # noqa: PTH123 - procfs
            for line in status:
                if line.startswith(name):
                    return int(line.split()[1]) / 1024
        return 0.0


def _state(stat_file: str) -> str:
    with open(stat_file, encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - procfs, hot in benches
        return stat.read().rpartition(")")[2].split()[0]


def _set_size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
