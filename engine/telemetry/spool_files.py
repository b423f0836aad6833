"""The files of a spool: written by one data plane each, locked while it lives, numbered, bounded together."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.telemetry.frames import ENDING, HEAD_BYTES, PART, new_head, pack
from engine.telemetry.thinning import thin

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES = 8 << 20
"""Length from which a data plane begins its next file."""

_LOOK_S = 1.0
"""How often the length of all files is looked at."""

_OWNER_ONLY = 0o600


class SpoolFile:
    """The file that a data plane writes now. Used by its flushing thread alone.

    Args:
        folder: The spool's directory; made when it is missing.
        plane: The data plane's name, good for file names.
        max_bytes: Length of all files from which predictions are dropped, the oldest first.
        file_bytes: Length from which the next file begins.
    """

    def __init__(self, folder: Path, plane: str, *, max_bytes: int, file_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._plane = plane
        self._max_bytes = max_bytes
        self._file_bytes = min(file_bytes, max(max_bytes // 4, 4096))
        self._file = -1
        self._number = 0
        self._size = 0
        self._all_bytes = 0
        self._looked = -_LOOK_S

    def has_room(self) -> bool:
        """Whether predictions may be written; makes room, if it can, at the cost of the oldest ones."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_S or self._all_bytes >= self._max_bytes:
            self._looked = now
            with suppress(OSError):
                self._all_bytes = total_bytes(self._folder)
                if self._all_bytes >= self._max_bytes:
                    self._all_bytes -= thin(self._folder, self._all_bytes - self._max_bytes // 2)
        return self._all_bytes < self._max_bytes

    def write(self, body: bytes) -> None:
        """Write one frame with one call of the operating system.

        Args:
            body: The frame's body.

        Raises:
            OSError: it could not be written, or not whole; the file ends as it did before.
        """
        self._ready()
        data = pack(self._number, body)
        try:
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            self._cut()
            raise
        self._number += 1
        self._size += len(data)
        self._all_bytes += len(data)
        if self._size >= self._file_bytes:
            self.close()

    def close(self) -> None:
        """End the file; the next frame begins another one."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _cut(self) -> None:
        """Take back a part of a frame, and end the file: once it is stored its space is there for the next one."""
        with suppress(OSError):
            os.ftruncate(self._file, self._size)
        self.close()

    def _ready(self) -> None:
        """Have a file to write to: a new one when the last is full, or somebody deleted it."""
        if self._file >= 0 and os.fstat(self._file).st_nlink == 0:
            self.close()
        if self._file < 0:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file, self._number, self._size = self._created(), 0, HEAD_BYTES

    def _created(self) -> int:
        part = self._folder / f"{self._plane}-{os.getpid()}{PART}"
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            # Locked before it has its name: whoever finds it can tell that its writer lives.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(file, new_head()) != HEAD_BYTES:
                raise OSError("no space for the head of a spool file")  # noqa: TRY301 as the system's own failure
            self._give_name(part)
        except OSError:
            os.close(file)
            raise
        finally:
            part.unlink(missing_ok=True)
        return file

    def _give_name(self, part: Path) -> None:
        taken = (file.name for file in self._folder.glob(f"*{ENDING}") if file.name.startswith(f"{self._plane}-"))
        numbers = (name.removesuffix(ENDING).rpartition("-")[2] for name in taken)
        number = max((int(each) for each in numbers if each.isdigit()), default=0)
        while True:
            number += 1
            with suppress(FileExistsError):
                os.link(part, self._folder / f"{self._plane}-{number:08d}{ENDING}")
                return


def total_bytes(folder: Path) -> int:
    """Length of everything in a spool; 0 when there is none."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                total += entry.stat().st_size
    return total
