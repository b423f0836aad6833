"""Where the workspace is: one that was moved away or replaced is no longer served, and one may be served read-only."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.access import Role
from engine.core.errors import WorkspaceReplaced
from engine.processes.lock import ServerLock
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from engine.tracking.model import DEFAULT_EXPERIMENT
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire

QD = (sys.executable, "-m", "console")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "workspace").path


@contextmanager
def serving(workspace: Path, *before: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = (*QD, "--workspace", str(workspace), *before, "server", "--port", "0")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            while "MLFLOW_TRACKING_URI=" not in line:
                assert line, "it has ended"
                line = process.stderr.readline()
            yield process, line.rpartition("=")[2].strip()
        finally:
            process.kill()


def moved_away(workspace: Path) -> None:
    workspace.rename(workspace.with_name("moved"))


def another_in_its_place(workspace: Path) -> None:
    moved_away(workspace)
    engine.create(workspace)


def its_copy_in_its_place(workspace: Path) -> None:
    shutil.copytree(workspace, workspace.with_name("copy"))
    moved_away(workspace)
    workspace.with_name("copy").rename(workspace)


def its_lock_deleted(workspace: Path) -> None:
    (workspace / "server.lock").unlink()


def deleted(workspace: Path) -> None:
    shutil.rmtree(workspace)


@pytest.mark.parametrize(
    "happens", [moved_away, another_in_its_place, its_copy_in_its_place, its_lock_deleted, deleted]
)
def test_a_server_whose_workspace_goes_ends_and_says_so(workspace: Path, happens: Callable[[Path], None]) -> None:
    with serving(workspace) as (process, url), Wire.to(url) as wire:
        assert wire.mlflow("POST", "experiments/create", {"name": "before"}).status == 200
        happens(workspace)
        assert process.wait(20) == 3
        assert process.stderr is not None
        said = process.stderr.read()
    assert "was moved away or replaced while it was served" in said
    assert "Traceback" not in said


def test_nothing_is_ever_written_into_the_workspace_that_took_the_place(workspace: Path) -> None:
    with serving(workspace) as (process, url), Wire.to(url) as wire:
        assert wire.mlflow("POST", "experiments/create", {"name": "before"}).status == 200
        another_in_its_place(workspace)
        statuses = set()
        for number in range(10_000):
            try:
                statuses.add(wire.mlflow("POST", "experiments/create", {"name": f"after-{number}"}).status)
            except OSError:
                break
        assert process.wait(20) == 3
    assert statuses <= {503}
    with engine.open(workspace) as opened:
        assert [each.name for each in opened.experiments.page().items if each.name != DEFAULT_EXPERIMENT] == []
    with engine.open(workspace.with_name("moved")) as opened:
        assert "before" in [each.name for each in opened.experiments.page().items]


def test_the_status_of_a_server_that_took_over_is_left_alone(workspace: Path) -> None:
    with engine.open(workspace) as opened:
        with ServerLock(opened.workspace).take() as lock:
            another_in_its_place(workspace)
            (workspace / "server.json").write_text("another's")
            with pytest.raises(WorkspaceReplaced):
                lock.check()
        assert (workspace / "server.json").read_text() == "another's"


def test_a_database_replaced_in_its_place_is_served_on(workspace: Path) -> None:
    """What `qd db restore` does with a damaged one: the workspace, and its lock, are the same."""
    with serving(workspace) as (_, url), Wire.to(url) as wire:
        assert wire.mlflow("POST", "experiments/create", {"name": "before"}).status == 200
        fresh = engine.create(workspace.with_name("fresh")).path
        for ending in ("", "-wal", "-shm"):
            (workspace / f"control.db{ending}").rename(workspace.with_name(f"kept{ending}"))
        (fresh / "control.db").replace(workspace / "control.db")
        until = time.monotonic() + 20
        while wire.mlflow("POST", "experiments/create", {"name": "after"}).status != 200:
            assert time.monotonic() < until
    with engine.open(workspace) as opened:
        assert [each.name for each in opened.experiments.page().items if each.name != DEFAULT_EXPERIMENT] == ["after"]


@pytest.fixture
def reading(workspace: Path) -> Iterator[tuple[Wire, Engine]]:
    """A read-only server, and a session that writes beside it."""
    with (
        engine.open(workspace) as writing,
        engine.open(workspace, read_only=True, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as wire,
    ):
        yield wire, writing


CHANGES: dict[str, tuple[str, str, bytes]] = {
    "an experiment": ("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "e"}'),
    "a run": ("POST", "/api/2.0/mlflow/runs/create", b'{"experiment_id": "0"}'),
    "a metric": ("POST", "/api/2.0/mlflow/runs/log-metric", b'{"run_id": "x", "key": "m", "value": 1}'),
    "a model": ("POST", "/api/2.0/mlflow/registered-models/create", b'{"name": "m"}'),
    "a file": ("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/f", b"bytes"),
    "spans": ("POST", "/v1/traces", b'{"resourceSpans": []}'),
    "a token": ("POST", "/api/qd/v1/tokens/create", b'{"name": "t"}'),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_read_only_server_refuses_every_change(reading: tuple[Wire, Engine], case: str) -> None:
    wire, writing = reading
    before = writing.audit.head().size
    answer = wire.send(*CHANGES[case], {"content-type": "application/json"})
    assert answer.status == 403, answer.body
    assert b"read-only" in answer.body
    assert writing.audit.head().size == before


def test_a_read_only_server_shows_what_others_write(reading: tuple[Wire, Engine]) -> None:
    wire, writing = reading
    writing.experiments.create("live")
    found = wire.mlflow("GET", "experiments/get-by-name", query={"experiment_name": "live"})
    assert found.status == 200
    assert wire.mlflow("POST", "experiments/search", {"max_results": 10}).status == 200


def test_a_read_only_server_runs_beside_the_one_that_writes(workspace: Path) -> None:
    with serving(workspace) as (_, url), serving(workspace, "--readonly") as (reader, other):
        with Wire.to(url) as wire, Wire.to(other) as reads:
            assert wire.mlflow("POST", "experiments/create", {"name": "e"}).status == 200
            assert reads.mlflow("GET", "experiments/get-by-name", query={"experiment_name": "e"}).status == 200
            assert reads.mlflow("POST", "experiments/create", {"name": "f"}).status == 403
        reader.terminate()
        assert reader.wait(20) == 0


def test_a_read_only_server_that_needs_tokens_takes_those_there_are(workspace: Path) -> None:
    with engine.open(workspace) as writing:
        secret = writing.tokens.create("ci", scope=Role.ADMIN).secret
    with (
        engine.open(workspace, read_only=True, via="http") as opened,
        ThreadedServer(opened, Settings(port=0, require_tokens=True)) as url,
        Wire.to(url) as wire,
    ):
        told = {"authorization": f"Bearer {secret}"}
        assert wire.send("GET", "/metrics").status == 401
        assert wire.send("GET", "/metrics", headers=told).status == 200
        answer = wire.send(*CHANGES["an experiment"], {"content-type": "application/json", **told})
        assert answer.status == 403
