"""Small builders of real things that many tests start from; every file is made below the given folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine.artifacts.store import ArtifactStore
from engine.core.access import Access, Actor, Role
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.db.migrations import CONTROL, TELEMETRY
from engine.db.workspace import Workspace, make_directories
from engine.tracking.service import Runs

if TYPE_CHECKING:
    from engine.core.clock import Clock


@cache
def _migrated(schema: Path) -> bytes:
    with TemporaryDirectory() as folder:
        database = Database(Path(folder) / "made.db", schema=schema)
        database.migrate()
        database.close()
        return database.path.read_bytes()


def put_database(path: Path, schema: Path = CONTROL) -> None:
    """Write a database as `Database.migrate` makes it, in a tenth of the time; one that is there stays as it is."""
    if not path.exists():
        path.write_bytes(_migrated(schema))


def empty_workspace(path: Path) -> Workspace:
    """A workspace in that directory as `engine.create` makes it, for tests that are not about how it is made."""
    workspace = Workspace(path)
    make_directories(workspace)
    put_database(workspace.control_db)
    return workspace


def put_telemetry(workspace: Workspace) -> None:
    """Write the telemetry database of a workspace where nothing was captured yet."""
    put_database(workspace.telemetry_db, TELEMETRY)


def make_workspace(path: Path) -> Workspace:
    """A workspace directory without a database yet."""
    workspace = Workspace(path / "workspace")
    make_directories(workspace)
    return workspace


def make_database(path: Path, *, clock: Clock | None = None) -> Database:
    """A migrated control database in the workspace below `path`; its clock stands still unless one is given."""
    database = Database(empty_workspace(path / "workspace").control_db, clock=clock or ManualClock())
    database.migrate()
    return database


def make_access(role: Role = Role.ADMIN, *, name: str = "ada", read_only: bool = False) -> Access:
    """The standing of a user of that name."""
    return Access(Actor(name), role, read_only=read_only)


def make_runs(database: Database, *, access: Access | None = None, clock: Clock | None = None) -> Runs:
    """The run service over a database; run ids count up from 1."""
    artifacts = ArtifactStore(Workspace(database.path.parent))
    return Runs(database, access or make_access(), artifacts, clock or ManualClock(), CountingIds())
