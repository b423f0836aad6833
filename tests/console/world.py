"""A workspace with people in it, where console tests start: real files, a real database, a clock that stands still."""

from __future__ import annotations

from pathlib import Path

from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.clock import Clock, ManualClock
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.policy.file import PolicyFile
from engine.registry.model import Column, Signature, Stage, Version
from engine.tracking.model import DatasetInput, RunStatus
from tests.builders import empty_workspace

GUARDED = """
[models."*".production]
gates = [{gate="metric", metric="auc", min=0.8}, {gate="fields", required=["owner"]}]
approvals = 1
[roles]
admin = ["ada"]
approver = ["alice"]
operator = ["*"]
"""
"""Production takes an auc of 0.8, an owner, and one approval."""

HOSTILE = "\x1b[31mred\x1b]0;owned\x07 [/nope] [@click=app.quit]x[/] \u202eevil\x9b5n \u0301\u0301\u0301 漢字"
"""A name that attacks the terminal, the markup and the reader."""

SIGNATURE = Signature((Column("age", "int64"), Column("income", "float64")), (Column("score", "float64"),))


class World:
    """A workspace, and engines of different people on it.

    Args:
        path: Where to make it.
        policy: What `quarterdeck.toml` says.
        clock: Tells the time; stands still unless given.
    """

    def __init__(self, path: Path, policy: str = "", clock: Clock | None = None) -> None:
        self.workspace = empty_workspace(path / "workspace")
        self.clock = clock or ManualClock()
        self.ids = CountingIds()
        self._databases: list[Database] = []
        self.write_policy(policy)
        self.engine = self.as_("ada", Role.ADMIN)
        self.engine.database.migrate()

    def write_policy(self, policy: str) -> None:
        """Put a policy in force."""
        if policy:
            self.workspace.policy_file.write_text(policy)

    def as_(self, name: str, role: Role = Role.OPERATOR, *, read_only: bool = False) -> Engine:
        """An engine of somebody, with connections of its own, as another process would have."""
        database = Database(self.workspace.control_db, clock=self.clock, read_only=read_only)
        self._databases.append(database)
        return Engine(
            self.workspace,
            database,
            policy_file=PolicyFile(self.workspace.policy_file),
            access=Access(Actor(name, via="console"), role, read_only=read_only),
            clock=self.clock,
            ids=self.ids,
        )

    def close(self) -> None:
        """Close every connection."""
        for database in self._databases:
            database.close()

    # --- things in it

    def run(
        self,
        name: str,
        *,
        experiment: str = "churn",
        auc: float = 0.9,
        params: dict[str, str] | None = None,
        status: RunStatus = RunStatus.FINISHED,
    ) -> str:
        """Log a run with a curve, data and a model file; returns its id."""
        run = self.engine.runs.start(experiment, name, params=params or {"depth": "3", "lr": "0.1"}, capture=False)
        now_ms = self.clock.now_ms()
        run.log_batch([("auc", auc - 0.2 / (1 + step), step, now_ms + step) for step in range(20)])
        run.log_metric("auc", auc, step=20)
        run.log_metric("loss", 1 - auc, step=20)
        run.log_dataset(DatasetInput("car_loan", "d" * 64, rows=5000, context="training"))
        run.log_bytes(name.encode("utf-8", "replace"), "model/model.skops")
        if status is not RunStatus.RUNNING:
            run.finish(status)
        return run.id

    def version(self, model: str = "churn", *, auc: float = 0.9, owner: str = "ops") -> Version:
        """Register the next version of a model from a run of its own."""
        run_id = self.run(f"{model}-run", auc=auc)
        return self.engine.models.register(
            model, run_id=run_id, flavor="sklearn", format="skops", signature=SIGNATURE, owner=owner
        )

    def promote(self, version: Version, *, to: Stage = Stage.PRODUCTION) -> None:
        """Promote a version, with alice's approval when the policy asks for one."""
        if self.engine.policy.stage(version.model, to.value).approvals:
            request = self.engine.approvals.request(version.model, version.version, to=to, reason="better")
            self.as_("alice", Role.APPROVER).approvals.approve(request.id, "looks right")
        self.engine.promotions.promote(version.model, version.version, to=to, reason="ship it")
