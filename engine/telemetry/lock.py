"""One capture writer a workspace: the file that it holds locked, and in which it tells how it does."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from engine.db.disk import disk_errors
from engine.telemetry.model import WriterStatus

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from engine.db.workspace import Workspace

_OWNER_ONLY = 0o600
_MOST_BYTES = 4096


def _path(workspace: Workspace) -> Path:
    return workspace.path / "capture.lock"


class WriterLock:
    """Held by the one capture writer of a workspace; the operating system lets go when it dies.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file = -1

    def take(self) -> bool:
        """Try to take the lock.

        Returns:
            Whether it was free.

        Raises:
            WorkspaceReadOnly: the workspace's directory may not be written.
            WorkspaceError: the disk failed.
        """
        path = _path(self._workspace)
        with disk_errors(path, "the capture writer's lock"):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def tell(self, status: WriterStatus) -> None:
        """Write how it does; a full disk is no reason to end."""
        text = json.dumps(asdict(status)).encode()[:_MOST_BYTES].ljust(512)
        with suppress(OSError):
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def writer_status(workspace: Workspace) -> WriterStatus:
    """How the capture writer of a workspace does; what the last one said, with `alive` false, when there is none."""
    try:
        file = os.open(_path(workspace), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return WriterStatus(alive=False)
    try:
        said = WriterStatus(alive=False)
        with suppress(ValueError, TypeError, OSError):
            said = WriterStatus(**json.loads(os.pread(file, _MOST_BYTES, 0)))
        return replace(said, alive=_is_held(file))
    finally:
        os.close(file)


def _is_held(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
