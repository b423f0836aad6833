"""A workspace with an endpoint whose traffic is told: what data planes would report, without data planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.endpoints.model import Share
from engine.telemetry.intake import Intake
from engine.telemetry.model import WindowDelta
from engine.telemetry.spool import Spool
from tests.builders import put_telemetry
from tests.engine.endpoints.desk import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from engine.deployment.analyst import Analyst
    from engine.deployment.rollout_model import Rollout
    from engine.deployment.rollouts import Rollouts

PLAN = """
[models.churn.rollout]
plan = "shadow 1m -> 10% 10m -> 100%"
min_requests = 50
"""

FAST, SLOW = 40, 90
"""Buckets of latency."""

MINUTE_MS = 60_000


class Rolling(Desk):
    """A desk where version 1 is live behind `churn`, one data plane serves it, and an analyst looks on.

    Args:
        path: Where to make it.
        policy: The policy.
    """

    def __init__(self, path: Path, policy: str = PLAN) -> None:
        super().__init__(path, policy)
        self.endpoint(3)
        put_telemetry(self.workspace)
        self.telemetry_database = Database(
            self.workspace.telemetry_db, clock=self.clock, durability=Durability.RELAXED, schema=TELEMETRY
        )
        self.telemetry_database.migrate()
        self.living = self.plane()
        self.acknowledge()
        self.analyst: Analyst = self.engine("root").analyst

    @property
    def rollouts(self) -> Rollouts:
        """Rollouts as an operator uses them."""
        return self.engine().rollouts

    @property
    def open(self) -> Rollout | None:
        """The rollout that has not ended."""
        return self.rollouts.open_of("churn")

    def last(self) -> Rollout:
        """The newest rollout."""
        return self.rollouts.page("churn").items[0]

    def acknowledge(self, *, problem: str = "") -> None:
        """Have the data plane serve what is desired, or say why it cannot."""
        desired = self.endpoints.get("churn").desired
        number = desired.number if desired is not None else 0
        self.endpoints.acknowledge("churn", "gate-1:4711", number - bool(problem), problem=problem)

    def answer(
        self, version: int, requests: int, *, errors: int = 0, slow: int = 0, differ: int = 0, late: int = 0
    ) -> None:
        """Tell of so many requests that a version has answered just now, or `late` generations ago."""
        endpoint = self.endpoints.get("churn")
        found = next(each for each in endpoint.deployments if each.version == version)
        newest = endpoint.desired.number if endpoint.desired is not None else 0
        share = found.share or Share.STANDBY
        shadow = share is Share.SHADOW
        window = WindowDelta(
            endpoint=endpoint.row_id,
            deployment=found.id,
            generation=newest - late,
            share=share.value,
            second=self.clock.now_ms() // 1000,
            requests=requests,
            errors=errors,
            latency={FAST: requests - slow, SLOW: slow},
            latency_us=250 * requests,
            compared=requests if shadow else 0,
            agreed=requests - differ if shadow else 0,
        )
        spool = Spool(self.workspace.spool, "gate-1:4711")
        spool.put_window(window)
        spool.close()
        intake = Intake(self.telemetry_database, self.workspace.spool)
        while intake.run():
            pass

    def pass_time(self, minutes: float) -> None:
        """Let time go by."""
        self.clock.advance(round(minutes * MINUTE_MS))

    def tick(self) -> None:
        """Let the analyst look once."""
        self.analyst.tick()
        self.analyst.settle()

    def go_through(self, version: int, *, minutes: float, requests: int = 600) -> None:
        """Let a step that shows nothing bad last its time."""
        self.acknowledge()
        self.tick()
        for _ in range(3):
            self.pass_time(0.01)
            self.answer(1, requests)
            self.answer(version, requests)
            self.tick()
        self.pass_time(minutes)
        self.tick()

    def close(self) -> None:
        """End all that is open."""
        self.living.__exit__(None, None, None)
        self.telemetry_database.close()
        self.database.close()
