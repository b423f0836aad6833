"""`qd models build`, `export` and `allow-pickle`."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier

import engine
from tests.engine.cli.driver import Qd

ROWS = np.random.default_rng(0).normal(size=(80, 2))
MODEL = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(ROWS, ROWS[:, 0] > 0)


@pytest.fixture
def versions(workspace: Path) -> Path:
    """A workspace with churn/1 as skops and churn/2 pickled."""
    with engine.open(workspace) as opened:
        for name, data in (("model.skops", skops.io.dumps(MODEL)), ("model.pkl", pickle.dumps(MODEL))):
            with opened.runs.start("churn", "run", capture=False) as run:
                run.log_bytes(data, f"model/{name}")
            opened.models.register("churn", run_id=run.id, artifact_path="model")
    return workspace


def test_build_shows_every_runtime_that_was_tried(versions: Path, qd: Qd) -> None:
    human = qd("models", "build", "churn", "1").out
    assert "churn/1 answers by onnx-twin: 2 inputs" in human
    assert "is no linear model" in human
    document = qd("models", "build", "churn", "1", "--json").json
    assert (document["model"], document["version"], document["kind"]) == ("churn", 1, "onnx-twin")
    assert [report["accepted"] for report in document["parity"]] == [False, True]
    assert {check["rows_from"] for check in document["parity"][1]["checks"]} == {"thresholds", "random"}
    assert qd("models", "build", "churn", "1", "--csv").rows[0][0] == "runtime"


def test_a_pickle_is_refused_until_somebody_answers_for_it(versions: Path, qd: Qd) -> None:
    refused = qd("models", "build", "churn", "2", code=1)
    assert "allow-pickle" in refused.err
    qd("models", "allow-pickle", "churn", "2", code=2)
    qd("models", "allow-pickle", "churn", "2", "--reason", "made by us")
    qd("models", "forbid-pickle", "churn", "2", code=2)
    assert "not loaded any more" in qd("models", "forbid-pickle", "churn", "2", "--reason", "not sure").err
    assert "allow-pickle" in qd("models", "build", "churn", "2", code=1).err
    qd("models", "allow-pickle", "churn", "2", "--reason", "sure again")
    assert qd("models", "build", "churn", "2", "--json").json["kind"] == "isolated"


def test_export_writes_the_model_and_its_parity_report(versions: Path, qd: Qd, tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    document = qd("models", "export", "churn/1", "--onnx", path, "--json").json
    assert document["size_bytes"] == path.stat().st_size
    report = json.loads((tmp_path / "out.onnx.parity.json").read_text())
    assert report["parity"]["accepted"]
    assert (report["model"], report["version"], report["digest"]) == ("churn", 1, document["digest"])
    assert "already" in qd("models", "export", "churn/1", "--onnx", path, code=1).err
    qd("models", "export", "churn/1", "--onnx", path, "--force")
    assert not list(tmp_path.glob("*.part"))


def test_export_of_what_has_no_onnx_form_writes_nothing(versions: Path, qd: Qd, tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    assert "no ONNX form" in qd("models", "export", "churn/2", "--onnx", path, code=1).err
    assert not path.exists()
    unwritable = tmp_path / "missing" / "out.onnx"
    assert "cannot be written" in qd("models", "export", "churn/1", "--onnx", unwritable, code=2).err
