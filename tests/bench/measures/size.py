"""Bytes that a stored metric point costs: the database file after a checkpoint, less that of an empty workspace."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import engine
from engine.tracking.model import MetricPoint
from tests.bench.places import Places
from tests.bench.results import Row

POINTS = 1_000_000
BEGIN_MS = 1_760_000_000_000
CHUNK = 50_000


def measure(places: Places) -> Iterator[Row]:
    """One long curve, runs after each other, and runs side by side."""
    for name, fill in (("one curve", one_curve), ("100 runs x 10 keys", after_each_other), ("as they log", together)):
        yield _cost(places, name, fill)


def _cost(places: Places, name: str, fill: Callable[[engine.Engine], None]) -> Row:
    with places.scratch() as folder:
        engine.create(folder / "empty")
        engine.create(folder / "full")
        with engine.open(folder / "full") as opened:
            fill(opened)
        empty, full = _file_size(folder / "empty"), _file_size(folder / "full")
    detail = f"{full / 2**20:.1f} MiB, empty {empty / 2**10:.0f} KiB"
    return Row(f"a metric point at 1 M points, {name}", (full - empty) / POINTS, "B", 40, detail=detail)


def _file_size(directory: Path) -> int:
    path = directory / "control.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def one_curve(opened: engine.Engine) -> None:
    """A million steps of one metric of one run."""
    rng = random.Random(1)
    with opened.runs.start("bench", capture=False) as run:
        for begin in range(0, POINTS, CHUNK):
            steps = range(begin, begin + CHUNK)
            run.log_series("loss", steps, [rng.random() for _ in steps], [BEGIN_MS + 20 * step for step in steps])


def after_each_other(opened: engine.Engine) -> None:
    """A hundred runs, one after the other, ten metrics of a thousand steps each, a hundred steps a batch."""
    for number in range(100):
        with opened.runs.start("bench", capture=False) as run:
            for begin in range(0, 1_000, 100):
                run.log_batch(_stretch(number, begin, 100))


def together(opened: engine.Engine) -> None:
    """Twenty runs that log at the same time, ten metrics of five thousand steps each, fifty steps a batch."""
    runs = [opened.runs.start("bench", capture=False) for _ in range(20)]
    for begin in range(0, 5_000, 50):
        for number, run in enumerate(runs):
            run.log_batch(_stretch(number, begin, 50))
    for run in runs:
        run.finish()


def _stretch(number: int, begin: int, steps: int) -> list[MetricPoint]:
    rng = random.Random(number * POINTS + begin)
    return [
        (f"metric-{key}", rng.random(), step, BEGIN_MS + number * 100_000 + 20 * step)
        for step in range(begin, begin + steps)
        for key in range(10)
    ]
