"""One process that is looked after: real processes, started again when they end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core.clock import SystemClock
from engine.processes.up_model import ChildState
from engine.supervision.child import Child, Program
from engine.supervision.log import KEPT, Log
from tests.engine.supervision.programs import lives, until, write_programs

Make = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    write_programs(tmp_path)
    monkeypatch.chdir(tmp_path)
    made: list[Child] = []

    def child(name: str, *, end_s: float = 5.0, max_bytes: int = 1 << 20) -> Child:
        log = Log(tmp_path / "logs" / f"{name}.log", SystemClock(), max_bytes=max_bytes)
        made.append(Child(Program(name, (name,), end_s), log, SystemClock()))
        return made[-1]

    yield child
    for each in made:
        each.end()


def tend(child: Child) -> None:
    child.tend(time.monotonic())


def ended(child: Child, pid: int) -> Callable[[], bool]:
    def check() -> bool:
        tend(child)
        return child.status(time.monotonic()).pid != pid

    return check


def state(child: Child) -> ChildState:
    return child.status(time.monotonic()).state


def logged(tmp_path: Path, name: str) -> str:
    path = tmp_path / "logs" / f"{name}.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_a_process_runs_and_what_it_writes_is_kept_with_its_time(make: Make, tmp_path: Path) -> None:
    child = make("living")
    tend(child)
    status = child.status(time.monotonic())
    assert (status.state, status.restarts, status.failures, status.words) == (ChildState.RUNNING, 0, 0, "")
    assert status.pid is not None
    until(lambda: f"Z  alive {status.pid}\n" in logged(tmp_path, "living"))
    child.end()
    assert not lives(status.pid)
    assert state(child) is ChildState.STOPPED


def test_one_that_is_killed_rests_and_is_started_again(make: Make) -> None:
    child = make("living")
    tend(child)
    first = child.status(time.monotonic()).pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(ended(child, first))
    resting = child.status(time.monotonic())
    assert (resting.state, resting.failures) == (ChildState.RESTING, 1)
    assert resting.words == "failing once: killed by signal 9"
    assert resting.next_ms is not None
    assert child.tend(time.monotonic()) > time.monotonic()
    until(lambda: child.tend(time.monotonic()) > 0 and state(child) is ChildState.RUNNING)
    again = child.status(time.monotonic())
    assert (again.restarts, again.words) == (1, "failed once: killed by signal 9")
    well = child.status(time.monotonic() + 61)
    assert (well.failures, well.words) == (0, "")


def test_one_that_fails_often_is_said_to_be_failing_with_its_last_words_and_never_given_up(make: Make) -> None:
    child = make("crashing")
    now_s = 0.0
    for failures in range(1, 8):
        child.tend(now_s)
        until(rests(child, now_s))
        status = child.status(now_s)
        assert status.failures == failures
        assert status.last_line == "no such thing"
        assert status.state is (ChildState.FAILING if failures >= 5 else ChildState.RESTING)
        now_s = child.tend(now_s)
    assert status.words == "failing 7 times in a row: exit code 3"
    assert status.restarts == 6


def rests(child: Child, now_s: float) -> Callable[[], bool]:
    """Whether it has ended; at a time that stands still it is not started again."""

    def check() -> bool:
        child.tend(now_s)
        return child.status(now_s).pid is None

    return check


def test_one_that_simply_ends_is_started_again_too(make: Make) -> None:
    child = make("ending")
    tend(child)
    pid = child.status(time.monotonic()).pid
    assert pid is not None
    until(ended(child, pid))
    assert child.status(time.monotonic()).words == "failing once: exit code 0"


def test_one_that_does_not_end_is_killed_in_time(make: Make, tmp_path: Path) -> None:
    child = make("stubborn", end_s=0.3)
    tend(child)
    pid = child.status(time.monotonic()).pid
    assert pid is not None
    until(lambda: "alive" in logged(tmp_path, "stubborn"))
    began = time.monotonic()
    child.end()
    assert time.monotonic() - began < 3
    assert not lives(pid)
    assert "has not ended within 0.3 s, and is killed" in logged(tmp_path, "stubborn")


def test_a_log_holds_no_control_characters_and_no_endless_lines(make: Make, tmp_path: Path) -> None:
    child = make("hostile")
    tend(child)
    until(lambda: "  last\n" in logged(tmp_path, "hostile"))
    text = logged(tmp_path, "hostile")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert max(map(len, text.splitlines())) < 2_100


def test_logs_are_put_aside_and_the_oldest_forgotten(make: Make, tmp_path: Path) -> None:
    child = make("chatty", max_bytes=20_000)
    tend(child)
    folder = tmp_path / "logs"
    until((folder / f"chatty.log.{KEPT}").exists)
    child.end()
    files = sorted(each.name for each in folder.iterdir())
    assert files == ["chatty.log", *(f"chatty.log.{number}" for number in range(1, KEPT + 1))]
    assert all(each.stat().st_size <= 21_000 for each in folder.iterdir())
    assert all(each.stat().st_mode & 0o077 == 0 for each in folder.iterdir())


def test_a_log_that_cannot_be_written_harms_nobody(make: Make, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file is in the way")
    child = make("living")
    tend(child)
    assert state(child) is ChildState.RUNNING


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    log = Log(Path("/dev/full"), SystemClock())
    log.write(b"first\n")
    log.write(b"second\n")
    assert log.last == "second"
    log.close()


def test_starting_again_on_purpose_is_no_failure(make: Make) -> None:
    child = make("living")
    tend(child)
    first = child.status(time.monotonic()).pid
    child.again(time.monotonic())
    status = child.status(time.monotonic())
    assert status.pid not in {None, first}
    assert (status.restarts, status.failures, status.state) == (1, 0, ChildState.RUNNING)
