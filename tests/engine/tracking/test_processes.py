"""Several real processes on one workspace: nobody is refused, and a killed one loses nothing acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.db.database import Database
from engine.tracking.model import RunQuery, RunStatus
from engine.tracking.service import Runs
from tests.builders import make_database, make_runs

ROOT = Path(__file__).parents[3]
WRITERS, BATCHES, POINTS = 16, 24, 40


@pytest.fixture
def shared(tmp_path: Path) -> Database:
    database = make_database(tmp_path)
    database.close()
    return database


def begin(path: Path, name: str, batches: int, points: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.engine.tracking.logging_process"]
    arguments = [str(path), name, str(batches), str(points)]
    return subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count(runs: Runs, run_id: str) -> int:
    return sum(len(runs.metric_points(run_id, f"m{number}").items) for number in range(4))


@pytest.mark.slow
def test_sixteen_writers_at_once_lose_nothing_and_meet_no_error(shared: Database) -> None:
    writers = [begin(shared.path, f"writer-{number}", BATCHES, POINTS) for number in range(WRITERS)]
    for writer in writers:
        _, errors = writer.communicate(timeout=300)
        assert (writer.returncode, errors) == (0, "")
    runs = make_runs(shared)
    found = runs.page(RunQuery(limit=100)).items
    assert sorted(run.name for run in found) == sorted(f"writer-{number}" for number in range(WRITERS))
    for run in found:
        assert run.status is RunStatus.FINISHED
        assert count(runs, run.run_id) == BATCHES * POINTS
        assert run.params == {f"p{batch}": str(batch) for batch in range(BATCHES)}
        assert run.tags == {"last": str(BATCHES - 1)}
    shared.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_every_acknowledged_batch_whole_and_none_half(shared: Database, seed: int) -> None:
    rng = random.Random(seed)
    writer = begin(shared.path, "victim", 100_000, 200)
    assert writer.stdout is not None
    assert writer.stderr is not None
    run_id = writer.stdout.readline().strip()
    for _ in range(rng.randrange(1, 40)):
        assert writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait(timeout=30)
    writer.stdout.close()
    writer.stderr.close()
    runs = make_runs(shared)
    run = runs.get(run_id)
    batches = len(run.params)
    acknowledged = int(rest[-1]) + 1 if rest else 1
    assert batches >= acknowledged
    assert run.params == {f"p{batch}": str(batch) for batch in range(batches)}
    assert run.tags == {"last": str(batches - 1)}
    assert count(runs, run_id) == batches * 200
    assert max(run.metrics.values()) == batches * 200 - 1
    assert run.status is RunStatus.RUNNING
    shared.close()
