"""Importing an MLflow database: the whole command with its comparison, and how long other writers wait meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import engine
from tests.bench.mlflow_seed import seed
from tests.bench.places import Places
from tests.bench.results import Row, p95

RUNS = 10_000
POINTS = 1_000_000
PAUSE_S = 0.02


def measure(places: Places) -> Iterator[Row]:
    """One import into an empty workspace, with another program logging beside it."""
    source = _source(places.folder)
    with places.scratch() as folder:
        path = engine.create(folder / "workspace").path
        words = [sys.executable, "-m", "console", "--workspace", str(path), "import", "mlflow", str(source), "--json"]
        begin = time.monotonic()
        answer = folder / "report.json"
        with answer.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL) as process:
            waits = _log_beside(path, process)
        took_s = time.monotonic() - begin
        report = json.loads(answer.read_bytes())
    points = next(each for each in report["kinds"] if each["kind"] == "metrics")
    if not report["equal"] or points["here"] != POINTS:
        raise SystemExit("the import is not equal to its source")
    detail = f"{RUNS:,} runs x 20 keys, {POINTS:,} points, counts and digests equal"
    yield Row("qd import mlflow", took_s, "s", 60, detail=detail)
    detail = f"p95 of {len(waits)}; longest {max(waits) * 1_000:.0f} ms"
    yield Row("a commit beside an import", p95(waits) * 1_000, "ms", 200, detail=detail, samples={"waits_s": waits})


def _source(folder: Path) -> Path:
    path = folder / f"mlflow-{RUNS}-{POINTS}" / "mlflow.db"
    if not path.exists():
        building = path.parent.with_name(f"{path.parent.name}.building")
        building.mkdir(parents=True, exist_ok=True)
        seed(building / path.name, RUNS, POINTS)
        building.rename(path.parent)
    return path


def _log_beside(path: Path, process: subprocess.Popen[bytes]) -> list[float]:
    """Log a metric again and again while a process runs; how long each took, in seconds."""
    waits: list[float] = []
    with engine.open(path) as opened, opened.runs.start("beside", capture=False) as run:
        while process.poll() is None:
            begin = time.monotonic()
            run.log_metric("x", 1.0, step=len(waits))
            waits.append(time.monotonic() - begin)
            time.sleep(PAUSE_S)
    return waits
