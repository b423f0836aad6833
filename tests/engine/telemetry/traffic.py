"""Builders of what data planes report, and looks into the database that need no service."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Self

from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Origin, WindowDelta

NOW_S = int(time.time())
"""Of today: a real capture writer forgets what is old."""

ORIGIN = Origin(1, 3, 12, "live", "churn", 7, ("age", "plan"))
CANARY = Origin(1, 4, 12, "canary", "churn", 8, ("age", "plan"))


def prediction(number: int = 0, origin: Origin = ORIGIN, **changes: object) -> CapturedPrediction:
    made = CapturedPrediction(
        origin=origin,
        request_id=f"r-{number}",
        time_ms=NOW_S * 1000 + number,
        latency_us=250,
        status=200,
        inputs=b'[[41,"gold"]]',
        outputs=b'{"predict":[1]}',
    )
    return made._replace(**changes)  # type: ignore[arg-type] # fields of it


def window(second: int = NOW_S, requests: int = 10, origin: Origin = ORIGIN, **changes: object) -> WindowDelta:
    made = WindowDelta(*origin[:4], second, requests, latency={33: requests}, latency_us=250 * requests)
    return made._replace(**changes)  # type: ignore[arg-type] # fields of it


def telemetry_database(path: Path) -> Database:
    return Database(path, schema=TELEMETRY, durability=Durability.RELAXED, busy_timeout_ms=200)


def store_all(database: Database, spool: Path) -> Intake:
    """Be the capture writer until nothing waits."""
    intake = Intake(database, spool)
    while intake.run():
        pass
    return intake


def counted(path: Path) -> dict[tuple[int, int], tuple[int, int, int]]:
    """sent, stored and dropped by endpoint and deployment, and that they and the rows agree."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT endpoint, deployment, sent, stored, dropped FROM capture_count").fetchall()
        kept = raw.execute(
            "SELECT o.endpoint, o.deployment, count(*) FROM prediction p JOIN origin o ON o.id = p.origin GROUP BY 1, 2"
        ).fetchall()
    found = {(endpoint, deployment): (sent, stored, dropped) for endpoint, deployment, sent, stored, dropped in rows}
    assert all(sent == stored + dropped for sent, stored, dropped in found.values())
    assert {key: stored for key, (_, stored, _) in found.items() if stored} == {(e, d): n for e, d, n in kept}
    return found


def requests(path: Path, step_s: int = 1) -> int:
    """Requests in all windows of one length."""
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT ifnull(sum(requests), 0) FROM traffic WHERE step_s = ?", (step_s,)).fetchone()
    return int(found[0])


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


class WriterProcess:
    """A capture writer as `qd serve` starts it."""

    def __init__(self, workspace: Path) -> None:
        words = [sys.executable, "-m", "engine.telemetry.writer", str(workspace)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=20)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=20)
        assert said == "", said
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def spooled(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
