"""Many processes on one workspace: everybody gets through, and who is killed loses nothing that was acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.db.database import Database
from engine.db.migrations import migrations
from engine.tracking.model import RunQuery
from tests.contract.writer import POINTS, content

pytestmark = pytest.mark.disk

ROOT = Path(__file__).parents[2]
LONGEST_WAIT_MS = 20_000
"""Far beyond what is seen (under 1 s on two cores), and below what a locked database would need to be told."""


class Writer:
    """A writing process, from its start to its end, however that comes.

    Args:
        workspace: Where it writes.
        name: What its run and its model are called.
        count: How many batches.
    """

    def __init__(self, workspace: Path, name: str, count: int) -> None:
        self.name = name
        command = [sys.executable, "-m", "tests.contract.writer", str(workspace), name, str(count)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ready(self) -> None:
        """Wait until it can begin."""
        assert self.process.stdout is not None
        word, _, self.run_id = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready", self.process.communicate()[1]

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)

    def acknowledged(self) -> dict[int, float]:
        """Milliseconds of each batch that it was told is stored; waits for its end."""
        output, self.errors = self.process.communicate(timeout=300)
        lines = [line.split() for line in output.splitlines(keepends=True) if line.endswith("\n")]
        return {int(number): float(milliseconds) for number, milliseconds in lines}


def qd(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command line."""
    command = [sys.executable, "-m", "console", "--workspace", str(workspace), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return engine.create(tmp_path / "workspace").path


def test_sixteen_writers_and_nobody_hears_of_a_lock(workspace: Path) -> None:
    writers = [Writer(workspace, f"writer-{number}", 30) for number in range(13)]
    for writer in writers:
        writer.ready()
    with ThreadPoolExecutor(3) as shells:
        for writer in writers:
            writer.go()
        commands = list(shells.map(lambda number: qd(workspace, "experiments", "create", f"cli-{number}"), range(9)))
    logged = [writer.acknowledged() for writer in writers]
    assert [command.stderr for command in commands if command.returncode] == []
    assert [writer.errors for writer in writers] == [""] * len(writers)
    assert all(list(each) == list(range(30)) for each in logged)
    assert max(longest for each in logged for longest in each.values()) < LONGEST_WAIT_MS
    with engine.open(workspace) as opened:
        assert opened.runs.count(RunQuery(experiment="writers", filter="attributes.status = 'finished'")) == 13
        assert len(opened.experiments.page(limit=100).items) == 10
        assert [len(opened.models.versions(writer.name).items) for writer in writers] == [3] * 13
        assert all(finding.ok for finding in opened.maintenance.check(deep=True))


@pytest.mark.slow
def test_who_is_killed_loses_nothing_acknowledged_and_leaves_nothing_half(workspace: Path) -> None:
    chance = random.Random(20_261_103)
    kills = 0
    for turn in range(8):
        writers = [Writer(workspace, f"writer-{turn}-{number}", 100_000) for number in range(3)]
        for writer in writers:
            writer.ready()
        for writer in writers:
            writer.go()
        for writer in writers:
            time.sleep(chance.uniform(0.0, 0.15))  # the moment is the point; there is nothing to wait for
            writer.kill()
            kills += 1
        logged = [writer.acknowledged() for writer in writers]
        begun = time.monotonic()
        with engine.open(workspace) as opened:
            opened.experiments.create(f"after-{turn}")
            assert time.monotonic() - begun < 5, "the next process had to wait"
            for writer, each in zip(writers, logged, strict=True):
                check_run(opened, writer, len(each))
            assert opened.audit.verify().ok
    assert kills == 24
    with engine.open(workspace) as opened:
        assert all(finding.ok for finding in opened.maintenance.check(deep=True))


def check_run(opened: Engine, writer: Writer, acknowledged: int) -> None:
    """Every acknowledged batch is there, at most one more, and none by half."""
    run = opened.runs.get(writer.run_id)
    batches = len(run.params)
    assert batches in (acknowledged, acknowledged + 1)
    points = sum(len(opened.runs.metric_points(writer.run_id, f"m{key}", limit=50_000).items) for key in range(4))
    assert points == batches * POINTS
    for number in range(0, acknowledged, 5):
        assert opened.runs.read_artifact(writer.run_id, f"f{number}/data") == content(writer.name, number)


@pytest.mark.parametrize("age", [0, 1], ids=["new", "old"])
def test_processes_that_start_at_the_same_moment_all_get_a_whole_workspace(tmp_path: Path, age: int) -> None:
    path = tmp_path / "control.db"
    if age:
        write_old_database(path, age)
    script = (
        "import sys; from pathlib import Path; from engine.db.database import Database\n"
        "from engine.core.access import Actor\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "database = Database(Path(sys.argv[1])); database.migrate()\n"
        "with database.transaction(Actor('a')) as tx: tx.emit(kind='run', change='created', key='k')\n"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(12)
    ]
    for starter in starters:
        assert starter.stdout is not None
        starter.stdout.readline()
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    ends = [(starter.communicate(timeout=120)[1][-300:], starter.returncode) for starter in starters]
    assert ends == [("", 0)] * 12
    with closing(Database(path)) as database, database.snapshot() as snapshot:
        applied = snapshot.execute("SELECT version FROM schema_migration ORDER BY version").fetchall()
        assert applied == [(migration.version,) for migration in migrations()]
        assert snapshot.execute("SELECT count(*) FROM event").fetchone() == (12,)


def write_old_database(path: Path, version: int) -> None:
    """A database as the first migrations left it."""
    import sqlite3

    with closing(sqlite3.connect(path)) as raw:
        for migration in migrations()[:version]:
            raw.executescript(migration.statements())
            raw.execute("INSERT INTO schema_migration VALUES (?, ?, 0)", (migration.version, migration.name))
        raw.execute("INSERT INTO workspace VALUES (1, 'old', 0)")
        raw.execute(f"PRAGMA user_version={version:d}")
        raw.commit()


@pytest.fixture
def emitters(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    script = (
        "import sys; from pathlib import Path; from engine.db.database import Database\n"
        "from engine.core.access import Actor\n"
        "database = Database(Path(sys.argv[1])); sys.stdin.readline()\n"
        "for number in range(300):\n"
        "    with database.transaction(Actor('a')) as tx:\n"
        "        for part in range(number % 4):\n"
        "            tx.emit(kind='run', change='created', key=f'{sys.argv[2]}-{number}-{part}')\n"
    )
    Database(tmp_path / "control.db").migrate()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "control.db"), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_a_feed_hears_every_event_of_every_process_once(tmp_path: Path, emitters: list[subprocess.Popen[str]]) -> None:
    feeds = [Database(tmp_path / "control.db").feed() for _ in range(2)]
    heard: list[list[str]] = [[], []]
    ended = threading.Event()

    def listen(number: int) -> None:
        chance = random.Random(number)
        last = False
        while not last:
            last = ended.is_set()
            changes = feeds[number].poll()
            if changes is not None:
                assert not changes.missed
                heard[number].extend(event.key for event in changes.events)
            ended.wait(chance.uniform(0, 0.02))

    with ThreadPoolExecutor(2) as listeners:
        listening = [listeners.submit(listen, number) for number in range(2)]
        for process in emitters:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.close()
        assert [process.wait(120) for process in emitters] == [0] * 4
        ended.set()
        for each in listening:
            each.result()
    expected = sorted(
        f"{name}-{number}-{part}" for name in range(4) for number in range(300) for part in range(number % 4)
    )
    assert sorted(heard[0]) == expected
    assert sorted(heard[1]) == expected
    for feed in feeds:
        feed.close()


def test_a_workspace_is_used_from_workers_of_every_kind(workspace: Path) -> None:
    script = (
        "import multiprocessing, sys, engine\n"
        "from tests.contract.workers import log\n"
        "with engine.open(sys.argv[1]) as opened, opened.runs.start('x', capture=False) as run:\n"
        "    run.log_metric('a', 0.0, 0)\n"
        "    number = 1\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            pool.starmap(log, [(sys.argv[1], run.id, number + each) for each in range(4)])\n"
        "        number += 4\n"
        "    from joblib import Parallel, delayed\n"
        "    Parallel(n_jobs=2)(delayed(log)(sys.argv[1], run.id, number + each) for each in range(4))\n"
        "    Parallel(n_jobs=2, backend='threading')(\n"
        "        delayed(run.log_metric)('a', 1.0, number + 4 + each) for each in range(4))\n"
        "    run.log_metric('a', 9.0, 99)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(workspace)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    with engine.open(workspace) as opened:
        run = opened.runs.page().items[0]
        steps = [point[2] for point in opened.runs.metric_points(run.run_id, "a").items]
        assert steps == [*range(21), 99]
        assert run.status == "finished"
        assert all(finding.ok for finding in opened.maintenance.check())
