"""Files of the operator's own that several consoles may write at once: replaced whole, one writer at a time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = 1_000_000
"""Largest file that is read: nobody keeps so many views."""


def read_text(path: Path) -> str:
    """The text of a file; empty when there is none.

    Raises:
        InvalidInput: it cannot be read, is too long or is not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InvalidInput(f"{path} is longer than {MOST_BYTES:,} bytes.", hint="Move it away.")
        return raw.decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text.", hint="Mend it or move it away.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from error


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Let no other console change a file meanwhile.

    Args:
        path: The file; beside it stands one with `.lock` behind its name.

    Raises:
        InvalidInput: its folder cannot be written to.
    """
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", hint="Check the folder.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def replace_text(path: Path, text: str) -> None:
    """Write a file whole: a reader sees the old one or the new one.

    Raises:
        InvalidInput: it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", hint="Check the folder.") from error
