"""Logging a batch through the Python API against SQLite alone: same rows, same table, one durable commit each."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import engine
from engine.tracking.model import MetricPoint
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.bench.sampling import interleaved

POINTS = 1_000
TIMES = 60
WARM = 5
INSERT = "INSERT INTO metric (run, key, step, time_ms, value) VALUES (?, ?, ?, ?, ?)"

RawRow = tuple[int, int, int, int, float]


def measure(places: Places) -> Iterator[Row]:
    """Batches of three shapes; the first is the promise."""
    yield _shape(places, keys=10, limit=50)
    yield _shape(places, keys=1)
    yield _shape(places, keys=1_000)


def _shape(places: Places, keys: int, limit: float | None = None) -> Row:
    # Everything is made before: points as the API takes them, rows as SQLite does. Steps are fresh in every batch.
    batches = [_points(keys, number) for number in range(WARM + TIMES)]
    ours, theirs = iter(batches), iter([_rows(points) for points in batches])
    with places.scratch() as folder:
        engine.create(folder / "ours")
        engine.create(folder / "raw")
        raw = _connect(folder / "raw" / "control.db")
        with engine.open(folder / "ours") as opened, opened.runs.start("bench", capture=False) as run:
            peers = {"log_batch": lambda: run.log_batch(next(ours)), "executemany": lambda: _insert(raw, next(theirs))}
            times = interleaved(peers, TIMES, warm=WARM)
        raw.close()
    logged, inserted = p50(times["log_batch"]), p50(times["executemany"])
    return Row(
        f"log_batch of 1,000 metrics ({keys:,} keys x {POINTS // keys:,} steps), speed of executemany",
        inserted / logged * 100,
        "%",
        limit,
        at_least=True,
        detail=f"{logged:.1f} ms against {inserted:.1f} ms; medians of {TIMES}",
        samples=times,
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _points(keys: int, batch: int) -> list[MetricPoint]:
    rng = random.Random(batch)
    steps = POINTS // keys
    return [
        (f"metric-{key}", rng.random(), step, 1_760_000_000_000 + step)
        for step in range(batch * steps, (batch + 1) * steps)
        for key in range(keys)
    ]


def _rows(points: list[MetricPoint]) -> list[RawRow]:
    return [(1, int(key.rpartition("-")[2]), step, time_ms, value) for key, value, step, time_ms in points]


def _insert(connection: sqlite3.Connection, rows: list[RawRow]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, rows)
    connection.execute("COMMIT")
