"""What processes that belong to a workspace and a parent have in common: one at a time, and none without a parent."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from engine.db.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_OWNER_ONLY = 0o600


class Alone:
    """A file that one process at a time holds; the operating system lets go when it dies.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def take(self) -> bool:
        """Try to take it.

        Returns:
            Whether it was free.

        Raises:
            WorkspaceReadOnly: its directory may not be written.
            WorkspaceError: the disk failed.
        """
        with disk_errors(self._path, "a lock file"):
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def parent_watch() -> Callable[[], bool]:
    """What tells whether the process that is the parent now has died since."""
    parent = os.getppid()
    return lambda: os.getppid() != parent
