"""A server killed at any moment under load: what it acknowledged is there, exactly once, and it starts again."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import pytest

import engine
from tests.engine.server.wire import Wire

CLIENTS = 8
KILLS = 20
POINTS_BEFORE_THE_KILL = 400
AT_MOST_TO_START_S = 10.0


class Client(threading.Thread):
    """Logs one point after the other until its server is gone; knows which were acknowledged."""

    def __init__(self, url: str, run_id: str, key: str, first_step: int) -> None:
        super().__init__()
        self.url, self.run_id, self.key = url, run_id, key
        self.first_step = first_step
        self.sent = first_step
        self.acknowledged: list[int] = []

    def run(self) -> None:
        with suppress(OSError, HTTPException), Wire.to(self.url) as wire:
            while True:
                step = self.sent
                self.sent += 1
                body = {"run_id": self.run_id, "key": self.key, "value": step, "timestamp": step, "step": step}
                if wire.mlflow("POST", "runs/log-metric", body).status != 200:
                    return
                self.acknowledged.append(step)


@contextmanager
def serving(workspace: Path) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A server process, its URL, and how long it took to answer, in seconds."""
    command = (sys.executable, "-m", "console", "--workspace", str(workspace), "server", "--port", "0")
    began = time.monotonic()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            url = process.stderr.readline().rpartition(" ")[2].strip()
            yield process, url, time.monotonic() - began
        finally:
            process.kill()


def stored(database: Path, run_id: str) -> dict[str, list[int]]:
    sql = """SELECT k.name, m.step FROM metric m JOIN run_key k ON k.id = m.key
             JOIN run r ON r.id = m.run WHERE r.run_id = ? ORDER BY k.name, m.step"""
    steps: dict[str, list[int]] = {}
    with closing(sqlite3.connect(database)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for name, step in raw.execute(sql, (run_id,)):
            steps.setdefault(name, []).append(step)
    return steps


@pytest.mark.slow
def test_every_acknowledged_point_outlives_a_kill_exactly_once(tmp_path: Path) -> None:
    workspace = engine.create(tmp_path / "workspace").path
    with engine.open(workspace) as opened, opened.runs.start("load", capture=False) as run:
        run_id = run.id
    seeded = random.Random(3)
    acknowledged: dict[str, list[int]] = {f"m{number}": [] for number in range(CLIENTS)}
    next_step = dict.fromkeys(acknowledged, 0)
    for _ in range(KILLS):
        with serving(workspace) as (process, url, started_s):
            assert started_s < AT_MOST_TO_START_S
            clients = [Client(url, run_id, key, next_step[key]) for key in acknowledged]
            for client in clients:
                client.start()
            enough = seeded.randrange(1, POINTS_BEFORE_THE_KILL)
            while sum(len(client.acknowledged) for client in clients) < enough:
                assert any(client.is_alive() for client in clients), "the server refused to log"
                clients[0].join(0.001)
            process.kill()
            for client in clients:
                client.join()
                acknowledged[client.key] += client.acknowledged
                next_step[client.key] = client.sent
        found = stored(workspace / "control.db", run_id)
        for key, steps in acknowledged.items():
            there = found.get(key, [])
            assert len(there) == len(set(there)), "a point was stored twice"
            assert set(steps) <= set(there), "an acknowledged point was lost"
            assert set(there) <= set(range(next_step[key])), "a point nobody sent"
