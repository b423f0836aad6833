"""One server a workspace: the file that its owner holds locked, and the one in which it tells how it does."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import Busy, WorkspaceReplaced
from engine.core.text import clean
from engine.core.timetext import format_time
from engine.db.disk import disk_errors
from engine.processes.model import ServerOwner, ServerStatus

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from engine.db.workspace import Workspace

_OWNER_ONLY = 0o600

_TRIES, _LOOK_S = 10, 0.005
"""Who looks whether the lock is held holds it for a moment; a start must not take that for another server."""


def _lock_path(workspace: Workspace) -> Path:
    return workspace.path / "server.lock"


def _status_path(workspace: Workspace) -> Path:
    return workspace.path / "server.json"


class ServerLock:
    """Held by the one server of a workspace for as long as it lives; the operating system lets go when it dies.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file = -1

    def take(self) -> Self:
        """Take the lock.

        Returns:
            Itself; leave it as a context manager.

        Raises:
            Busy: another server holds it; the message says which.
            WorkspaceReadOnly: the workspace's directory may not be written.
            WorkspaceError: the disk failed.
        """
        path = _lock_path(self._workspace)
        with disk_errors(path, "the server's lock"):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._file = file
                return self
            time.sleep(_LOOK_S)
        os.close(file)
        raise _taken(self._workspace)

    def check(self) -> None:
        """Make sure that the workspace is still the one whose lock this is.

        Raises:
            WorkspaceReplaced: it was moved away, or another one is in its place; both may be served by others.
        """
        try:
            there = os.stat(_lock_path(self._workspace))  # noqa: PTH116 once a second, also in silence
        except OSError:
            there = None
        held = os.fstat(self._file)
        if there is None or (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            raise WorkspaceReplaced(
                f"The workspace {self._workspace.path} was moved away or replaced while it was served.",
                hint="Look at what is there now, and start `qd server` on the one that is meant.",
            )

    def tell(self, owner: ServerOwner) -> None:
        """Write who holds it.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        text = owner.to_json().encode()
        with disk_errors(_lock_path(self._workspace), "the server's lock"):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)

    def tell_status(self, status: ServerStatus) -> None:
        """Write how it does, whole or not at all.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        path = _status_path(self._workspace)
        part = path.with_suffix(".part")
        with disk_errors(path, "the server's status"):
            part.write_text(status.to_json(), encoding="utf-8")
            part.chmod(_OWNER_ONLY)
            part.replace(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError, WorkspaceReplaced):
            os.ftruncate(self._file, 0)
            self.check()  # else the status there is another server's
            _status_path(self._workspace).unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def owner(workspace: Workspace) -> ServerOwner | None:
    """Who serves a workspace now; `None` when nobody does, or it has not yet said so."""
    try:
        file = os.open(_lock_path(workspace), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError, OSError):
            return ServerOwner.from_json(os.pread(file, 4096, 0).decode())
    finally:
        os.close(file)
    return None


def status(workspace: Workspace) -> ServerStatus | None:
    """How the server of a workspace said it does; `None` when it has not yet."""
    with suppress(ValueError, OSError, TypeError):
        return ServerStatus.from_json(_status_path(workspace).read_text(encoding="utf-8"))
    return None


def _taken(workspace: Workspace) -> Busy:
    found = owner(workspace)
    if found is None:
        return Busy("Another server is starting on this workspace.", hint="See `qd server status`.")
    who = f"process {found.pid} of {clean(found.user, limit=60)}, since {format_time(found.started_ms)}"
    return Busy(
        f"This workspace is served already at {clean(found.url, limit=100)} ({who}).",
        hint="Use that one, or end it with `qd server stop`.",
        details={"pid": found.pid, "url": found.url},
    )
