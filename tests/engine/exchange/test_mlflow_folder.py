"""Importing an `mlruns` folder, also one that was made to do harm."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.errors import InvalidInput
from engine.exchange.model import ImportReport
from engine.registry.model import Stage
from engine.tracking.model import RunStatus
from tests.engine.exchange.mlflow_files import CHILD, RUN, folder_run, write

Import = Callable[..., ImportReport]


def left_out(report: ImportReport) -> set[tuple[str, str]]:
    return {(each.kind, each.key) for each in report.skipped}


def test_a_run_is_as_it_was(bring: Import, opened: Engine, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    folder = folder_run(root, status=4)
    write(root / "7" / "tags" / "team", "risk")
    write(folder / "params" / "model" / "depth", "7")
    write(folder / "tags" / "mlflow.note.content", "two\nlines")
    write(folder / "metrics" / "train" / "loss", "5100 2.0 0\n5200 1.0 1\n5200 1.0 1\n")
    write(folder / "metrics" / "odd", "5100 nan 0\n5200 inf 1\n5300 -inf 2\n5400 0.5\n")
    write(folder / "artifacts" / "a" / "b.txt", "bytes")
    write(
        root / "7" / "datasets" / "d1" / "meta.yaml",
        "name: cars\ndigest: x1\nschema: '{}'\nprofile: '{\"num_rows\": 4}'",
    )
    write(folder / "inputs" / "i1" / "meta.yaml", "source_id: d1\ntags: {mlflow.data.context: training}\n")
    folder_run(root, CHILD, lifecycle_stage="deleted", deleted_time=9_000)
    write(root / ".trash" / "8" / "meta.yaml", "name: old\nlifecycle_stage: deleted\nlast_update_time: 3\n")
    report = bring(root)
    assert (report.equal, report.skipped) == (True, ())
    run = opened.runs.get(RUN)
    assert (run.status, run.params, run.note) == (RunStatus.FAILED, {"model/depth": "7"}, "two\nlines")
    assert (run.metrics["train/loss"], run.metrics["odd"]) == (1.0, -math.inf)
    assert opened.runs.history(RUN, "odd").total == 4
    assert [(each.name, each.rows, each.context) for each in run.inputs] == [("cars", 4, "training")]
    assert opened.runs.read_artifact(RUN, "a/b.txt") == b"bytes"
    assert opened.runs.get(CHILD).lifecycle == "deleted"
    assert opened.experiments.get("old").lifecycle == "deleted"
    assert opened.experiments.get("sweep").tags == {"team": "risk"}
    assert bring(root).stored == {}


def test_models_stand_where_they_stood(bring: Import, opened: Engine, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    folder = folder_run(root)
    write(folder / "artifacts" / "model" / "MLmodel", "flavors: {}")
    model = root / "models" / "churn"
    write(model / "meta.yaml", "name: churn\ncreation_timestamp: 6\nlast_updated_timestamp: 7\ndescription: who\n")
    write(model / "tags" / "owner", "ada")
    write(model / "aliases" / "champion", "1")
    version = f"name: churn\nversion: 1\ncurrent_stage: Staging\nrun_id: {RUN}\nsource: runs:/{RUN}/model\n"
    write(model / "version-1" / "meta.yaml", version)
    write(model / "version-1" / "tags" / "ok", "yes")
    assert bring(root).equal
    found = opened.models.version("churn", 1)
    assert (found.stage, found.tags, found.aliases) == (Stage.STAGING, {"ok": "yes"}, ("champion",))
    assert [file.path for file in opened.models.files("churn", 1)] == ["MLmodel"]


def test_the_folder_above_will_do(bring: Import, opened: Engine, tmp_path: Path) -> None:
    folder_run(tmp_path / "project" / "mlruns")
    assert bring(tmp_path / "project").equal
    assert opened.runs.count() == 1


def test_half_written_files_leave_the_rest_alone(bring: Import, opened: Engine, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    folder_run(root)
    half = folder_run(root, CHILD)
    write(half / "meta.yaml", "run_id: 'never clo")
    write(folder_run(root, "c" * 32) / "meta.yaml", "[1, 2")
    write(folder_run(root, "d" * 32) / "meta.yaml", "just text")
    write(folder_run(root, "e" * 32) / "meta.yaml", f"run_id: {'f' * 32}\nstatus: 3\n")
    write(folder_run(root, "1" * 32) / "metrics" / "m", "1 2.0 3\n1 tw")
    report = bring(root)
    assert report.equal
    assert left_out(report) == {
        ("run", f"7/{CHILD}"), ("run", f"7/{'c' * 32}"), ("run", f"7/{'d' * 32}"), ("run", "e" * 32),
        ("metric", f"{'1' * 32} m line 2"),
    }  # fmt: skip
    assert opened.runs.count() == 2


def test_links_that_lead_out_are_not_followed(bring: Import, opened: Engine, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret" / "key", "TOP SECRET")
    root = tmp_path / "mlruns"
    folder = folder_run(root)
    write(folder / "artifacts" / "fine.txt", "fine")
    (folder / "artifacts" / "stolen").symlink_to(secret)
    (folder / "artifacts" / "folder").symlink_to(secret.parent)
    (folder / "tags").symlink_to(secret.parent)
    (folder / "params").mkdir()
    (folder / "params" / "stolen").symlink_to(secret)
    (root / "9").symlink_to(secret.parent)
    folder_run(root, CHILD, artifact_uri=secret.parent.as_uri())
    folder_run(root, "c" * 32, artifact_uri=f"file://{root}/7/../../secret")
    report = bring(root)
    assert report.equal
    assert [file.path for file in opened.runs.get(RUN).artifacts] == ["fine.txt"]
    for run_id in (RUN, CHILD, "c" * 32):
        run = opened.runs.get(run_id)
        assert "SECRET" not in f"{run.params} {run.tags}"
    assert {key for kind, key in left_out(report) if kind == "artifacts"} == {CHILD, "c" * 32}


def test_names_of_files_that_cannot_be_kept_are_left_out(bring: Import, opened: Engine, tmp_path: Path) -> None:
    root = tmp_path / "mlruns"
    folder = folder_run(root)
    write(folder / "artifacts" / "a\nb", "x")
    write(folder / "artifacts" / "back\\slash", "x")
    write(folder / "artifacts" / "ok", "x")
    report = bring(root)
    assert [file.path for file in opened.runs.get(RUN).artifacts] == ["ok"]
    assert report.skipped_counts == {"artifact": 2}
    assert report.equal


@pytest.mark.parametrize(
    "yaml",
    [
        "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nname: *b\n",
        "name: !!python/object/apply:os.system ['false']\n",
        "name: " + "[" * 2_000,
        "name: \x00\n",
        "name: " + "9" * 400 + "\ncreation_time: " + "9" * 400 + "\n",
    ],
    ids=["anchors", "code", "deep", "nul", "digits"],
)
def test_yaml_made_to_do_harm_does_none(bring: Import, opened: Engine, tmp_path: Path, yaml: str) -> None:
    root = tmp_path / "mlruns"
    folder_run(root)
    write(root / "666" / "meta.yaml", yaml)
    report = bring(root)
    assert report.equal
    assert opened.runs.count() == 1


def test_a_folder_without_experiments_is_refused(bring: Import, tmp_path: Path) -> None:
    write(tmp_path / "mlruns" / "readme.txt", "nothing")
    with pytest.raises(InvalidInput, match="holds no experiment"):
        bring(tmp_path / "mlruns")
