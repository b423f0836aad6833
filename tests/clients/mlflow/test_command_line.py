"""The client's own command line, pointed at the server by the same variable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from mlflow.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient


@pytest.fixture(scope="module")
def mlflow_() -> object:
    """Runs a command line and gives what it wrote to stdout."""
    runner = CliRunner()

    def run(*words: str) -> str:
        done = runner.invoke(cli, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        told: str = done.stdout
        return told

    return run


def test_experiments(client: MlflowClient, name: str, mlflow_: object, tmp_path: Path) -> None:
    assert callable(mlflow_)
    assert "Created experiment" in mlflow_("experiments", "create", "-n", name)
    made = client.get_experiment_by_name(name).experiment_id
    assert name in mlflow_("experiments", "search")
    mlflow_("experiments", "rename", "--experiment-id", made, "--new-name", f"{name}-new")
    client.create_run(made, run_name="in the table")
    mlflow_("experiments", "csv", "-x", made, "-o", str(tmp_path / "runs.csv"))
    assert "in the table" in (tmp_path / "runs.csv").read_text()
    mlflow_("experiments", "delete", "-x", made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    mlflow_("experiments", "restore", "-x", made)
    assert client.get_experiment(made).lifecycle_stage == "active"


def test_runs(client: MlflowClient, run: str, mlflow_: object) -> None:
    assert callable(mlflow_)
    client.log_metric(run, "m", 1.0)
    assert run in mlflow_("runs", "list", "--experiment-id", client.get_run(run).info.experiment_id)
    assert json.loads(mlflow_("runs", "describe", "--run-id", run))["data"]["metrics"] == {"m": 1.0}
    mlflow_("runs", "delete", "--run-id", run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    mlflow_("runs", "restore", "--run-id", run)
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_artifacts(run: str, mlflow_: object, tmp_path: Path) -> None:
    assert callable(mlflow_)
    (tmp_path / "a.txt").write_text("hello")
    mlflow_("artifacts", "log-artifact", "--local-file", str(tmp_path / "a.txt"), "--run-id", run)
    assert json.loads(mlflow_("artifacts", "list", "--run-id", run)) == [
        {"path": "a.txt", "is_dir": False, "file_size": 5}
    ]
    (tmp_path / "got").mkdir()
    mlflow_("artifacts", "download", "-r", run, "-a", "a.txt", "-d", str(tmp_path / "got"))
    assert (tmp_path / "got" / "a.txt").read_text() == "hello"
