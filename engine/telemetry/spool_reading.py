"""The capture writer's end of the spool: follows files as they grow, and removes those that are stored and ended."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from engine.telemetry.frames import (
    ENDING,
    HEAD_BYTES,
    MAGIC,
    THIN_MAGIC,
    Found,
    Frame,
    decoder,
    next_start,
    unpack,
)
from engine.telemetry.thinning import held

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_READ_BYTES = 4 << 20
"""How much of a file is looked at at once; at least one frame, however long."""


class Numbered(NamedTuple):
    """A frame with its number.

    Args:
        number: Its number in its file.
        frame: What it says; `None` when that cannot be read.
    """

    number: int
    frame: Frame | None


class Piece(NamedTuple):
    """A part of a file.

    Args:
        file: The identity of the file, 16 bytes; empty when it has none.
        frames: Its frames.
        ended: Nobody writes the file any more, and all of it was given out before.
    """

    file: bytes
    frames: tuple[Numbered, ...]
    ended: bool


class _Followed:
    """One file, and how far it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = b""
        self.place = HEAD_BYTES
        self._head = b""

    def read(self, *, ended: bool) -> list[Found]:
        """The next frames, copied out of the file."""
        with self.path.open("rb") as stream:
            self._begin(stream.read(HEAD_BYTES))
            if not self.identity:
                return []
            length = _READ_BYTES
            while True:
                stream.seek(self.place)
                data = memoryview(stream.read(length))
                frames, used = _frames(data, ended=ended and len(data) < length)
                if frames or len(data) < length:
                    break
                length *= 2
        self.place += used
        return frames

    def _begin(self, head: bytes) -> None:
        """Begin at the beginning of a file of this name that is another one, or was written anew without predictions.

        The head tells, and no inode: those are given again as soon as they are free.
        """
        if head != self._head:
            self._head, self.place = head, HEAD_BYTES
        self.identity = _identity(head)


def _frames(data: memoryview, *, ended: bool) -> tuple[list[Found], int]:
    """The frames of a piece of a file, and how much of it they take; damage is stepped over once the file has ended."""
    found: list[Found] = []
    place = 0
    while True:
        frame = unpack(data, place)
        if frame is not None:
            found.append(frame)
            place = frame.end
            continue
        beyond = next_start(data, place) if ended and place < len(data) else None
        if beyond is None:
            return found, place
        place = beyond


def identity_of(path: Path) -> bytes:
    """What the head of a spool file says, 16 bytes; empty when it has none.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        return _identity(stream.read(HEAD_BYTES))


def _identity(head: bytes) -> bytes:
    known = len(head) == HEAD_BYTES and head[: len(MAGIC)] in (MAGIC, THIN_MAGIC)
    return head[len(MAGIC) :] if known else b""


class SpoolReader:
    """Gives the frames of all files of a spool that have not been stored.

    Args:
        folder: `Workspace.spool`; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._followed: dict[str, _Followed] = {}
        self._decode = decoder()

    def paths(self) -> list[Path]:
        """The files, in the order of their names, so that those of one data plane are in the order of time."""
        try:
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(ENDING))  # noqa: PTH208 asked ten times a second
        except FileNotFoundError:
            names = []
        self._followed = {name: self._followed.get(name) or _Followed(self._folder / name) for name in names}
        return [each.path for each in self._followed.values()]

    def next_frames(self, path: Path, number_from: Callable[[bytes], int]) -> Piece:
        """The frames of a file that have not been given out, about 4 MB of them at once.

        Args:
            path: One of `paths`.
            number_from: Says the first number that has not been stored, by the identity of the file.

        Returns:
            The frames, and whether the file has ended with what was given out before them.

        Raises:
            OSError: the file cannot be read.
        """
        followed = self._followed[path.name]
        with held(path) as file:
            ended = file is not None
        try:
            found = followed.read(ended=ended)
        except FileNotFoundError:
            return Piece(b"", (), ended=False)
        first = number_from(followed.identity) if found else 0
        frames = tuple(Numbered(each.number, self._read(each)) for each in found if each.number >= first)
        return Piece(followed.identity, frames, ended=ended and not found)

    def remove(self, path: Path) -> bool:
        """Remove a file that has ended and is stored.

        Returns:
            Whether it is gone; somebody may hold it for a moment.

        Raises:
            OSError: it may not be removed.
        """
        with held(path) as file:
            if file is not None:
                path.unlink()
                self._followed.pop(path.name, None)
            return file is not None

    def identities(self) -> set[bytes]:
        """Who the files of the last `paths` are, as their heads say."""
        found = set()
        for each in self._followed.values():
            with suppress(OSError):
                found.add(identity_of(each.path))
        return found

    def forget(self) -> None:
        """Give everything out again that has not been stored: what was given out last could not be."""
        self._followed.clear()

    def waiting_bytes(self) -> int:
        """About how many bytes of the files have not been given out."""
        waiting = 0
        for each in self._followed.values():
            with suppress(OSError):
                waiting += max(each.path.stat().st_size - each.place, 0)
        return waiting

    def _read(self, found: Found) -> Frame | None:
        try:
            return self._decode(found.body)
        except ValueError:
            return None
