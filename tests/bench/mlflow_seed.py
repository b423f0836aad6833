"""Makes a big MLflow database: the real client makes the schema, the rows are written straight into it.

python -m tests.bench.mlflow_seed FILE [--runs 10000] [--points 1000000]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.clients.environment import client_python

KEYS = 20
PARAMS = 10
BEGIN_MS = 1_760_000_000_000

_MAKE_SCHEMA = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore("sqlite:///" + sys.argv[1], sys.argv[2])
"""


def seed(path: Path, runs: int, points: int) -> None:
    """Make the database, in place of one that is there.

    Args:
        path: The file.
        runs: How many runs, each with `KEYS` metrics, `PARAMS` parameters and five tags.
        points: Metric points in all.
    """
    path.unlink(missing_ok=True)
    python = client_python()
    subprocess.run(
        [python, "-c", _MAKE_SCHEMA, path, path.parent / "mlartifacts"], check=True, capture_output=True, timeout=120
    )
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time,"
        " last_update_time) VALUES (7, 'sweep', 'mlflow-artifacts:/7', 'active', ?, ?)",
        (BEGIN_MS, BEGIN_MS),
    )
    steps = points // (runs * KEYS)
    connection.executemany(
        "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,"
        " experiment_id) VALUES (?, ?, 'ada', 'FINISHED', ?, ?, 'active', ?, 7)",
        [_run(number) for number in range(runs)],
    )
    connection.executemany("INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)", _params(runs))
    connection.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", _tags(runs))
    connection.executemany(
        "INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
        _points(runs, range(steps)),
    )
    connection.executemany(
        "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
        _points(runs, range(steps - 1, steps)),
    )
    connection.commit()
    connection.close()


def _id(number: int) -> str:
    return f"{random.Random(number).getrandbits(128):032x}"


def _run(number: int) -> tuple[str, str, int, int, str]:
    begin_ms = BEGIN_MS + number * 1_000
    return _id(number), f"run-{number}", begin_ms, begin_ms + 60_000, f"mlflow-artifacts:/7/{_id(number)}/artifacts"


def _params(runs: int) -> Iterator[tuple[str, str, str]]:
    for number in range(runs):
        for key in range(PARAMS):
            yield _id(number), f"param-{key}", f"{(number * 7 + key) % 1_000 / 1_000}"


def _tags(runs: int) -> Iterator[tuple[str, str, str]]:
    for number in range(runs):
        yield _id(number), "mlflow.user", "ada"
        yield _id(number), "mlflow.runName", f"run-{number}"
        yield _id(number), "mlflow.source.name", "train.py"
        yield _id(number), "mlflow.source.type", "LOCAL"
        yield _id(number), "team", f"team-{number % 12}"


def _points(runs: int, steps: range) -> Iterator[tuple[str, str, float, int, int]]:
    # As many runs log side by side: a run's points lie apart in the file.
    for step in steps:
        for number in range(runs):
            run_id = _id(number)
            for key in range(KEYS):
                value = (number * 31 + key * 17 + step * 7) % 10_007 / 10_007
                yield run_id, f"metric-{key}", value, BEGIN_MS + number * 1_000 + step, step


def main() -> int:
    """Make one."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.mlflow_seed", description="Make a big MLflow database."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=1_000_000)
    options = parser.parse_args()
    seed(options.file, options.runs, options.points)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
