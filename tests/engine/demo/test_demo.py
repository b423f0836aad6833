"""The demo really trains, really promotes, and can be repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.api import Engine
from engine.core.errors import Conflict
from engine.demo.live import train_slowly
from engine.demo.service import demo_directory, make_demo
from engine.endpoints.model import Share
from engine.registry.model import Stage
from engine.tracking.model import Run, RunQuery

LIVE = "run_name = 'network-live'"


def qd(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine.cli", "--workspace", str(directory), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("demo") / "workspace"
    done = qd(directory, "demo", "--headless", "--no-live", "--json")
    assert done.returncode == 0, done.stderr
    return directory, json.loads(done.stdout)


def test_the_summary_tells_what_is_there(made: tuple[Path, dict[str, Any]]) -> None:
    _, summary = made
    assert (summary["models"], summary["versions"], summary["waiting_approvals"]) == (3, 9, 1)
    assert summary["production"] == ["breast-cancer/2", "car-loan/1", "seattle-weather/1"]
    assert "car-loan/3" in summary["failing"]
    assert summary["runs"] == 36


def steps(program: object, workspace: Path) -> str:
    here = f"{program} --workspace {workspace}"
    server = f"{here} server, then MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
    return f"Next: {here}\nMLflow programs log to it with: {server}\n"


def test_the_next_step_can_be_typed_as_it_is_printed(made: tuple[Path, dict[str, Any]]) -> None:
    program = Path(sys.executable).with_name("qd")
    words = [str(program), "--workspace", str(made[0]), "demo", "--no-live"]
    environ = {**os.environ, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, env=environ)
    assert done.stderr == steps(program, made[0])
    found = {**environ, "PATH": f"{program.parent}:{environ['PATH']}"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, env=found)
    assert done.stderr == steps("qd", made[0])


def test_repeating_it_changes_nothing(made: tuple[Path, dict[str, Any]]) -> None:
    directory, summary = made
    again = qd(directory, "demo", "--headless", "--no-live", "--json")
    assert json.loads(again.stdout) == summary


def test_runs_have_curves_data_models_and_a_seed(made: tuple[Path, dict[str, Any]]) -> None:
    with engine.open(made[0], read_only=True) as opened:
        run = opened.runs.page(RunQuery(filter="run_name = 'boost-deep' and metrics.auc > 0.9", limit=1)).items[0]
        detail = opened.runs.get(run.run_id)
        history = opened.runs.history(run.run_id, "auc")
    assert history.total == 60
    assert [source.name for source in detail.inputs] == [run.experiment]
    assert detail.environment is not None
    assert str(detail.environment.seed) == run.params["seed"]


def test_the_stored_model_is_the_trained_model(made: tuple[Path, dict[str, Any]]) -> None:
    import skops.io

    from engine.demo.data import load_tasks

    task = next(task for task in load_tasks() if task.name == "breast-cancer")
    with engine.open(made[0], read_only=True) as opened:
        version = opened.models.resolve("breast-cancer@champion")
        assert version.run_id is not None
        stored = opened.runs.read_artifact(version.run_id, "model/model.skops")
    model = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    accuracy = float((model.predict(task.test) == task.test_labels).mean())
    assert accuracy == pytest.approx(version.metrics["accuracy"])


def test_nothing_reached_production_without_its_approval(made: tuple[Path, dict[str, Any]]) -> None:
    with engine.open(made[0], read_only=True) as opened:
        assert opened.audit.verify().ok
        approvals = opened.approvals.page(state="used").items
        assert {(request.model, request.version) for request in approvals} == {
            ("breast-cancer", 1),
            ("breast-cancer", 2),
            ("car-loan", 1),
            ("car-loan", 2),
        }
        for request in approvals:
            assert request.requested_by.name == "lena"
        report = opened.gates.latest("car-loan", 3, to=Stage.PRODUCTION)
    assert report is not None
    assert not report.passed


def test_a_foreign_workspace_is_left_alone(tmp_path: Path) -> None:
    engine.create(tmp_path / "mine")
    with pytest.raises(Conflict, match="not a finished demo"):
        make_demo(tmp_path / "mine", lambda _what, _done, _total: None, live=False)


def test_an_interrupted_demo_leaves_no_workspace_behind(tmp_path: Path) -> None:
    def interrupt(_what: str, done: int, _total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "demo", interrupt, live=False)
    assert not (tmp_path / "demo").exists()


def test_without_a_named_workspace_it_stays_out_of_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert demo_directory(None) == tmp_path / ".local" / "share" / "quarterdeck-demo"
    assert demo_directory(str(tmp_path / "here")) == tmp_path / "here"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert demo_directory(None) == tmp_path / "data" / "quarterdeck-demo"


def test_the_live_run_moves_and_finishes(tmp_path: Path) -> None:
    engine.create(tmp_path / "live")
    with engine.open(tmp_path / "live") as opened:
        run_id = train_slowly(opened, epochs=3, epoch_s=0.0)
        detail = opened.runs.get(run_id)
        assert detail.state == "finished"
        assert opened.runs.history(run_id, "auc").total == 3


def test_its_endpoints_have_been_asked_and_their_answers_captured(made: tuple[Path, dict[str, Any]]) -> None:
    directory, summary = made
    assert summary["endpoints"] == ["breast-cancer", "car-loan", "seattle-weather"]
    with engine.open(directory, read_only=True) as opened:
        counts = opened.telemetry.counts()
        rollout = opened.rollouts.open_of("breast-cancer")
        shares = {each.share for name in summary["endpoints"] for each in opened.endpoints.get(name).deployments}
        built = [opened.builds.get(opened.models.version("breast-cancer", each).digest) for each in (2, 3)]
    assert sum(count.sent for count in counts) > 500
    assert all(count.sent == count.stored + count.dropped for count in counts)
    assert rollout is not None
    assert rollout.evidence.ticks == 0 or rollout.evidence.candidate.requests > 0
    assert {Share.LIVE, Share.CANARY, Share.SHADOW} <= shares
    assert all(each is not None and each.parity[-1].accepted for each in built)


def test_the_live_run_is_started_once_and_outlives_the_command(made: tuple[Path, dict[str, Any]]) -> None:
    directory, _ = made
    assert qd(directory, "demo", "--headless").returncode == 0
    with engine.open(directory) as opened:
        run = first_live_run(opened)
        detail = opened.runs.get(run.run_id)
        again = json.loads(qd(directory, "demo", "--headless", "--json").stdout)
        runs = opened.runs.page(RunQuery(filter=LIVE, limit=5)).items
        planes = opened.endpoints.planes()
    assert detail.environment is not None
    os.kill(detail.environment.pid, signal.SIGTERM)
    for plane in planes:  # whoever asks it ends with it
        os.kill(plane.pid, signal.SIGTERM)
    assert [plane.url for plane in planes] == [again["served"]]
    assert again["live_run"] == run.run_id
    assert len(runs) == 1


def first_live_run(opened: Engine) -> Run:
    pause, deadline = threading.Event(), time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in opened.runs.page(RunQuery(filter=LIVE, limit=5)).items:
            if run.state == "running" and run.metrics:
                return run
        pause.wait(0.1)
    raise AssertionError("no live run appeared")


def test_one_model_is_looked_through_built_and_measured_before_production(made: tuple[Path, dict[str, Any]]) -> None:
    with engine.open(made[0]) as opened:
        report = opened.gates.latest("seattle-weather", 1, Stage.PRODUCTION)
    assert report is not None
    tried = {each.gate: each.status.value for each in report.results if each.gate in ("scan", "parity", "latency")}
    assert tried == {"scan": "pass", "parity": "pass", "latency": "pass"}
