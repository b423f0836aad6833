"""Importing an MLflow database: everything is here as it was there, once, and told so by digests."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.errors import InvalidInput, NotFound
from engine.exchange.model import ImportReport
from engine.registry.model import Stage
from engine.tracking.model import RunImport, RunQuery, RunStatus
from tests.engine.exchange.mlflow_files import CHILD, MODEL, RUN, MlflowFile, everything, write

Import = Callable[..., ImportReport]


def counts(report: ImportReport) -> dict[str, int]:
    return {each.kind: each.here for each in report.kinds if each.here}


def test_everything_comes_along_and_is_said_to_be_equal(bring: Import, tmp_path: Path) -> None:
    report = bring(everything(tmp_path / "mlflow.db").path)
    assert report.equal
    assert report.skipped == ()
    assert counts(report) == {
        "experiments": 2, "experiment tags": 1, "runs": 3, "params": 1, "tags": 4, "metrics": 5, "latest": 4,
        "inputs": 1, "datasets": 1, "artifacts": 2, "parents": 1, "logged models": 1,
        "logged model params": 1, "logged model tags": 1, "logged model metrics": 1, "logged model runs": 1,
        "logged model files": 1, "models": 1, "model tags": 1, "aliases": 1,
        "versions": 2, "version tags": 1, "version files": 2,
    }  # fmt: skip
    assert [each.kind for each in report.kinds if each.source != each.here or not each.equal] == []


def test_a_run_is_as_it_was(bring: Import, opened: Engine, tmp_path: Path) -> None:
    bring(everything(tmp_path / "mlflow.db").path)
    run = opened.runs.get(RUN)
    assert (run.experiment, run.name, run.user, run.status) == ("sweep", "first", "grace", RunStatus.FINISHED)
    assert (run.start_ms, run.end_ms, run.note, run.children) == (5_000, 9_000, "a note", (CHILD,))
    assert (run.params, run.tags["team"]) == ({"lr": "0.1"}, "risk")
    assert run.metrics["loss"] == 1.0
    assert math.isnan(run.metrics["odd"])
    assert (run.metrics["up"], run.metrics["down"]) == (math.inf, -math.inf)
    assert [(each.name, each.digest, each.rows, each.context) for each in run.inputs] == [("cars", "d1", 3, "training")]
    assert (run.inputs[0].source_type, run.inputs[0].source) == ("local", '{"uri": "x.csv"}')
    assert opened.runs.read_artifact(RUN, "plots/roc.txt") == b"curve"
    child = opened.runs.get(CHILD)
    assert (child.parent_run_id, child.status, child.end_ms) == (RUN, RunStatus.RUNNING, None)


def test_what_was_deleted_is_deleted(bring: Import, opened: Engine, tmp_path: Path) -> None:
    bring(everything(tmp_path / "mlflow.db").path)
    assert opened.experiments.get("old").lifecycle == "deleted"
    assert opened.runs.get("c" * 32).lifecycle == "deleted"
    assert opened.runs.count(RunQuery(lifecycle="active")) == 2


def test_a_logged_model_is_as_it_was(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = everything(tmp_path / "mlflow.db")
    bring(source.path)
    model = opened.logged_models.get(MODEL)
    assert (model.name, model.experiment, model.run_id, model.status.value) == ("trees", "sweep", RUN, "ready")
    assert (model.params, model.tags, model.created_ms) == ({"depth": "3"}, {"kind": "forest"}, 6_000)
    measured = [(each.key, each.value, each.step, each.data_name, each.run_id) for each in model.metrics]
    assert measured == [("auc", 0.75, 1, "cars", RUN)]
    assert [(each.model_id, each.role, each.step) for each in opened.logged_models.of_run(RUN)] == [
        (MODEL, "output", 4)
    ]
    with opened.logged_models.open_artifact(MODEL, "MLmodel") as file:
        assert file.read() == b"flavors: {trees: {}}\n"
    source.run_sql("UPDATE logged_models SET lifecycle_stage = 'deleted', status = 3")
    assert bring(source.path).stored == {"logged models": 1}
    assert opened.logged_models.get(MODEL, include_deleted=True).status.value == "failed"


def test_a_logged_model_that_makes_no_sense_leaves_the_rest_alone(
    bring: Import, opened: Engine, tmp_path: Path
) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run()
    source.logged_model("../../m")
    source.logged_model("m-2", name="a/b")
    source.logged_model("m-3", experiment_id=9)
    source.logged_model("m-4", run_id="f" * 32)
    report = bring(source.path)
    assert report.equal
    assert report.skipped_counts == {"logged model": 3}
    assert (opened.logged_models.get("m-4").run_id, opened.logged_models.get("m-4").metrics) == (None, ())


def test_models_stand_where_they_stood(bring: Import, opened: Engine, tmp_path: Path) -> None:
    bring(everything(tmp_path / "mlflow.db").path)
    model = opened.models.get("churn")
    assert (model.description, model.tags, model.production, model.created_ms) == ("who", {"owner": "ada"}, (2,), 6_000)
    version = opened.models.version("churn", 2)
    assert (version.stage, version.run_id, version.created_by) == (Stage.PRODUCTION, RUN, "grace")
    assert (version.tags, version.aliases, version.metrics["loss"]) == ({"checked": "yes"}, ("champion",), 1.0)
    assert (version.source, version.run_link) == (f"runs:/{RUN}/model", "http://x/1")
    assert [file.path for file in opened.models.files("churn", 2)] == ["MLmodel"]
    assert opened.models.check_files("churn", 2) == ()
    assert opened.models.version("churn", 1).stage is Stage.ARCHIVED
    past = opened.promotions.at("churn", 2**62)
    assert [(each.version, each.stage) for each in past] == [(1, Stage.ARCHIVED), (2, Stage.PRODUCTION)]


def test_a_second_import_stores_nothing(bring: Import, opened: Engine, tmp_path: Path) -> None:
    path = everything(tmp_path / "mlflow.db").path
    first = bring(path)
    size = opened.audit.head().size
    second = bring(path)
    assert second.stored == {}
    assert second.equal
    assert [each.digest for each in second.kinds] == [each.digest for each in first.kinds]
    assert opened.audit.head().size == size


def test_what_is_new_since_is_added(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = everything(tmp_path / "mlflow.db")
    bring(source.path)
    source.log(CHILD, [("loss", 0.5, 1, 6_000), ("loss", 0.4, 2, 6_100)])
    source.run_sql("UPDATE runs SET status = 'FAILED', end_time = 9900, name = 'renamed' WHERE run_uuid = ?", CHILD)
    source.run_sql("UPDATE tags SET value = 'fraud' WHERE key = 'team'")
    source.run_sql("UPDATE model_versions SET current_stage = 'Archived' WHERE version = 2")
    source.version(3, current_stage="Production")
    source.run_sql("UPDATE registered_model_aliases SET version = 3")
    report = bring(source.path)
    assert report.equal
    assert report.stored == {"changed runs": 2, "metrics": 2, "models and versions": 3}
    child = opened.runs.get(CHILD)
    assert (child.status, child.end_ms, child.name, child.metrics) == (
        RunStatus.FAILED,
        9_900,
        "renamed",
        {"loss": 0.4},
    )
    assert opened.runs.get(RUN).tags["team"] == "fraud"
    assert opened.models.get("churn").production == (3,)
    assert opened.models.get("churn").aliases == {"champion": 3}


def test_what_was_added_here_stays_and_is_named_as_a_difference(bring: Import, opened: Engine, tmp_path: Path) -> None:
    path = everything(tmp_path / "mlflow.db").path
    bring(path)
    opened.runs.set_tag(RUN, "mine", "1")
    report = bring(path)
    assert [(each.kind, each.differences) for each in report.kinds if not each.equal] == [
        ("tags", (f"{RUN}: 3 there, 4 here",))
    ]
    assert opened.runs.get(RUN).tags["mine"] == "1"


def test_what_is_left_out_is_counted_and_the_rest_comes(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.experiment("", key=2)
    points = [("m", 1.0, 0, 1), ("m", "abc", 1, 1), ("m", 2.0, None, 1), ("m", 2.0, 2**70 * 1.0, 1)]
    tags = {"nul": "a\0b", "odd\x1b[31m": "\x07"}
    source.run(RUN, params={"long": "x" * 7_000, "ok": "1", "": "2"}, tags=tags, points=points)
    source.run("../../etc", name="away")
    source.run("d" * 32, experiment=9, name="lost")
    source.model("a/b")
    source.model()
    source.version(0)
    source.version(1, current_stage="Sideways")
    source.alias("v7", 1)
    source.alias("next", 5)
    report = bring(source.path)
    assert report.equal
    assert report.skipped_counts == {
        "experiment": 1, "param": 2, "tag": 1, "metric": 3, "run": 2, "model": 1, "version": 1, "alias": 2,
        "stage": 1, "files": 1,
    }  # fmt: skip
    run = opened.runs.get(RUN)
    assert (dict(run.params), dict(run.metrics)) == ({"ok": "1"}, {"m": 1.0})
    assert run.tags == {"odd\x1b[31m": "\x07"}
    assert opened.models.version("churn", 1).stage is Stage.REGISTERED


def test_a_version_without_files_never_passes_for_sound(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run()
    source.model()
    source.version(1, source="s3://bucket/model")
    report = bring(source.path)
    assert [(each.kind, each.key) for each in report.skipped] == [("files", "churn/1")]
    assert opened.models.files("churn", 1) == ()
    assert opened.models.check_files("churn", 1) != ()


def test_files_that_can_be_reached_later_complete_a_version(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "a" / "mlflow.db")
    away = write(tmp_path / "b" / "model" / "MLmodel", "x").parent
    source.experiment()
    source.model()
    source.version(1, source=str(away), run_id=None)
    assert bring(source.path).skipped_counts == {"files": 1}
    report = bring(source.path, tmp_path / "b")
    assert (report.equal, report.skipped) == (True, ())
    assert [file.path for file in opened.models.files("churn", 1)] == ["MLmodel"]
    assert opened.models.check_files("churn", 1) == ()


OLD = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
    lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
"""


