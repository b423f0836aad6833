"""Making room in a spool that nobody empties: the oldest files lose their predictions, and keep sums and counts."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.telemetry.frames import (
    ENDING,
    HEAD_BYTES,
    MAGIC,
    PART,
    THIN_MAGIC,
    Frame,
    SentCount,
    decoder,
    encoder,
    pack,
    sound_frames,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held(path: Path) -> Iterator[int | None]:
    """Hold a spool file that nobody writes any more.

    Args:
        path: The file.

    Yields:
        Its open descriptor; `None` when its writer lives, somebody else holds it, or it is not there.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield file if _locked(file, path) else None
    finally:
        os.close(file)


def _locked(file: int, path: Path) -> bool:
    """Lock an open file, and make sure that it still has its name."""
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(file).st_ino
    return False


def thin(folder: Path, enough: int) -> int:
    """Take the predictions out of the oldest files; they count as dropped as soon as the file is stored.

    Args:
        folder: The spool.
        enough: Bytes to free.

    Returns:
        Bytes freed; fewer when there are no more predictions in files that nobody writes.
    """
    freed = 0
    for path in sorted(folder.glob(f"*{ENDING}"), key=_age):
        if freed >= enough:
            break
        with held(path) as file, suppress(OSError):
            if file is not None:
                freed += _thinned(path, file)
    return freed


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _thinned(path: Path, file: int) -> int:
    """Replace a file by one of the same identity and the same frames, without their predictions."""
    with os.fdopen(os.dup(file), "rb") as stream:
        data = memoryview(stream.read())
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return 0
    decode, encode = decoder(), encoder()
    parts = [THIN_MAGIC + bytes(data[len(MAGIC) : HEAD_BYTES])]
    for found in sound_frames(data, HEAD_BYTES):
        with suppress(ValueError):
            frame = decode(found.body)
            counts = [SentCount(each.endpoint, each.deployment, each.sent, each.sent) for each in frame.counts]
            parts.append(pack(found.number, encode(Frame([], [], frame.windows, counts))))
    thinned = b"".join(parts)
    part = path.with_suffix(f".{os.getpid()}{PART}")
    try:
        part.write_bytes(thinned)
        part.chmod(0o600)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return len(data) - len(thinned)
