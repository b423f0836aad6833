"""The capture writer as a process: it lives, waits, ends, and survives what happens to its database."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import engine
from engine.core.clock import ManualClock
from engine.db.workspace import Workspace
from engine.policy.model import Policy
from engine.telemetry.intake import Intake
from engine.telemetry.lock import writer_status
from engine.telemetry.model import MINUTES_KEPT_S, SECONDS_KEPT_S
from engine.telemetry.retention import Retention
from engine.telemetry.spool import Spool
from tests.builders import empty_workspace
from tests.engine.telemetry.traffic import (
    NOW_S,
    WriterProcess,
    counted,
    prediction,
    requests,
    spooled,
    store_all,
    telemetry_database,
    until,
    window,
)
from tests.faults import Faults

HOUR_MS = 3_600_000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return empty_workspace(tmp_path / "workspace")


def report(workspace: Workspace, count: int = 10, first: int = 0) -> None:
    spool = Spool(workspace.spool, "plane", flush_s=0.001)
    for number in range(first, first + count):
        spool.put_prediction(prediction(number))
    spool.put_window(window(requests=count))
    spool.close()


def test_it_says_that_it_lives_and_how_it_does(workspace: Workspace) -> None:
    assert not writer_status(workspace).alive
    with WriterProcess(workspace.path) as writer:
        until(lambda: writer_status(workspace).alive)
        report(workspace)
        until(lambda: writer_status(workspace).stored == 10)
        said = writer_status(workspace)
        assert (said.pid, said.problem, said.waiting_bytes) == (writer.process.pid, "", 0)
        assert writer.end() == 0
    last = writer_status(workspace)
    assert (last.alive, last.stored) == (False, 10)


def test_what_came_before_its_end_is_stored_first(workspace: Workspace) -> None:
    with WriterProcess(workspace.path) as writer:
        until(lambda: writer_status(workspace).alive)
        report(workspace, 3_000)
        assert writer.end() == 0
    assert counted(workspace.telemetry_db) == {(1, 3): (3_000, 3_000, 0)}
    assert spooled(workspace.spool) == []


def test_a_second_one_waits_for_the_end_of_the_first(workspace: Workspace) -> None:
    with WriterProcess(workspace.path) as first, WriterProcess(workspace.path) as second:
        until(lambda: writer_status(workspace).pid in (first.process.pid, second.process.pid))
        working, standing = (first, second) if writer_status(workspace).pid == first.process.pid else (second, first)
        working.kill()
        until(lambda: writer_status(workspace).pid == standing.process.pid)
        report(workspace)
        until(lambda: writer_status(workspace).stored == 10)
        assert standing.end() == 0
    assert counted(workspace.telemetry_db) == {(1, 3): (10, 10, 0)}


def test_it_ends_with_whoever_started_it(workspace: Workspace) -> None:
    script = (
        "import subprocess, sys, time\n"
        "made = subprocess.Popen([sys.executable, '-m', 'engine.telemetry.writer', sys.argv[1]])\n"
        "print(made.pid, flush=True)\ntime.sleep(60)\n"
    )
    words = [sys.executable, "-c", script, str(workspace.path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until(lambda: writer_status(workspace).pid == pid)
        parent.kill()
    until(lambda: not writer_status(workspace).alive)


def test_an_interrupt_meant_for_others_does_not_end_it(workspace: Workspace) -> None:
    with WriterProcess(workspace.path) as writer:
        until(lambda: writer_status(workspace).alive)
        writer.process.send_signal(signal.SIGINT)
        report(workspace)
        until(lambda: writer_status(workspace).stored == 10)
        assert writer.end() == 0


def test_a_locked_database_is_waited_for(workspace: Workspace) -> None:
    database = telemetry_database(workspace.telemetry_db)
    database.migrate()
    with closing(sqlite3.connect(workspace.telemetry_db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with WriterProcess(workspace.path) as writer:
            report(workspace)
            until(lambda: "locked" in writer_status(workspace).problem)
            other.execute("COMMIT")
            until(lambda: writer_status(workspace).stored == 10)
            until(lambda: writer_status(workspace).problem == "")
            assert writer.end() == 0
    assert counted(workspace.telemetry_db) == {(1, 3): (10, 10, 0)}


def test_a_deleted_database_is_made_again(workspace: Workspace) -> None:
    with WriterProcess(workspace.path) as writer:
        report(workspace)
        until(lambda: writer_status(workspace).stored == 10)
        for path in workspace.path.glob("telemetry.db*"):
            path.unlink()
        report(workspace, 5, first=10)
        until(lambda: spooled(workspace.spool) == [])
        assert writer.end() == 0
    assert counted(workspace.telemetry_db) == {(1, 3): (5, 5, 0)}


def test_a_damaged_database_is_told_and_costs_nothing_that_is_not_stored(workspace: Workspace) -> None:
    workspace.telemetry_db.write_bytes(b"no database at all" * 1000)
    with WriterProcess(workspace.path) as writer:
        report(workspace)
        until(lambda: "damaged" in writer_status(workspace).problem)
        assert spooled(workspace.spool) != []
        workspace.telemetry_db.unlink()
        until(lambda: spooled(workspace.spool) == [])
        assert writer.end() == 0
    assert counted(workspace.telemetry_db) == {(1, 3): (10, 10, 0)}


def test_without_a_workspace_it_says_so(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "engine.telemetry.writer", str(tmp_path / "nowhere")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode != 0
    assert "capture writer cannot run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", range(1, 26))
def test_a_disk_that_fails_at_any_statement_stores_once(tmp_path: Path, number: int) -> None:
    from engine.core.errors import QuarterdeckError
    from engine.db.connection import Durability
    from engine.db.database import Database
    from engine.db.migrations import TELEMETRY

    faults = Faults()
    path = tmp_path / "telemetry.db"
    telemetry_database(path).migrate()
    database = Database(path, schema=TELEMETRY, durability=Durability.RELAXED, connect=faults.connect)
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    for each in range(20):
        spool.put_prediction(prediction(each))
        spool.put_window(window(requests=1))
    spool.close()
    intake = Intake(database, tmp_path / "spool")
    faults.arm(number)
    while True:
        try:
            if not intake.run() and spooled(tmp_path / "spool") == []:
                break
        except QuarterdeckError:
            faults.disarm()
    assert counted(path) == {(1, 3): (20, 20, 0)}
    assert requests(path) == 20


class Forgetting:
    """Retention under a clock that is moved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW_S * 1000)
        self.database = telemetry_database(folder / "telemetry.db")
        self.retention = Retention(self.database, self.clock)

    def report(self, count: int, inputs: bytes = b"[[1]]") -> None:
        now_ms = self.clock.now_ms()
        spool = Spool(self.folder / "spool", "plane", flush_s=0.001)
        for number in range(count):
            spool.put_prediction(prediction(number, time_ms=now_ms, inputs=inputs))
        spool.put_window(window(now_ms // 1000, requests=count))
        spool.close()
        store_all(self.database, self.folder / "spool")

    def run(self, policy: Policy | None = None) -> None:
        while self.retention.run(policy or Policy()):
            pass

    def kept(self) -> tuple[int, list[int]]:
        with self.database.snapshot() as view:
            predictions = view.execute("SELECT count(*) FROM prediction").fetchone()[0]
        return predictions, [requests(self.folder / "telemetry.db", step_s) for step_s in (1, 60, 3600)]


def test_each_kind_is_forgotten_in_its_time(tmp_path: Path) -> None:
    forgetting = Forgetting(tmp_path)
    forgetting.report(10)
    forgetting.run()
    assert forgetting.kept() == (10, [10, 10, 10])
    forgetting.clock.advance((SECONDS_KEPT_S + 60) * 1000)
    forgetting.run()
    assert forgetting.kept() == (10, [0, 10, 10])
    forgetting.clock.advance(7 * 24 * HOUR_MS)
    forgetting.report(3)
    forgetting.run()
    assert forgetting.kept() == (3, [3, 13, 13])
    forgetting.clock.advance((MINUTES_KEPT_S + 60) * 1000)
    forgetting.run()
    assert forgetting.kept() == (0, [0, 0, 13])


def test_the_policy_says_how_long(tmp_path: Path) -> None:
    forgetting = Forgetting(tmp_path)
    forgetting.report(10)
    forgetting.clock.advance(2 * HOUR_MS)
    forgetting.run(Policy(telemetry_keep_ms=3 * HOUR_MS))
    assert forgetting.kept()[0] == 10
    forgetting.run(Policy(telemetry_keep_ms=HOUR_MS))
    assert forgetting.kept()[0] == 0
    assert counted_sent(tmp_path) == (10, 10, 0)


def counted_sent(folder: Path) -> tuple[int, int, int]:
    with closing(sqlite3.connect(folder / "telemetry.db")) as raw:
        found: tuple[int, int, int] = raw.execute("SELECT sent, stored, dropped FROM capture_count").fetchone()
    return found


def test_beyond_its_size_the_oldest_go_first(tmp_path: Path) -> None:
    forgetting = Forgetting(tmp_path)
    for _ in range(4):
        forgetting.report(2_000, inputs=b"[[" + b"1," * 500 + b"1]]")
        forgetting.clock.advance(1_000)
    forgetting.run(Policy(telemetry_max_bytes=5_000_000))
    predictions, windows = forgetting.kept()
    assert 2_000 <= predictions < 6_000
    assert windows == [8_000] * 3
    with forgetting.database.snapshot() as view:
        oldest = view.execute("SELECT min(time_ms) FROM prediction").fetchone()[0]
    assert oldest > NOW_S * 1000
    before = (tmp_path / "telemetry.db").stat().st_size
    forgetting.report(1_000)
    assert (tmp_path / "telemetry.db").stat().st_size <= before * 1.2


def test_labels_go_with_the_predictions_of_their_time(tmp_path: Path) -> None:
    from engine.telemetry.model import Label

    path = empty_workspace(tmp_path / "w").path
    clock = ManualClock(NOW_S * 1000)
    with engine.open(path, clock=clock) as opened:
        opened.telemetry.label([Label("r-1", 1)])
        clock.advance(8 * 24 * HOUR_MS)
        opened.telemetry.label([Label("r-2", 1)])
        retention = Retention(telemetry_database(opened.workspace.telemetry_db), clock)
        while retention.run(Policy()):
            pass
        assert opened.telemetry.labels("r-1") == ()
        assert len(opened.telemetry.labels("r-2")) == 1
