"""`qd runs start`, `log` and `finish`: logging from a shell script."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import engine
from tests.engine.cli.driver import Qd, run_process

pytestmark = pytest.mark.usefixtures("workspace")


def _start(qd: Qd, *words: str) -> str:
    return qd("runs", "start", *words).out.strip()


def test_a_script_logs_a_run_from_start_to_finish(qd: Qd) -> None:
    run = _start(qd, "--experiment", "nightly", "--name", "n1", "--param", "lr=0.1", "--tag", "team=risk")
    qd("runs", "log", run, "--metric", "auc=0.9", "--metric", "loss=nan", "--step", "3", "--param", "late=a=b")
    running = qd("runs", "show", run, "--json").json
    assert (running["name"], running["experiment"], running["state"]) == ("n1", "nightly", "running")
    assert running["params"] == {"late": "a=b", "lr": "0.1"}
    assert running["metrics"] == {"auc": 0.9, "loss": "NaN"}
    qd("runs", "finish", run, "--status", "failed")
    assert qd("runs", "show", run, "--json").json["status"] == "failed"


def test_a_run_without_a_process_is_never_taken_for_lost(qd: Qd) -> None:
    run = _start(qd)
    qd("runs", "reap", "--older-than", "0ms")
    shown = qd("runs", "show", run, "--json").json
    assert (shown["state"], shown["heartbeat_ms"]) == ("running", None)


def test_the_id_alone_is_on_stdout_so_that_a_script_can_keep_it(qd: Qd) -> None:
    answer = qd("runs", "start")
    assert len(answer.out) == 33
    assert answer.err == ""


def test_a_scheduled_run_waits_until_it_is_opened(qd: Qd) -> None:
    run = _start(qd, "--scheduled")
    assert qd("runs", "show", run, "--json").json["state"] == "scheduled"
    assert qd("runs", "finish", run, "--status", "running", "--json").json["state"] == "running"


def test_children_know_their_parent_and_seeds_are_kept(qd: Qd) -> None:
    parent = _start(qd)
    child = _start(qd, "--parent", parent, "--seed", "7")
    assert qd("runs", "show", parent, "--json").json["children"] == [child]
    shown = qd("runs", "show", child, "--json").json
    assert (shown["parent_run_id"], shown["environment"]["seed"]) == (parent, 7)


def test_infinite_and_missing_numbers_are_strings_in_json(qd: Qd) -> None:
    run = _start(qd)
    qd("runs", "log", run, "--metric", "a=nan", "--metric", "b=inf", "--metric", "c=-inf", "--metric", "d=1e308")
    metrics = qd("runs", "list", "--json").json["items"][0]["metrics"]
    assert metrics == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 1e308}
    assert qd("runs", "metrics", run, "b", "--json").json["points"][0]["last"] == "Infinity"
    assert qd("runs", "metrics", run).out.split()[2:] == ["a", "NaN", "b", "Infinity", "c", "-Infinity", "d", "1e+308"]


def test_points_come_from_a_file_a_line_each(qd: Qd, tmp_path: Path, workspace: Path) -> None:
    run = _start(qd)
    lines = [json.dumps({"key": "loss", "value": 1 / (step + 1), "step": step, "time_ms": step}) for step in range(25)]
    (tmp_path / "points").write_text("\n".join([*lines, "", '{"key": "x", "value": "nan"}']))
    logged = qd("runs", "log", run, "--points", tmp_path / "points", "--json").json
    assert logged == {"run": run, "points": 26, "params": 0, "tags": 0}
    with engine.open(workspace, read_only=True) as opened:
        points = opened.runs.metric_points(run, "loss").items
        assert [(point[2], point[3]) for point in points] == [(step, step) for step in range(25)]
        assert math.isnan(opened.runs.get(run).metrics["x"])


def test_points_may_come_through_a_pipe(qd: Qd) -> None:
    run = _start(qd)
    answer = run_process("runs", "log", run, "--points", "-", stdin='{"key": "loss", "value": 0.5, "step": 1}\n')
    assert answer.code == 0
    assert qd("runs", "metrics", run, "--json").json == {"metrics": {"loss": 0.5}}


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"key": "a"}', '{"key": "a", "value": []}', "1"])
def test_a_line_that_is_no_point_is_named(qd: Qd, tmp_path: Path, line: str) -> None:
    run = _start(qd)
    (tmp_path / "points").write_text(f'{{"key": "a", "value": 1}}\n{line}\n')
    assert "Line 2 is no point" in qd("runs", "log", run, "--points", tmp_path / "points", code=2).err
    assert qd("runs", "metrics", run, "--json").json == {"metrics": {}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metric", "auc"], "key=number"),
        (["--metric", "auc=high"], "key=number"),
        (["--metric", "=1"], "key=number"),
        (["--param", "lr"], "key=value"),
        (["--at", "someday"], "no time"),
    ],
)
def test_what_is_not_written_right_is_refused_before_anything_is_stored(qd: Qd, words: list[str], said: str) -> None:
    run = _start(qd)
    assert said in qd("runs", "log", run, "--metric", "ok=1", *words, code=2).err
    assert qd("runs", "metrics", run, "--json").json == {"metrics": {}}


def test_a_parameter_is_written_once(qd: Qd) -> None:
    run = _start(qd, "--param", "lr=0.1")
    qd("runs", "log", run, "--param", "lr=0.1")
    answer = qd("runs", "log", run, "--param", "lr=0.2", "--metric", "auc=1", code=1)
    assert "lr" in answer.err
    assert qd("runs", "show", run, "--json").json["metrics"] == {}


def test_the_time_of_metrics_can_be_given(qd: Qd) -> None:
    run = _start(qd)
    qd("runs", "log", run, "--metric", "auc=1", "--at", "2026-11-03T09:00")
    [point] = qd("runs", "metrics", run, "auc", "--raw", "--json").json["items"]
    assert point["time_ms"] == 1_793_696_400_000


def test_data_that_was_read_is_noted(qd: Qd) -> None:
    run = _start(qd)
    qd("runs", "log", run, "--dataset", "car_loan=d1", "--dataset", "weather=d2")
    inputs = qd("runs", "show", run, "--json").json["inputs"]
    assert [(each["name"], each["digest"], each["context"]) for each in inputs] == [
        ("car_loan", "d1", "training"),
        ("weather", "d2", "training"),
    ]
