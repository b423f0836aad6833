"""A workspace whose registry is worked with directly: real database and files, a clock that is moved by hand."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from engine.artifacts.store import ArtifactStore
from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.policy.file import PolicyFile
from engine.registry.model import Stage, Version
from engine.registry.service import Models
from engine.registry.stages import move_stage, read_version
from engine.tracking.logged_models import LoggedModels
from engine.tracking.model import RunImport, RunStatus
from engine.tracking.service import Runs
from tests.builders import empty_workspace, make_access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.tracking.model import DatasetInput

FILES = {"model/weights.bin": b"weights", "model/config/a.json": b"{}"}


class Desk:
    """One registry and what it stands on.

    Args:
        path: Where to make the workspace.
        connect: Stands in for `sqlite3.connect`.
    """

    def __init__(self, path: Path, *, connect: Callable[..., sqlite3.Connection] = sqlite3.connect) -> None:
        self.workspace = empty_workspace(path / "workspace")
        self.clock = ManualClock()
        self.database = Database(self.workspace.control_db, clock=self.clock, connect=connect)
        self.database.migrate()
        self.artifacts = ArtifactStore(self.workspace)
        self.workspace.policy_file.write_text("# a policy that says nothing: everything as it is by default\n")
        self.policy_file = PolicyFile(self.workspace.policy_file)
        self.ids = CountingIds()
        self.runs = Runs(self.database, make_access(), self.artifacts, self.clock, self.ids)
        self.models = self.as_role(Role.ADMIN)

    def as_role(self, role: Role, *, name: str = "ada", read_only: bool = False) -> Models:
        """The registry as somebody of that role sees it."""
        access = make_access(role, name=name, read_only=read_only)
        logged = LoggedModels(self.database, access, self.artifacts, self.clock, self.ids)
        return Models(
            self.database,
            access,
            self.runs,
            self.artifacts,
            self.policy_file,
            self.clock,
            logged_models=logged,
        )

    def run(
        self,
        files: Mapping[str, bytes] = FILES,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        inputs: tuple[DatasetInput, ...] = (),
        parent: str | None = None,
    ) -> str:
        """A finished run with these files; gives its id."""
        now_ms = self.clock.now_ms()
        if parent is None:
            points = [(key, value, 0, now_ms) for key, value in (metrics or {}).items()]
            run_id = self.ids.new()
            made = RunImport(
                "exp",
                "trained",
                run_id=run_id,
                start_ms=now_ms,
                end_ms=now_ms,
                metrics=points,
                params=params or {},
            )
            self.runs.import_runs([made])
        else:
            run_id = self.runs.start("exp", "child", parent=parent, capture=False, status=RunStatus.SCHEDULED).id
        for path, data in files.items():
            self.runs.log_bytes(run_id, data, path)
        for each in inputs:
            self.runs.log_input(run_id, each)
        return run_id

    def register(self, model: str = "churn", **fields: Any) -> Version:
        """Register a version of a fresh run."""
        return self.models.register(model, run_id=self.run(), **fields)

    def move(self, version: int, to: Stage, model: str = "churn", **options: Any) -> Version:
        """Move a version as `engine.deployment` does, without asking anybody."""
        with self.database.transaction(make_access().actor) as tx:
            found = read_version(tx, model, version)
            return move_stage(tx, found, to, policy=self.policy_file.read(), **options)

    def replace_production(self, version: int, old: int, model: str = "churn") -> None:
        """Put one version into Production and archive another, in one transaction and in the documented order."""
        with self.database.transaction(make_access().actor) as tx:
            policy = self.policy_file.read()
            move_stage(tx, read_version(tx, model, version), Stage.PRODUCTION, policy=policy)
            move_stage(tx, read_version(tx, model, old), Stage.ARCHIVED, policy=policy, verb="archive")

    def audited(self) -> list[tuple[str, str, str]]:
        """Verb, kind and key of every registry record, oldest first."""
        with self.database.snapshot() as view:
            sql = "SELECT verb, kind, key FROM audit WHERE kind IN ('model', 'version') ORDER BY seq"
            return [tuple(row) for row in view.execute(sql)]

    def news(self) -> list[tuple[str, str, str]]:
        """Kind, change and key of every registry event, oldest first."""
        with self.database.snapshot() as view:
            sql = "SELECT kind, change, key FROM event WHERE kind IN ('model', 'version') ORDER BY id"
            return [tuple(row) for row in view.execute(sql)]
