"""The data planes of a workspace: each holds a file locked for as long as it lives, and says in it who it is."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.core.errors import Busy
from engine.db.disk import disk_errors
from engine.endpoints.model import Plane

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from engine.db.workspace import Workspace

_OWNER_ONLY = 0o600
_LONGEST = 65_536
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")

_TRIES, _LOOK_S = 10, 0.005
"""Who looks whether a lock is held holds it for a moment."""


def plane_id(host: str, pid: int) -> str:
    """What a data plane is called, such as `gate-1:4711`; it may name a file whatever the machine is called."""
    return f"{_UNUSUAL.sub('-', host).strip('.-')[:60] or 'host'}:{pid}"


class PlaneLock:
    """Held by a data plane for as long as it lives; the operating system lets go when it dies.

    Args:
        workspace: The workspace.
        plane: Who it is.
    """

    def __init__(self, workspace: Workspace, plane: Plane) -> None:
        self._folder = workspace.planes
        self._path = workspace.planes / f"{plane.id}.lock"
        self._plane = plane
        self._file = -1

    def take(self) -> Self:
        """Take the lock, and say who holds it.

        Returns:
            Itself; leave it as a context manager.

        Raises:
            Busy: another process holds it.
            WorkspaceReadOnly: the workspace's directory may not be written.
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        for _ in range(_TRIES):
            with disk_errors(self._path, "the data plane's lock"):
                self._folder.mkdir(mode=0o700, exist_ok=True)
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_there(self._path, file):
                    self._file = file
                    self.tell(self._plane)
                    return self
            os.close(file)  # somebody looks at it, or has just swept it away
            time.sleep(_LOOK_S)
        raise Busy(f"The data plane {self._plane.id} runs already.", hint="See `qd endpoints list`.")

    def tell(self, plane: Plane) -> None:
        """Say who holds it, such as when the address is known.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        text = json.dumps(asdict(plane)).encode()
        with disk_errors(self._path, "the data plane's lock"):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._path.unlink()
        os.close(self._file)
        self._file = -1


def _is_there(path: Path, file: int) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    held = os.fstat(file)
    return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)


def living(workspace: Workspace) -> tuple[Plane, ...]:
    """The data planes that live now, by name; one that has not yet said who it is, is left out."""
    try:
        paths = sorted(workspace.planes.glob("*.lock"))
    except OSError:
        return ()
    return tuple(plane for path in paths if (plane := _holder(path)) is not None)


def sweep(workspace: Workspace) -> None:
    """Remove what data planes left behind that were killed."""
    for path in workspace.planes.glob("*.lock"):
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(file)


def _holder(path: Path) -> Plane | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path, file)
    except OSError:
        return None
    finally:
        os.close(file)
    return None


def _read(path: Path, file: int) -> Plane | None:
    import msgspec  # only who finds a data plane needs it

    try:
        plane = msgspec.json.decode(os.pread(file, _LONGEST, 0), type=Plane)
    except (OSError, ValueError):
        return None
    return plane if plane.id == path.name.removesuffix(".lock") else None
