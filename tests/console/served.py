"""A workspace with endpoints whose traffic is told: what data planes would report, without data planes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.endpoints.model import Plane, Share
from engine.endpoints.planes import PlaneLock
from engine.jobs.service import Jobs
from engine.telemetry.intake import Intake
from engine.telemetry.model import WindowDelta
from engine.telemetry.spool import Spool
from tests.builders import put_telemetry
from tests.console.world import SIGNATURE, World
from tests.engine.endpoints.desk import ToldBuilds

if TYPE_CHECKING:
    from pathlib import Path

    from engine.api import Engine

GATE = "gate-1:4711"
FAST, SLOW = 40, 75
"""Buckets of latency: about half a millisecond, and 16 ms."""

PLAN = "shadow 1m -> 10% 10m -> 100%"


BUILDER = """
said=$QUARTERDECK_PROGRESS
while [ -e "{shut}" ]; do
  printf '{{"what": "comparing answers", "done": 1, "total": 3, "since_ms": 0, "at_ms": 1}}' >"$said.new"
  mv "$said.new" "$said"
  sleep 0.02
done
[ ! -e "{refused}" ] || {{ echo "qd: churn/3 answers differently." >&2; exit 1; }}
"""
"""What jobs run here instead of building: they wait while a file says so, and fail where another does."""


class Gate:
    """What jobs wait for.

    Args:
        file: While it is there they wait.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def clear(self) -> None:
        """Let them wait."""
        self.file.touch()

    def set(self) -> None:
        """Let them go on."""
        self.file.unlink(missing_ok=True)


class Served(World):
    """A world where version 1 of three is live behind the endpoint `churn`, and one data plane serves it.

    Args:
        path: Where to make it.
        policy: What `quarterdeck.toml` says.
    """

    def __init__(self, path: Path, policy: str = "") -> None:
        self.gate = Gate(path / "shut")
        self.refused = path / "refused"
        super().__init__(path, policy)
        for number in range(1, 4):
            run_id = self.run(f"churn-{number}")
            self.engine.models.register("churn", run_id=run_id, flavor="sklearn", format="skops", signature=SIGNATURE)
        self.engine.endpoints.create("churn", "churn", owner="ops")
        self.engine.endpoints.deploy("churn", 1, reason="first")
        put_telemetry(self.workspace)
        self.telemetry_database = Database(
            self.workspace.telemetry_db, clock=self.clock, durability=Durability.RELAXED, schema=TELEMETRY
        )
        self.telemetry_database.migrate()
        self._living: dict[str, ExitStack] = {}
        self.start_plane()
        self.acknowledge()

    def as_(self, name: str, role: Role = Role.OPERATOR, *, read_only: bool = False) -> Engine:
        """An engine of somebody, to whom every version is made ready already."""
        engine = super().as_(name, role, read_only=read_only)
        engine.__dict__["builds"] = ToldBuilds(engine)
        script = BUILDER.format(shut=self.gate.file, refused=self.refused)
        engine.__dict__["jobs"] = Jobs(engine.workspace, engine.access, engine.clock, ("sh", "-c", script, "build"))
        return engine

    def start_plane(self, name: str = GATE) -> None:
        """Let a data plane live."""
        host, _, pid = name.partition(":")
        told = Plane(name, int(pid), host, "http://127.0.0.1:8080", 1, "bob", self.clock.now_ms(), "0.0")
        self._living[name] = ExitStack()
        self._living[name].enter_context(PlaneLock(self.workspace, told).take())

    def end_plane(self, name: str = GATE) -> None:
        """Let it end."""
        self._living.pop(name).close()

    def acknowledge(self, name: str = GATE, *, endpoint: str = "churn", problem: str = "") -> None:
        """Have a data plane serve what is desired, or say why it cannot."""
        desired = self.engine.endpoints.get(endpoint).desired
        number = desired.number if desired is not None else 0
        self.engine.endpoints.acknowledge(endpoint, name, number - bool(problem), problem=problem)

    def answer(self, version: int, requests: int, *, errors: int = 0, slow: int = 0, seconds_ago: int = 1) -> None:
        """Tell of so many requests that a version has answered a moment ago; of a shadow nine in ten agreed."""
        endpoint = self.engine.endpoints.get("churn")
        found = next(each for each in endpoint.deployments if each.version == version)
        share = found.share or Share.STANDBY
        shadow = share is Share.SHADOW
        window = WindowDelta(
            endpoint=endpoint.row_id,
            deployment=found.id,
            generation=endpoint.desired.number if endpoint.desired else 0,
            share=share.value,
            second=self.clock.now_ms() // 1000 - seconds_ago,
            requests=requests,
            errors=errors,
            latency={FAST: requests - slow, SLOW: slow} if slow else {FAST: requests},
            latency_us=250 * requests,
            unmirrored=3 if shadow else 0,
            compared=requests if shadow else 0,
            agreed=requests * 9 // 10 if shadow else 0,
            delta=0.01 * requests if shadow else 0.0,
            delta_squares=0.0002 * requests if shadow else 0.0,
        )
        spool = Spool(self.workspace.spool, GATE)
        spool.put_window(window)
        spool.close()
        intake = Intake(self.telemetry_database, self.workspace.spool)
        while intake.run():
            pass

    def close(self) -> None:
        """End all that is open."""
        for living in self._living.values():
            living.close()
        self.telemetry_database.close()
        super().close()
