"""The file system: what its errors mean for people, and writes that survive a power cut."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.core.errors import WorkspaceError, WorkspaceFull, WorkspaceReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def disk_errors(path: Path, what: str) -> Iterator[None]:
    """Turn errors of the file system raised inside into ours.

    Args:
        path: What is being written.
        what: What that is, for the message, such as `the backup`.

    Raises:
        WorkspaceFull: no space, or no room for another file, is left.
        WorkspaceReadOnly: it may not be written.
        WorkspaceError: the disk failed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkspaceFull(
                f"No space is left for {what} {path}.", hint="Free some space and try again."
            ) from error
        why = error.strerror or str(error)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise WorkspaceReadOnly(
                f"{what.capitalize()} {path} cannot be written: {why}.",
                hint="Check the permissions of its directory, or choose another.",
            ) from error
        raise WorkspaceError(f"{what.capitalize()} {path} cannot be written: {why}.", hint="Check the disk.") from error


def sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, would survive a power cut.

    Raises:
        OSError: the disk failed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
