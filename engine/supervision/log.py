"""The log of one process: lines with their times, and never more than a bound of bytes."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.core.timetext import format_time

if TYPE_CHECKING:
    from pathlib import Path

    from engine.core.clock import Clock

MAX_BYTES = 4 << 20
"""How long a log grows before it is put aside, in bytes."""

KEPT = 3
"""How many logs that were put aside are kept."""

_LINE = 2_000
_OWNER_ONLY = 0o600


class Log:
    """Appends lines to a file, and puts it aside when it is full. A disk that fails loses lines, nothing else.

    Args:
        path: The file.
        clock: Tells the time.
        max_bytes: How long it grows.

    Attributes:
        last: The last line that the process itself wrote, cleaned.
    """

    def __init__(self, path: Path, clock: Clock, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._file = -1
        self._bytes = 0
        self._turn = threading.Lock()
        self.last = ""

    def write(self, line: bytes, *, ours: bool = False) -> None:
        """Append a line; from any thread.

        Args:
            line: What a process wrote; any bytes.
            ours: It is a note of who looks after the process, not its own.
        """
        text = clean(line.decode("utf-8", "replace").rstrip("\r\n"), limit=_LINE)
        if not text:
            return
        if not ours:
            self.last = text
        data = f"{format_time(self._clock.now_ms())}  {text}\n".encode()
        with self._turn, suppress(OSError):
            if self._file < 0:
                self._open()
            elif self._bytes + len(data) > self._max_bytes:
                self._put_aside()
            self._bytes += os.write(self._file, data)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        self._bytes = os.fstat(self._file).st_size

    def _put_aside(self) -> None:
        self.close()
        for number in range(KEPT, 0, -1):
            older = self._path if number == 1 else self._aside(number - 1)
            with suppress(FileNotFoundError):
                older.replace(self._aside(number))
        self._open()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
