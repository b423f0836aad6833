"""What the console has said: kept in a file of the operator's, so that nobody has to have read a message in time."""

from __future__ import annotations

import json
import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE, OLD = "console.log", "console.log.1"
MOST_BYTES = 1 << 20
"""From here on the file is put aside, over the one put aside before."""

MOST_KEPT = 1_000
"""Entries shown."""

LONGEST = 2_000
_UNREMARKABLE = ("dim",)


class Entry(NamedTuple):
    """Something that was said.

    Args:
        at_ms: When, in milliseconds since the epoch.
        look: How bad it is: `good`, `warn`, `bad`, or empty.
        text: What; one line.
        hint: What to do next; may be empty.
        code: Of an error; else empty.
        place: Where the operator was, such as `versions churn`.
    """

    at_ms: int
    look: str
    text: str
    hint: str = ""
    code: str = ""
    place: str = ""


class Journal:
    """Keeps what the console says, of this session and of those before.

    Args:
        folder: Where the file is; `None` remembers this session only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._entries: deque[Entry] = deque(maxlen=MOST_KEPT)

    @property
    def path(self) -> Path | None:
        """The file; `None` without one."""
        return None if self._folder is None else self._folder / FILE

    def note(self, entry: Entry) -> None:
        """Keep an entry; an error that goes on once. A disk that takes none costs the file, never the session."""
        if entry.look in _UNREMARKABLE:
            return
        kept = entry._replace(text=clean(entry.text, limit=LONGEST), hint=clean(entry.hint, limit=LONGEST))
        if entry.code and self._entries and self._entries[-1] == kept._replace(at_ms=self._entries[-1].at_ms):
            return
        self._entries.append(kept)
        if self._folder is not None:
            with suppress(OSError):
                _append(self._folder, json.dumps(kept._asdict()) + "\n")

    def entries(self) -> Sequence[Entry]:
        """What is kept, newest first; of a file that cannot be read, this session's part."""
        if self._folder is None:
            return tuple(reversed(self._entries))
        lines: list[str] = []
        for name in (OLD, FILE):
            with suppress(OSError):
                lines += (self._folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
        found = [entry for line in lines[-MOST_KEPT:] if (entry := _entry(line)) is not None]
        return tuple(reversed(found or self._entries))


def _append(folder: Path, line: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    with suppress(FileNotFoundError):
        if path.stat().st_size > MOST_BYTES:
            path.replace(folder / OLD)
    # One write to a file opened for appending: lines of two consoles never mix.
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(number, line.encode())
    finally:
        os.close(number)


def _entry(line: str) -> Entry | None:
    """A line of the file; `None` for one that is none of ours, or was cut."""
    try:
        said: Any = json.loads(line)
        at_ms, *texts = (said[name] for name in Entry._fields)
        return Entry(int(at_ms), *(clean(str(text), limit=LONGEST) for text in texts))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