def test_an_old_schema_is_read_as_far_as_it_goes(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db", OLD)
    source.experiment()
    source.insert("runs", run_uuid=RUN, name="", status="FINISHED", start_time=1, experiment_id=1, lifecycle_stage=None)
    source.insert("metrics", key="loss", value=0.5, timestamp=7, run_uuid=RUN)
    source.insert("tags", key="mlflow.runName", value="by tag", run_uuid=RUN)
    report = bring(source.path)
    assert (report.equal, report.skipped) == (True, ())
    run = opened.runs.get(RUN)
    assert (run.name, run.user, run.metrics) == ("by tag", "unknown", {"loss": 0.5})


def test_nothing_is_written_to_the_source(bring: Import, tmp_path: Path) -> None:
    path = everything(tmp_path / "source" / "mlflow.db").path
    before = path.read_bytes()
    bring(path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == ["mlartifacts", "mlflow.db"]


def test_a_long_history_comes_in_parts(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run(points=[("loss", float(step), step, step) for step in range(20_001)])
    report = bring(source.path)
    assert report.equal
    assert opened.runs.history(RUN, "loss").total == 20_001


@pytest.mark.parametrize(
    "parents",
    [{RUN: "e" * 32}, {RUN: RUN}, {RUN: CHILD, CHILD: RUN}],
    ids=["not there", "itself", "in a circle"],
)
def test_parents_that_make_no_sense_are_left_out(
    bring: Import, opened: Engine, tmp_path: Path, parents: dict[str, str]
) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    for run_id in (RUN, CHILD):
        source.run(run_id, tags={"mlflow.parentRunId": parents[run_id]} if run_id in parents else {})
    report = bring(source.path)
    assert report.equal
    assert {opened.runs.get(run_id).parent_run_id for run_id in (RUN, CHILD)} == {None}
    assert bring(source.path).stored == {}


def test_a_file_that_is_no_mlflow_database_is_refused_in_one_sentence(bring: Import, tmp_path: Path) -> None:
    torn = everything(tmp_path / "torn.db").path
    torn.write_bytes(torn.read_bytes()[:6_000] + b"\xff" * 60_000)
    write(tmp_path / "text.db", "hello")
    MlflowFile(tmp_path / "other.db", "CREATE TABLE x (y)")
    for name in ("torn.db", "text.db", "other.db"):
        with pytest.raises(InvalidInput) as refused:
            bring(tmp_path / name)
        assert "\n" not in str(refused.value)
    with pytest.raises(NotFound):
        bring(tmp_path / "missing.db")


def test_bytes_that_are_no_text_do_not_end_the_import(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run(RUN, params={"raw": b"\xff\xfe"}, tags={"number": 7})
    source.run_sql("UPDATE runs SET name = CAST(x'ff41' AS TEXT)")
    assert bring(source.path).equal
    run = opened.runs.get(RUN)
    assert (run.name, run.tags["number"]) == ("\ufffdA", "7")


def test_secrets_are_not_stored_and_told_of(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run(params={"api_key": "sk-123", "lr": "0.1"}, tags={"password": "hunter2"})
    report = bring(source.path)
    assert report.equal
    assert [(each.kind, each.key) for each in report.skipped] == [
        ("secret", f"{RUN} api_key"),
        ("secret", f"{RUN} password"),
    ]
    assert "hunter2" not in str(opened.runs.get(RUN))
    assert bring(source.path).stored == {}


def test_a_prompt_is_a_prompt_here_too(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.model("greeting", **{"mlflow.prompt.is_prompt": "true", "team": "chat"})
    for number in (1, 2):
        tags = {"mlflow.prompt.is_prompt": "true", "mlflow.prompt.text": f"Hello {{{{name}}}} {number}", "ok": "yes"}
        source.version(number, "greeting", source="dummy-source", run_id=None, description=f"try {number}", tags=tags)
    source.alias("best", 2, "greeting")
    report = bring(source.path)
    assert (report.equal, report.skipped) == (True, ())
    prompt = opened.prompts.get("greeting")
    assert (prompt.description, prompt.tags, prompt.aliases) == ("who", {"team": "chat"}, {"best": 2})
    kept = opened.prompts.version("greeting", 1)
    assert (prompt.created_ms, prompt.updated_ms) == (6_000, 7_000)
    assert (kept.created_ms, kept.updated_ms) == (6_500, 6_900)
    version = opened.prompts.version("greeting", 2)
    assert (version.template, version.commit_message, version.tags) == ("Hello {{name}} 2", "try 2", {"ok": "yes"})
    assert opened.models.page().items == ()
    assert bring(source.path).stored == {}


def test_a_prompt_whose_name_is_taken_leaves_the_rest_alone(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.model("taken", **{"mlflow.prompt.is_prompt": "true"})
    source.model("fine")
    opened.models.create("taken")
    report = bring(source.path)
    assert report.skipped_counts == {"prompt": 1}
    assert opened.models.get("fine").description == "who"


def test_a_run_that_stands_in_another_experiment_here_is_left_there(
    bring: Import, opened: Engine, tmp_path: Path
) -> None:
    opened.runs.import_runs([RunImport("elsewhere", "first", 5_000, run_id=RUN, end_ms=9_000, user="grace")])
    source = MlflowFile(tmp_path / "mlflow.db")
    source.experiment()
    source.run(RUN)
    for _ in range(2):
        report = bring(source.path)
        assert [(each.kind, len(each.differences)) for each in report.kinds if not each.equal] == [("runs", 1)]
    assert report.stored == {}
    assert opened.runs.get(RUN).experiment == "elsewhere"
