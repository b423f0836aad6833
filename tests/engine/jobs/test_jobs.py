"""Jobs go on by themselves, tell how far they are, can be ended, and what became of them is never made up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import api
from engine.api import Engine
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.jobs import folder
from engine.jobs.model import NOT_JOBS, Job, JobState, Progress
from engine.jobs.service import MOST_KEPT, Jobs
from tests.builders import empty_workspace

DEADLINE_S = 30.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    empty_workspace(tmp_path / "ws")
    with api.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def waits(engine: Engine, tmp_path: Path) -> Job:
    """A job that goes on until it is ended: it reads from a pipe that nobody writes to."""
    with engine.runs.start("churn") as run:
        pass
    os.mkfifo(tmp_path / "pipe")
    return engine.jobs.start(("runs", "log", run.id, "--points", str(tmp_path / "pipe")), "reads a pipe")


def _until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)


def _ended(engine: Engine, job: Job) -> Job:
    _until(lambda: engine.jobs.get(job.id).state.over)
    return engine.jobs.get(job.id)


def test_a_job_runs_a_command_and_keeps_what_it_says(engine: Engine) -> None:
    job = engine.jobs.start(("db", "check", "--deep"))
    assert job.title == "db check --deep"
    ended = _ended(engine, job)
    assert (ended.state, ended.exit_code) == (JobState.DONE, 0)
    assert "artifacts" in engine.jobs.log(job.id)


def test_a_command_that_fails_says_why(engine: Engine) -> None:
    ended = _ended(engine, engine.jobs.start(("runs", "show", "ffffffff")))
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 1)
    assert "There is no run" in engine.jobs.log(ended.id)


def test_jobs_are_numbered_and_listed_newest_first(engine: Engine) -> None:
    numbers = [engine.jobs.start(("info",)).id for _ in range(2)]
    assert numbers == [1, 2]
    assert [job.id for job in engine.jobs.page().items] == [2, 1]
    first = engine.jobs.page(limit=1)
    rest = engine.jobs.page(limit=1, page_token=first.next_page_token)
    assert [job.id for page in (first, rest) for job in page.items] == [2, 1]
    assert rest.next_page_token is None


def test_a_job_goes_on_when_who_started_it_has_left(tmp_path: Path) -> None:
    empty_workspace(tmp_path / "ws")
    os.mkfifo(tmp_path / "pipe")
    words = ("runs", "log", "RUN", "--points", str(tmp_path / "pipe"))
    script = f"""
from engine import api
with api.open({str(tmp_path / "ws")!r}) as engine:
    with engine.runs.start("churn") as run:
        pass
    engine.jobs.start([word.replace("RUN", run.id) for word in {words!r}])
