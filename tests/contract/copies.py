"""Copies of a prepared workspace, and all that another process finds in them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple

from engine.api import Engine
from engine.artifacts.store import ArtifactStore
from engine.core.access import Access, Actor
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.db.workspace import Workspace
from engine.policy.file import PolicyFile
from tests.contract.contents import contents
from tests.engine.deployment.world import HOUR_MS

Connect = Callable[..., sqlite3.Connection]
State = dict[str, Any]

LOST = sha256(b"lost").hexdigest()
"""An artifact that the workspace has lost and its backup has."""

DONE, OPEN, LIVE, CHILD = (f"{number:032x}" for number in (101, 102, 103, 104))
"""Runs: one that has ended, one that is deleted, one that runs, and one of a deleted experiment."""

_CONNECT = sqlite3.connect


class FarIds(CountingIds):
    """Run ids that no run has yet.

    Args:
        first: The digits that they begin with.
    """

    def __init__(self, first: str = "e") -> None:
        super().__init__()
        self._first = first * 8

    def new(self) -> str:
        """The next one."""
        return self._first + super().new()[8:]


class Copy:
    """A copy of the prepared workspace, opened through connections that may fail.

    Args:
        folder: Where the workspace lies, as `workspace/`.
        connect: Stands in for `sqlite3.connect`.
    """

    def __init__(self, folder: Path, connect: Connect) -> None:
        self.folder = folder
        self.workspace = Workspace(folder / "workspace")
        self.clock = ManualClock()
        self.clock.advance(HOUR_MS)
        self.database = Database(self.workspace.control_db, clock=self.clock, connect=connect)
        self.telemetry = Database(
            self.workspace.telemetry_db,
            clock=self.clock,
            connect=connect,
            durability=Durability.RELAXED,
            schema=TELEMETRY,
        )

    def engine(self, name: str = "root") -> Engine:
        """The workspace as opened by somebody."""
        policy_file = PolicyFile(self.workspace.policy_file)
        access = Access(Actor(name), policy_file.read().role_of(name))
        engine = Engine(
            self.workspace, self.database, policy_file=policy_file, access=access, clock=self.clock, ids=FarIds()
        )
        engine.__dict__["_telemetry_database"] = self.telemetry
        return engine

    def close(self) -> None:
        """Close the connections."""
        self.database.close()
        self.telemetry.close()

    def state(self) -> State:
        """All that another process finds, but for what makes no difference: logs beside the database, spare objects."""
        found: State = {f"telemetry.{name}": rows for name, rows in contents(self.workspace.telemetry_db).items()}
        found |= contents(self.workspace.control_db)
        found["webhook_delivery"] = [(row[0], *row[2:]) for row in found["webhook_delivery"]]  # its name is random
        found["lost parts"] = [part for part in found["part files"] if not self._holds_part(*part)]
        found["dangling"] = [
            digest for digest, size in found["object files"] if digest != LOST and not self._is_whole(digest, size)
        ]
        around = [*self.folder.iterdir(), *self.workspace.path.iterdir()]
        found["files"] = sorted(path.name for path in around if not path.name.endswith(("-wal", "-shm")))
        below = (name for _, folders, files in os.walk(self.folder) for name in (*folders, *files))
        found["half files"] = [name for name in below if ".part" in name]
        return found

    def _is_whole(self, digest: str, size_bytes: int) -> bool:
        try:
            told = os.stat(f"{self.workspace.artifacts}/objects/{digest[:2]}/{digest[2:]}")  # noqa: PTH116 ten times faster
        except FileNotFoundError:
            return False
        return S_ISREG(told.st_mode) and told.st_size == size_bytes

    def _holds_part(self, upload_id: str, number: int, digest: str) -> bool:
        path = ArtifactStore(self.workspace).part_path(upload_id, number, digest)
        return path.is_file() and sha256(path.read_bytes()).hexdigest() == digest


class Operation(NamedTuple):
    """One operation.

    Args:
        act: Does it.
        commits: Transactions it takes; the state after each of them may be left by a failure in a later one.
        files: Whether it writes files of its own.
    """

    act: Callable[[Copy], object]
    commits: int = 1
    files: bool = False


def copied(prepared: Path, target: Path, connect: Connect = _CONNECT) -> Copy:
    """A fresh copy of what `prepare` made."""
    if target.exists():
        shutil.rmtree(target)
    for place in _places(prepared):
        place.put(str(target))
    return Copy(target, connect)


class _Place(NamedTuple):
    """A folder, or a file with what is in it, as it lies below a prepared one."""

    name: str
    mode: int
    time_ns: int
    data: bytes | None

    def put(self, below: str) -> None:
        """Make it there."""
        path = f"{below}{self.name}"
        if self.data is None:
            os.mkdir(path, self.mode)  # noqa: PTH102 a hundred thousand times; pathlib costs as much again
            return
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self.mode)
        try:
            os.write(file, self.data)
            os.utime(file, ns=(self.time_ns, self.time_ns))
        finally:
            os.close(file)


@cache
def _places(prepared: Path) -> list[_Place]:
    """Read once what is copied a thousand times."""
    found = []
    for path in (prepared, *sorted(prepared.rglob("*"))):
        told = path.stat()
        data = None if path.is_dir() else path.read_bytes()
        found.append(_Place(str(path).removeprefix(str(prepared)), told.st_mode & 0o777, told.st_mtime_ns, data))
    return found
