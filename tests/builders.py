"""Small builders of real things that many tests start from; every file is made below the given folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.artifacts.store import ArtifactStore
from engine.core.access import Access, Actor, Role
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.db.workspace import Workspace, make_directories
from engine.tracking.service import Runs

if TYPE_CHECKING:
    from pathlib import Path

    from engine.core.clock import Clock


def make_workspace(path: Path) -> Workspace:
    """A workspace directory without a database yet."""
    workspace = Workspace(path / "workspace")
    make_directories(workspace)
    return workspace


def make_database(path: Path, *, clock: Clock | None = None) -> Database:
    """A migrated control database in the workspace below `path`; its clock stands still unless one is given."""
    database = Database(make_workspace(path).control_db, clock=clock or ManualClock())
    database.migrate()
    return database


def make_access(role: Role = Role.ADMIN, *, name: str = "ada", read_only: bool = False) -> Access:
    """The standing of a user of that name."""
    return Access(Actor(name), role, read_only=read_only)


def make_runs(database: Database, *, access: Access | None = None, clock: Clock | None = None) -> Runs:
    """The run service over a database; run ids count up from 1."""
    artifacts = ArtifactStore(Workspace(database.path.parent))
    return Runs(database, access or make_access(), artifacts, clock or ManualClock(), CountingIds())
