"""One `qd up` a workspace: the file it holds locked, in which it tells how its processes do."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import Busy, NotFound, WorkspaceReplaced
from engine.core.text import clean
from engine.db.disk import disk_errors
from engine.processes.up_model import UpStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from engine.db.workspace import Workspace

_OWNER_ONLY = 0o600
_MOST_BYTES = 65_536
_TAIL_BYTES = 1 << 20
_FOLLOW_S = 0.2
_TRIES, _LOOK_S = 10, 0.005
"""Who looks whether the lock is held holds it for a moment; a start must not take that for another one."""


def _path(workspace: Workspace) -> Path:
    return workspace.path / "up.lock"


def logs(workspace: Workspace) -> Path:
    """Where the processes of a workspace write what they have to say.

    Args:
        workspace: The workspace.
    """
    return workspace.path / "logs"


class UpLock:
    """Held by the one `qd up` of a workspace; the operating system lets go when it dies.

    Args:
        workspace: The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file = -1
        self._told = ""

    def take(self) -> Self:
        """Take the lock.

        Returns:
            Itself; leave it as a context manager.

        Raises:
            Busy: another `qd up` holds it; the message says which.
            WorkspaceReadOnly: the workspace's directory may not be written.
            WorkspaceError: the disk failed.
        """
        path = _path(self._workspace)
        with disk_errors(path, "the lock of `qd up`"):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        for _ in range(_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._file = file
                return self
            time.sleep(_LOOK_S)
        os.close(file)
        raise _taken(self._workspace)

    def tell(self, status: UpStatus) -> None:
        """Write how it does, when that has changed; a full disk is no reason to end.

        Args:
            status: How it does.

        Raises:
            WorkspaceReplaced: the workspace was moved away or replaced.
        """
        self._check()
        text = status.to_json()
        if text == self._told:
            return
        self._told = text
        data = text.encode()
        with suppress(OSError):
            os.pwrite(self._file, data.ljust(_length(self._file)), 0)  # readers never see half of a shorter one
            os.ftruncate(self._file, len(data))

    def _check(self) -> None:
        held = os.fstat(self._file)
        try:
            there = _path(self._workspace).stat()
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino):
            raise WorkspaceReplaced(
                f"The workspace {self._workspace.path} was moved away or replaced while it was served.",
                hint="Look at what is there now, and start `qd up` on the one that is meant.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)
        self._file = -1


def _length(file: int) -> int:
    return os.fstat(file).st_size


def up_status(workspace: Workspace) -> UpStatus | None:
    """What `qd up` does on a workspace; `None` when there is none, or it has not yet said so.

    Args:
        workspace: The workspace.
    """
    try:
        file = os.open(_path(workspace), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError, OSError):
            return UpStatus.from_json(os.pread(file, _MOST_BYTES, 0).decode())
    finally:
        os.close(file)
    return None


def log_of(workspace: Workspace, name: str) -> Path:
    """The log of one process.

    Args:
        workspace: The workspace.
        name: What the process is, such as `serve`.

    Returns:
        The file.

    Raises:
        NotFound: there is none; the hint names those that are there.
    """
    there = sorted(each.stem for each in logs(workspace).glob("*.log"))
    if name not in there:
        named = f"There are: {', '.join(there)}." if there else "`qd up` writes them."
        raise NotFound(f"There is no log of {clean(name, limit=60)}.", hint=clean(named, limit=300))
    return logs(workspace) / f"{name}.log"


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log.

    Args:
        path: The file.
        lines: How many.

    Returns:
        At most so many lines, of the last megabyte.
    """
    if lines < 1:
        return []
    with path.open("rb") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
        file.seek(begin)
        found = file.read().decode("utf-8", "replace").splitlines()
    return found[1 if begin else 0 :][-lines:]


def followed(path: Path) -> Iterator[str]:
    """Lines that are added to a log from now on, also when it is put aside meanwhile; never ends.

    Args:
        path: The file.

    Yields:
        Each line.
    """
    file = path.open("rb")
    file.seek(0, os.SEEK_END)
    rest = b""
    while True:
        rest += file.read(_MOST_BYTES)
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if lines:
            continue
        with suppress(FileNotFoundError):
            if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open("rb")
                continue
        time.sleep(_FOLLOW_S)


def _taken(workspace: Workspace) -> Busy:
    found = up_status(workspace)
    who = "" if found is None else f" (process {found.pid} of {clean(found.user, limit=60)})"
    return Busy(
        f"`qd up` runs on this workspace already{who}.", hint="See `qd up status`, or end it with `qd up stop`."
    )
