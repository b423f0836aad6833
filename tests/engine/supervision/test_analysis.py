"""The analysis process, as `qd serve` and `qd up` start it: a real one, beside a workspace that others change."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.clock import SystemClock
from engine.deployment.rollout_model import RolloutState
from engine.supervision.analysis import LOCK
from tests.engine.deployment.rollouts.rolling import Rolling

PLAN = "10% 10m -> 100%"
PATIENCE_S = 30.0
WORDS = (sys.executable, "-m", "engine.supervision.analysis")


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    """A rollout whose canary serves; its data plane lives, and its clock is everybody's."""
    made = Rolling(tmp_path)
    made.clock.advance(SystemClock().now_ms() - made.clock.now_ms())
    made.engine("boss").rollouts.start("churn", 2, reason="better", plan=PLAN)
    made.acknowledge()
    yield made
    made.close()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@contextmanager
def analysing(rolling: Rolling) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*WORDS, rolling.workspace.path], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def holds_lock(rolling: Rolling) -> bool:
    with (rolling.workspace.path / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def looked(rolling: Rolling) -> bool:
    """Whether the step has begun to count."""
    return rolling.last().step_since_ms is not None


def fail_all(rolling: Rolling) -> None:
    """Let the canary fail whatever it is asked."""
    rolling.clock.advance(SystemClock().now_ms() - rolling.clock.now_ms())
    rolling.answer(1, 450)
    rolling.answer(2, 50, errors=50)


def test_it_takes_a_failing_canary_out_within_seconds(rolling: Rolling) -> None:
    with analysing(rolling):
        wait_for(lambda: looked(rolling))
        fail_all(rolling)
        told = time.monotonic()
        wait_for(lambda: rolling.last().state is RolloutState.FAILED)
        assert time.monotonic() - told < 5
    assert rolling.shares() == {1: ("live", 1000), 2: ("standby", 0)}


def test_a_second_one_waits_until_the_first_has_died(rolling: Rolling) -> None:
    with analysing(rolling) as first:
        wait_for(lambda: looked(rolling))
        with analysing(rolling) as second:
            first.kill()
            first.wait()
            fail_all(rolling)
            wait_for(lambda: rolling.last().state is RolloutState.FAILED)
            assert second.poll() is None


def test_it_ends_when_it_is_told_to(rolling: Rolling) -> None:
    with analysing(rolling) as process:
        wait_for(lambda: looked(rolling))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert not holds_lock(rolling)


def test_it_ends_while_it_waits_for_its_turn(rolling: Rolling) -> None:
    with analysing(rolling):
        wait_for(lambda: looked(rolling))
        with analysing(rolling) as second:
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE_S) in {0, -signal.SIGTERM}


def test_it_ends_with_its_parent(rolling: Rolling) -> None:
    program = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", program, *WORDS, str(rolling.workspace.path)])
    try:
        wait_for(lambda: looked(rolling))
        assert holds_lock(rolling)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_for(lambda: not holds_lock(rolling))


def test_it_outlives_a_database_that_somebody_holds(rolling: Rolling) -> None:
    with analysing(rolling) as process:
        wait_for(lambda: looked(rolling))
        fail_all(rolling)
        holder = sqlite3.connect(rolling.workspace.control_db, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(1.0)  # longer than some looks, each of which wants to write
        assert process.poll() is None
        holder.execute("ROLLBACK")
        holder.close()
        wait_for(lambda: rolling.last().state is RolloutState.FAILED)
