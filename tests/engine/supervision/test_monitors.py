"""Several processes may have monitors look: each window is looked at once, also when one of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.alerts.model import AlertRule, Level, Signal
from engine.alerts.raising import observe
from engine.api import Engine
from engine.monitoring.model import MonitorResult, ResultQuery
from engine.monitoring.rounds import Runner
from engine.supervision.monitors import tend
from engine.telemetry.model import CapturedPrediction, Origin
from engine.telemetry.spool import Spool
from tests.engine.deployment.world import PEOPLE
from tests.engine.endpoints.desk import Desk
from tests.engine.supervision.programs import until
from tests.engine.telemetry.traffic import store_all, telemetry_database

LEASE_MS = 1_000


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Engine]:
    """A workspace whose endpoint is asked, with a monitor a half second wide."""
    desk = Desk(tmp_path)
    desk.endpoint(1)
    desk.database.close()
    desk.workspace.policy_file.write_text(PEOPLE.replace('"root"', f'"root", "{_user()}"'))
    with engine.open(desk.workspace.path) as opened:
        given = {"target": "endpoint churn", "window": "1s", "every": "200ms", "lateness": "0s", "tests": ["quality"]}
        opened.monitors.create("watch", given)
        yield opened


def _user() -> str:
    import getpass

    return getpass.getuser()


class Process:
    """A monitors' process, as `qd up` starts it."""

    def __init__(self, workspace: Path) -> None:
        words = [sys.executable, "-m", "engine.supervision.monitors", str(workspace), str(LEASE_MS)]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[1]


def ask(engine_: Engine, number: int) -> None:
    """Ask the endpoint once, now, and have it stored."""
    spool = Spool(engine_.workspace.spool, f"plane-{number}", flush_s=0.001)
    origin = Origin(1, 1, 1, "live", "churn", 1, ("x",))
    spool.put_prediction(
        CapturedPrediction(origin, f"r-{number}", engine_.clock.now_ms(), 100, 200, b"[[1.0]]", b'{"predict":[1]}')
    )
    spool.close()
    database = telemetry_database(engine_.workspace.telemetry_db)
    store_all(database, engine_.workspace.spool)
    database.close()


def results(engine_: Engine) -> list[MonitorResult]:
    return list(engine_.monitors.results(ResultQuery(limit=1_000)).items)


def test_two_processes_look_once_each_window_though_one_is_killed(watched: Engine) -> None:
    ask(watched, 0)
    processes = [Process(watched.workspace.path) for _ in range(2)]
    try:
        until(lambda: len(results(watched)) >= 2)
        holder = watched.monitors.get("watch").runner
        ask(watched, 1)
        killed = next(each for each in processes if f":{each.process.pid}:" in holder)
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.process.communicate(timeout=20)
        until(lambda: watched.monitors.get("watch").runner not in ("", holder))
        seen = len(results(watched))
        until(lambda: len(results(watched)) > seen)
    finally:
        said = [each.end() for each in processes if each.process.poll() is None]
    assert said == [""]
    firsts = [each.window.start_ms for each in results(watched) if each.revision == 0]
    assert len(firsts) == len(set(firsts))
    assert sorted(firsts) == list(range(min(firsts), max(firsts) + 1, 1_000))


def test_it_ends_with_its_parent(watched: Engine) -> None:
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'engine.supervision.monitors', sys.argv[1]])\n"
        "print(p.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(watched.workspace.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until(lambda: f":{child}:" in watched.monitors.get("watch").runner)
    parent.kill()
    parent.wait(20)
    parent.stdout.close()
    assert parent.stdin is not None
    parent.stdin.close()

    def gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"

    until(gone)


def test_time_passes_for_alerts_though_the_policy_is_broken(watched: Engine) -> None:
    now_ms = watched.clock.now_ms()
    rule = AlertRule(escalate_after_ms=1)
    with watched.database.transaction(watched.access.actor) as tx:
        observe(tx, Signal("watch", "quality", Level.BAD, now_ms - 1_000, now_ms, rule=rule))
    watched.workspace.policy_file.write_text("[monitors.broken\n")
    ended = iter((False, True))
    tend(watched, Runner("here", watched.access.actor), lambda: next(ended), lambda _: None)
    assert watched.alerts.get(1).escalated
