"""Files that users ask for: whole or not at all, and never over another one unless they say so."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from engine.core.errors import AlreadyExists, InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_file(target: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """Write a file beside its place, and put it there when all of it is on the disk.

    Args:
        target: Where; a link there is replaced, not followed.
        replace: Replace what is there.

    Yields:
        The file, to write to. After an exception nothing is left of it.

    Raises:
        AlreadyExists: a file is there already.
        InvalidInput: it is a folder, its folder is missing, or it cannot be written there.
    """
    if target.is_dir() and not target.is_symlink():
        raise InvalidInput(f"{clean(str(target))} is a folder.", hint="Name the file to write.")
    if not replace and os.path.lexists(target):
        raise _taken(target)
    partial = target.parent / f".{os.urandom(8).hex()}.part"
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            partial.replace(target)
        else:
            _place(partial, target)
    except OSError as error:
        problem = f"{clean(str(target))} cannot be written: {error.strerror or error}."
        raise InvalidInput(problem, hint="Choose another place.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def save(target: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file as `new_file` does.

    Args:
        target: Where.
        data: What is in it.
        replace: Replace what is there.

    Raises:
        AlreadyExists: a file is there already.
        InvalidInput: it is a folder, its folder is missing, or it cannot be written there.
    """
    with new_file(target, replace=replace) as stream:
        stream.write(data)


def _place(partial: Path, target: Path) -> None:
    """Give a file its name unless somebody else took it meanwhile."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise _taken(target) from None
    except OSError:  # a file system without hard links; there a race may be lost
        if os.path.lexists(target):
            raise _taken(target) from None
        partial.replace(target)


def _taken(target: Path) -> AlreadyExists:
    return AlreadyExists(f"{clean(str(target))} is there already.", hint="Choose another name, or say to replace it.")
