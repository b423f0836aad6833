"""An import that is killed goes on where it was: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import engine
from engine.tracking.model import RunQuery
from tests.builders import empty_workspace
from tests.engine.exchange.mlflow_files import MlflowFile, write

RUNS = 120
KILLS = 4


@pytest.fixture
def source(tmp_path: Path) -> MlflowFile:
    made = MlflowFile(tmp_path / "source" / "mlflow.db")
    made.experiment()
    for number in range(RUNS):
        points = [(f"m{key}", float(step * key), step, step) for key in range(3) for step in range(100)]
        root = made.run(f"{number:032x}", points=points, params={"n": str(number)}, tags={"t": "1"})
        if number % 10 == 0:
            write(root / "model" / "weights.txt", f"weights {number}")
    made.model()
    for number in range(1, 6):
        made.version(number, run_id=f"{(number - 1) * 10:032x}", source=f"runs:/{(number - 1) * 10:032x}/model")
    made.alias("champion", 5)
    return made


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(source: MlflowFile, tmp_path: Path) -> None:
    path = empty_workspace(tmp_path / "workspace").path
    words = [sys.executable, "-m", "console", "--workspace", str(path), "import", "mlflow", str(source.path), "--json"]
    pick = random.Random(7)
    for _ in range(KILLS):
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=pick.uniform(0.2, 1.5))
            process.kill()
    last = subprocess.run(words, capture_output=True, check=False, timeout=120)
    report = json.loads(last.stdout)
    assert report["equal"], last.stderr
    again = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout)
    assert again["stored"] == {}
    with engine.open(path) as opened:
        assert opened.runs.count(RunQuery(lifecycle="all")) == RUNS
        assert sum(opened.runs.history(f"{number:032x}", "m1").total for number in range(RUNS)) == RUNS * 100
        assert opened.models.get("churn").versions == 5
        assert [finding for finding in opened.maintenance.check(deep=True) if not finding.ok] == []


def test_interrupted_by_hand_it_ends_with_130_and_goes_on(source: MlflowFile, tmp_path: Path) -> None:
    path = empty_workspace(tmp_path / "workspace").path
    words = [sys.executable, "-m", "console", "--workspace", str(path), "import", "mlflow", str(source.path)]
    with subprocess.Popen([*words, "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        assert any(line.startswith("Mirroring") for line in said)
        source.run("f" * 32)
        assert any("1 runs" in line for line in said)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait(timeout=30) == 130
    with engine.open(path) as opened:
        assert opened.runs.get("f" * 32).name == "first"
