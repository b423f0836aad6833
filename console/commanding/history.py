"""What was typed after `:`, kept between sessions; several consoles may add to it at once."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST = 1_000
"""Lines kept; the file is cut to these when it holds twice as many."""

_SAFELY = os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW

LONGEST = 2_000
"""Characters of a line that is kept; a longer one is remembered in this session only."""

_MAX_BYTES = 4 * MOST * LONGEST
_PATIENCE_SECONDS, _PAUSE_SECONDS = 0.5, 0.002


class History:
    """The commands of one operator, the newest last, each once.

    A line is one write behind the others, under a lock: what was typed is there when the console is killed the moment
    after, and nothing is lost when several consoles add. A file that cannot be read or written is done without: a
    session still remembers its own lines. A line that begins with a space is not kept, as in shells.

    Args:
        path: The file; `None` keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: dict[str, None] = {}
        self._seen: tuple[int, int] | None = None

    def lines(self) -> Sequence[str]:
        """Every line, the newest last; what other consoles added since is there."""
        self._catch_up()
        return tuple(self._lines)

    def matching(self, text: str) -> Sequence[str]:
        """The lines that hold a text, minding no case; the newest first."""
        wanted = text.lower()
        return [line for line in reversed(self.lines()) if wanted in line.lower()]

    def add(self, text: str) -> None:
        """Remember a line."""
        line = text.strip()
        if not line:
            return
        self._remember(line)
        if self._path is None or text.startswith(" ") or len(line) > LONGEST or not line.isprintable():
            return
        try:
            with self._locked() as path:
                _append(path, line)
        except OSError:
            return  # a full disk or a foreign folder: this session still has it

    def _remember(self, line: str) -> None:
        self._lines.pop(line, None)
        self._lines[line] = None
        if len(self._lines) > 2 * MOST:
            self._lines = dict.fromkeys(list(self._lines)[-MOST:])

    def _catch_up(self) -> None:
        """Read the file if it is another than the one read last; lines that only this session has stay the newest."""
        if self._path is None:
            return
        try:
            found = self._path.stat()
            signature = (found.st_mtime_ns, found.st_size)
            if signature == self._seen:
                return
            kept = _read(self._path)
        except OSError:
            return
        self._seen = signature
        own = [line for line in self._lines if line not in set(kept)]
        self._lines = {}
        for line in (*kept, *own):
            self._remember(line)

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """Hold the lock beside the file, for the file itself is replaced when it is cut.

        Raises:
            OSError: the folder cannot be written to, or another console holds the lock for too long.
        """
        path = self._path
        if path is None:
            raise FileNotFoundError
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | _SAFELY, 0o600)
        try:
            limit = time.monotonic() + _PATIENCE_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > limit:
                        raise
                    time.sleep(_PAUSE_SECONDS)
            yield path
        finally:
            os.close(lock)


def _append(path: Path, line: str) -> None:
    """Write a line behind the others, and cut the file when it has grown too long.

    Raises:
        OSError: it cannot be written.
    """
    file = os.open(path, os.O_RDWR | os.O_APPEND | _SAFELY, 0o600)
    try:
        os.fchmod(file, 0o600)
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # somebody died within a write: begin a new line
        os.write(file, (("\n" if torn else "") + line + "\n").encode())
    finally:
        os.close(file)
    _cut(path)


def _cut(path: Path) -> None:
    """Leave the newest lines, each once.

    Raises:
        OSError: it cannot be written.
    """
    if path.stat().st_size < 2 * MOST * 8:  # fewer lines than would be cut, however short
        return
    with path.open("rb") as file:
        count = sum(1 for _ in file)
    if count <= 2 * MOST and path.stat().st_size <= _MAX_BYTES:
        return
    new = path.with_name(f"{path.name}.new")
    file_new = os.open(new, os.O_WRONLY | os.O_TRUNC | _SAFELY, 0o600)
    with os.fdopen(file_new, "w", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in _read(path)[-MOST:])
    new.replace(path)


def _read(path: Path) -> list[str]:
    """The lines of a file that can be typed, each once, the newest last.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MAX_BYTES))
        text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    lines: dict[str, None] = {}
    for line in text.split("\n"):
        if line and len(line) <= LONGEST and line.isprintable():
            lines.pop(line, None)
            lines[line] = None
    return list(lines)
