"""Workspaces and command lines for the tests of the headless front."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import engine
from engine.cli import main
from engine.tracking.model import DatasetInput
from tests.engine.cli.driver import Answer, Qd


@dataclass(frozen=True, slots=True)
class Sample:
    """A workspace with three runs and three versions of the model churn.

    Args:
        path: The workspace.
        runs: The runs' ids: auc 0.81, 0.86 and 0.91.
    """

    path: Path
    runs: tuple[str, str, str]


def fill(path: Path) -> tuple[str, str, str]:
    """Three runs with a curve and a model file each, and a version of churn from each."""
    ids = []
    with engine.open(path) as opened:
        for number, auc in enumerate((0.81, 0.86, 0.91)):
            params = {"depth": number + 2, "model": "tree"}
            with opened.runs.start("churn", f"tree-{number}", params=params, capture=False) as run:
                run.log_batch([("loss", 1 / (step + 1), step, 1_760_000_000_000 + step) for step in range(200)])
                run.log_metric("auc", auc)
                run.log_bytes(f"weights {number}".encode(), "model/weights.bin")
                run.log_bytes(b"a,b\n", "report.csv")
                run.log_dataset(DatasetInput("car_loan", "d1", rows=10, context="training"))
                ids.append(run.id)
            opened.models.register("churn", run_id=run.id, owner="ada", flavor="sklearn")
    return ids[0], ids[1], ids[2]


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    path = engine.create(tmp_path_factory.mktemp("sample") / "workspace").path
    return Sample(path, fill(path))


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine.create(tmp_path_factory.mktemp("empty") / "workspace").path


@pytest.fixture
def workspace(tmp_path: Path, _empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that `qd` finds by itself."""
    return _at_home(_empty, tmp_path, monkeypatch)


@pytest.fixture
def sample(tmp_path: Path, _filled: Sample, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """A copy of the filled workspace, which `qd` finds by itself."""
    return Sample(_at_home(_filled.path, tmp_path, monkeypatch), _filled.runs)


def _at_home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "workspace"
    shutil.copytree(template, path)
    monkeypatch.setenv("QUARTERDECK_HOME", str(path))
    return path


@pytest.fixture
def qd(capsys: pytest.CaptureFixture[str]) -> Qd:
    """Runs one command line in this process; it must succeed unless another exit code is named."""

    def run(*words: str | Path, code: int = 0) -> Answer:
        capsys.readouterr()
        found = main([str(word) for word in words])
        captured = capsys.readouterr()
        assert found == code, captured.err or captured.out
        return Answer(found, captured.out, captured.err)

    return run
