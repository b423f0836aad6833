"""A workspace with people in it, for tests that promote for real: one database, one clock, an engine a person."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from engine.api import Engine
from engine.core.access import Access, Actor
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.policy.file import PolicyFile
from engine.registry.model import Signature, Stage
from engine.tracking.model import RunImport
from tests.builders import empty_workspace

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from engine.deployment.model import Promotion
    from engine.registry.approval_model import ApprovalRequest
    from engine.registry.model import Version

PEOPLE = """
[roles]
admin = ["root", "boss"]
approver = ["alice", "carol", "erin"]
operator = ["bob", "dave"]
"""
"""The people of every test; everybody else is a viewer."""

ONE_APPROVAL = """
[models.churn.production]
gates = [{gate = "metric", metric = "auc", min = 0.8}]
approvals = 1
"""

TWO_APPROVALS = """
[models.churn.production]
approvals = 2
"""

HOUR_MS = 3_600_000


class World:
    """A workspace and its people.

    Args:
        path: Where to make it.
        policy: The policy below `PEOPLE`.
        connect: Stands in for `sqlite3.connect`.
    """

    def __init__(
        self, path: Path, policy: str = "", *, connect: Callable[..., sqlite3.Connection] | None = None
    ) -> None:
        self.workspace = empty_workspace(path / "workspace")
        self.clock = ManualClock()
        self.ids = CountingIds()
        options: dict[str, Any] = {} if connect is None else {"connect": connect}
        self.database = Database(self.workspace.control_db, clock=self.clock, **options)
        self.database.migrate()
        self.policy_file = PolicyFile(self.workspace.policy_file)
        self.set_policy(policy)

    def set_policy(self, policy: str, *, people: str = PEOPLE) -> None:
        """Replace the policy in one step, as an editor does."""
        text = f"{people}\n{policy}"
        part = self.workspace.policy_file.with_suffix(".part")
        part.write_text(text)
        old = (1_000_000_000_000_000_000 + self.ids_taken()) if text else 0
        os.utime(part, ns=(old, old))  # long settled, so that nobody waits for an editor to finish
        part.replace(self.workspace.policy_file)

    def lose_policy(self) -> None:
        """Delete the policy file, and work in a new session."""
        self.workspace.policy_file.unlink()
        self.reopen()

    def reopen(self) -> None:
        """Work in a new session, which has not seen the policy file yet."""
        self.policy_file = PolicyFile(self.workspace.policy_file)

    def ids_taken(self) -> int:
        """A number that grows, so that two policies never share a time stamp."""
        return int(self.ids.new(), 16)

    def engine(self, name: str, on_behalf_of: str = "", *, read_only: bool = False) -> Engine:
        """The workspace as opened by somebody now."""
        access = Access(Actor(name, on_behalf_of=on_behalf_of), self.policy_file.read().role_of(name), read_only)
        return Engine(
            self.workspace,
            self.database,
            policy_file=self.policy_file,
            access=access,
            clock=self.clock,
            ids=self.ids,
        )

    def register(self, auc: float = 0.9, *, model: str = "churn", data: str = "d1", **more: Any) -> Version:
        """Register a new version that reached this AUC on that data; its bytes differ from every other's."""
        engine = self.engine("bob")
        run_id = self.ids.new()
        now_ms = self.clock.now_ms()
        points = [("auc", auc, 0, now_ms)]
        engine.runs.import_runs(
            [RunImport("default", "trained", run_id=run_id, start_ms=now_ms, end_ms=now_ms, metrics=points)]
        )
        engine.runs.log_bytes(run_id, f"weights of {run_id}".encode(), "model/weights.bin")
        engine.runs.log_bytes(run_id, b"{}", "model/config.json")
        fields: dict[str, Any] = {"owner": "ada", "description": "A tree.", "signature": Signature(())}
        return engine.models.register(model, run_id=run_id, data_digest=data, **fields | more)

    def request(
        self, version: int, *, by: str = "bob", override: bool = False, model: str = "churn"
    ) -> ApprovalRequest:
        """Ask that a version may enter Production."""
        return self.engine(by).approvals.request(
            model, version, to=Stage.PRODUCTION, reason="better", override=override
        )

    def approve(self, request: ApprovalRequest, *by: str) -> None:
        """Have people approve a request."""
        for name in by:
            self.engine(name).approvals.approve(request.id, "looks right")

    def promote(self, version: int, *, by: str = "bob", model: str = "churn", **options: Any) -> Promotion:
        """Promote a version to Production."""
        options = {"to": Stage.PRODUCTION, "reason": "better"} | options
        return self.engine(by).promotions.promote(model, version, **options)

    def approved(self, version: int, *by: str) -> Promotion:
        """Request, approve and promote a version."""
        self.approve(self.request(version), *(by or ("alice",)))
        return self.promote(version)

    def production(self, model: str = "churn") -> tuple[int, ...]:
        """The versions in Production."""
        return self.engine("bob").models.get(model).production

    def stage(self, version: int, model: str = "churn") -> Stage:
        """Where a version stands."""
        return self.engine("bob").models.version(model, version).stage

    def damage(self, version: int, model: str = "churn") -> None:
        """Change a stored byte of a version behind everybody's back."""
        self._write_weights(version, model, b"other weights")

    def repair(self, version: int, model: str = "churn") -> None:
        """Put a damaged version's bytes back."""
        run_id = self.engine("bob").models.version(model, version).run_id
        self._write_weights(version, model, f"weights of {run_id}".encode())

    def _write_weights(self, version: int, model: str, data: bytes) -> None:
        engine = self.engine("bob")
        files = engine.models.files(model, version)
        path = engine.artifacts.path_of(next(each.digest for each in files if each.path == "weights.bin"))
        path.chmod(0o600)
        path.write_bytes(data)