"""
    subprocess.run([sys.executable, "-c", script], check=True, start_new_session=True)
    with api.open(tmp_path / "ws") as engine:
        assert engine.jobs.get(1).state is JobState.RUNNING
        (tmp_path / "pipe").write_text(json.dumps({"key": "auc", "value": 0.9, "step": 1, "time_ms": 1}) + "\n")
        assert _ended(engine, engine.jobs.get(1)).state is JobState.DONE
        assert next(iter(engine.runs.page().items)).metrics == {"auc": 0.9}


def test_a_job_can_be_ended(engine: Engine, waits: Job) -> None:
    engine.jobs.cancel(waits.id)
    ended = _ended(engine, waits)
    assert ended.state is JobState.CANCELLED
    assert ended.exit_code  # 130, or what Python says when it is interrupted before the command's first line
    with pytest.raises(Conflict, match="has ended already: cancelled"):
        engine.jobs.cancel(waits.id)


def test_of_a_job_that_was_killed_nothing_is_made_up(engine: Engine, waits: Job) -> None:
    pid = _pid(engine, waits)
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    ended = _ended(engine, waits)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 128 + signal.SIGKILL)


def test_a_job_whose_own_process_was_killed_is_lost(engine: Engine, waits: Job) -> None:
    pid = _pid(engine, waits)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    assert _ended(engine, waits).state is JobState.LOST
    assert engine.jobs.get(waits.id).exit_code is None


def _pid(engine: Engine, job: Job) -> int:
    lock = engine.workspace.path / "jobs" / str(job.id) / folder.LOCK
    _until(lambda: lock.read_text().strip().isdigit())
    pid = int(lock.read_text())
    _until(lambda: bool(Path(f"/proc/{pid}/task/{pid}/children").read_text()))
    return pid


def test_how_far_it_is_is_told_with_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    folder.write(tmp_path / "7" / folder.ASKED, {"words": ["a"], "title": "t", "actor": "ada", "started_ms": 5})
    said = {"what": "loading", "done": 25, "total": 100, "since_ms": 1_000, "at_ms": 2_000}
    folder.write(tmp_path / "7" / folder.PROGRESS, said)
    job = folder.job_of(tmp_path / "7")
    assert job is not None
    assert job.progress == Progress("loading", 25, 100, 1_000, 2_000)
    assert job.progress.left_ms == 3_000


@pytest.mark.parametrize(("done", "total"), [(0, 10), (5, 0), (11, 10)])
def test_what_is_left_is_not_guessed(done: int, total: int) -> None:
    assert Progress("loading", done, total, 0, 1_000).left_ms is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"words": 3}', '{"words": [], "title": "t"}', "[" * 9_000])
def test_a_folder_of_something_else_is_no_job(engine: Engine, text: str) -> None:
    place = engine.workspace.path / "jobs" / "4"
    place.mkdir(parents=True)
    (place / folder.ASKED).write_text(text)
    assert engine.jobs.page().items == ()
    with pytest.raises(NotFound, match="no job 4"):
        engine.jobs.get(4)


@pytest.mark.parametrize("word", sorted(NOT_JOBS))
def test_commands_that_never_end_are_no_jobs(engine: Engine, word: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a job"):
        engine.jobs.start((word,))


@pytest.mark.parametrize("words", [(), ("--as", "ada", "runs"), ("runs", "a\0b"), ("runs", "x" * 30_000), ("a",) * 300])
def test_a_line_that_is_none_is_refused(engine: Engine, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        engine.jobs.start(words)
    assert engine.jobs.page().items == ()


def test_a_read_only_session_starts_and_ends_nothing(tmp_path: Path, engine: Engine, waits: Job) -> None:
    with api.open(tmp_path / "ws", read_only=True) as looking:
        assert looking.jobs.get(waits.id).state is JobState.RUNNING
        with pytest.raises(ReadOnlyMode):
            looking.jobs.start(("info",))
        with pytest.raises(ReadOnlyMode):
            looking.jobs.cancel(waits.id)
    engine.jobs.cancel(waits.id)


def test_somebody_else_s_job_is_for_operators(engine: Engine, waits: Job) -> None:
    def acting(name: str, role: Role) -> Jobs:
        return engine.acting(engine.access.actor.__class__(name), role).jobs

    with pytest.raises(PermissionDenied):
        acting("bob", Role.WRITER).cancel(waits.id)
    assert acting("alice", Role.OPERATOR).cancel(waits.id).id == waits.id
    _ended(engine, waits)
    with pytest.raises(PermissionDenied):
        acting("bob", Role.WRITER).forget(waits.id)


def test_what_is_over_can_be_forgotten(engine: Engine, waits: Job) -> None:
    with pytest.raises(Conflict, match="still runs"):
        engine.jobs.forget(waits.id)
    engine.jobs.cancel(waits.id)
    _ended(engine, waits)
    engine.jobs.forget(waits.id)
    assert engine.jobs.page().items == ()


def test_the_oldest_go_but_never_one_that_runs(engine: Engine, waits: Job) -> None:
    place = engine.workspace.path / "jobs"
    asked = json.loads((place / str(waits.id) / folder.ASKED).read_text())
    for number in range(2, MOST_KEPT + 3):
        (place / str(number)).mkdir()
        folder.write(place / str(number) / folder.ASKED, asked)
        folder.write(place / str(number) / folder.ENDED, {"exit_code": 0, "ended_ms": 1})
    last = engine.jobs.start(("info",))
    numbers = [job.id for job in engine.jobs.page(limit=1_000).items]
    assert len(numbers) == MOST_KEPT + 1
    assert numbers[0] == last.id
    assert numbers[-1] == waits.id
    engine.jobs.cancel(waits.id)


def test_a_hostile_log_is_clean_lines(engine: Engine) -> None:
    job = engine.jobs.start(("info",))
    _ended(engine, job)
    (engine.workspace.path / "jobs" / str(job.id) / folder.LOG).write_bytes(b"\x1b[31mred\x9b5n \xff\nnext")
    text = engine.jobs.log(job.id)
    assert "\x1b" not in text
    assert text.split("\n")[1] == "next"
