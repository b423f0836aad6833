"""A training program in a process of its own, for the tests that end it; not a test itself.

Usage: python -m tests.engine.tracking.logging_process CONTROL_DB RUN_NAME BATCHES POINTS
It prints its run id, then the number of each batch once the batch has been acknowledged.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.artifacts.store import ArtifactStore
from engine.core.access import Access, Actor, Role
from engine.core.clock import SystemClock
from engine.core.ids import RandomIds
from engine.db.database import Database
from engine.db.workspace import Workspace
from engine.tracking.service import Runs


def main(path: Path, name: str, batches: int, points: int) -> None:
    clock = SystemClock()
    database = Database(path, clock=clock)
    artifacts = ArtifactStore(Workspace(path.parent))
    runs = Runs(database, Access(Actor(name), Role.OPERATOR), artifacts, clock, RandomIds())
    with runs.start("e", name, capture=False) as run:
        print(run.id, flush=True)  # noqa: T201 the parent reads it
        for batch in range(batches):
            steps = range(batch * points, (batch + 1) * points)
            metrics = [(f"m{step % 4}", float(step), step, step) for step in steps]
            run.log_batch(metrics, {f"p{batch}": batch}, {"last": batch})
            print(batch, flush=True)  # noqa: T201 same


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
