"""The JSON that `engine/cli/README.md` promises is the JSON that comes out: every field, every type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import engine.cli
from engine.api import Engine
from engine.db.workspace import Workspace
from engine.processes.up import UpLock
from engine.processes.up_model import ChildState, ChildStatus, UpStatus
from engine.prompts.model import NewPrompt
from engine.telemetry.model import Label
from engine.telemetry.spool import Spool
from engine.traces.model import TraceReport
from engine.tracking.logged_model_model import NewLoggedModel
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd
from tests.engine.cli.served import register_small, serve_small
from tests.engine.cli.test_alerts import raised
from tests.engine.probing.fake import V2, served
from tests.engine.telemetry.traffic import NOW_S, ORIGIN, prediction, store_all, telemetry_database, window

REFERENCE = Path(engine.cli.__file__).with_name("README.md").read_text(encoding="utf-8")
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _shapes() -> dict[str, dict[str, str]]:
    found = {}
    for section in REFERENCE.split("\n### ")[1:]:
        name, _, body = section.partition("\n")
        found[name] = dict(re.findall(r"^\| `(\w+)` \| ([a-z]+\??) \|", body, re.MULTILINE))
    found["run-detail"] = {**found["run"], **found["run-detail"]}
    found["run-page"] = {**found["run-detail"], **found["run-page"]}
    return found


TRACE = "tr-" + "0b" * 16
SHAPES = _shapes()
PLAIN = {
    "experiment": "experiments show churn",
    "run-detail": "runs tag {run} team=risk",
    "run-page": "runs show {run}",
    "history": "runs metrics {run} loss",
    "comparison": "runs compare {run} {other}",
    "lineage": "runs lineage {run}",
    "lineage-tree": "lineage version/churn/1",
    "model": "models show churn",
    "past": "models show churn --at now",
    "version": "versions show churn/2",
    "files": "versions files churn/1 --check",
    "prompt": "prompts about greeting",
    "prompt-version": "prompts show greeting/1",
    "prompt-diff": "prompts diff greeting 1 2",
    "gate-report": "models check churn 2",
    "plan": "models promote churn 3 --to production --dry-run",
    "promotion": "models promote churn 3 --to staging --reason go",
    "request": "approvals show 1",
    "alert-counts": "alerts counts",
    "silence": "alerts silence --model other --for 1h --reason known",
    "policy": "policy show",
    "policy-check": "policy check",
    "whoami": "policy whoami",
    "audit-record": "audit show 2",
    "trace-detail": "traces show {trace}",
    "endpoint": "endpoints show churn",
    "route-plan": "endpoints kill churn --dry-run",
    "undo-plan": "undo --dry-run",
    "undone": "undo --yes",
    "audit-head": "audit head",
    "verification": "audit verify",
    "inclusion": "audit inclusion 1",
    "backup": "db backup {tmp}/copy",
    "db-check": "db check",
    "statistics": "db stats",
    "telemetry-stats": "telemetry stats",
    "label-report": "labels add r-1 gold",
    "prediction": "telemetry show r-1",
    "export-report": "export mlflow {tmp}/out",
    "workspace": "init {tmp}/new",
}
IN_LISTS = {
    "experiment": "experiments list",
    "run": "runs list",
    "artifact": "runs artifacts list {run}",
    "point": "runs metrics {run} loss --raw --limit 1",
    "model": "models list",
    "version": "versions list",
    "prompt": "prompts list",
    "prompt-version": "prompts versions",
    "promotion": "models history",
    "request": "approvals list --state all",
    "token": "tokens list",
    "job": "jobs list",
    "webhook": "webhooks list",
    "alert": "alerts list",
    "alert-change": "alerts changes 1",
    "trace": "traces list",
    "audit-record": "audit list",
    "prediction": "telemetry predictions asked",
    "traffic": "telemetry traffic asked --seconds 3600",
    "label": "labels show r-0",
    "endpoint": "endpoints list",
    "generation": "endpoints history churn",
}

BY_THEMSELVES = {
    "baseline",
    "build",
    "consistency",
    "external-endpoint",
    "import-report",
    "latency-report",
    "drift-feature",
    "drift-profile",
    "drift-report",
    "logged-model",
    "onnx-export",
    "parity",
    "plane",
    "probe",
    "rollout",
    "scoring",
    "up-status",
    "verdict",
}


@pytest.fixture
def lively(sample: Sample, qd: Qd) -> Sample:
    """The sample with a version in Production and a request that waits."""
    qd("models", "promote", "churn", "1", "--to", "production", "--reason", "go")
    (sample.path / "quarterdeck.toml").write_text(
        '[models.churn.production]\napprovals = 1\ngates = [{gate="metric", metric="auc", min=0.5}]\n'
    )
    qd("approvals", "request", "churn", "2", "--to", "production", "--reason", "better")
    qd("endpoints", "create", "churn", "churn")
    qd("endpoints", "kill", "churn", "--reason", "not yet", "--yes")
    qd("tokens", "create", "ci", "--expires", "90d")
    qd("jobs", "start", "--title", "look", "--", "info")
    qd("webhooks", "create", "ci", "https://example.com/", "--event", "model_version.created")
    raised(sample.path)
    with engine.open(sample.path) as opened:
        for template in ("Hello {{name}}", "Good day {{name}}"):
            opened.prompts.register("greeting", NewPrompt(template, tags={"team": "help"}))
        run = opened.runs.get(sample.runs[0])
        opened.logged_models.create(NewLoggedModel(run.experiment_id, "trees", run.run_id))
        _ask(opened)
        opened.traces.report(TraceReport(TRACE, opened.experiments.get("churn").id, 1_760_000_000_000))
    return sample


def _ask(opened: Engine) -> None:
    """An endpoint that was asked, and told later what was true."""
    endpoint = opened.endpoints.create("asked", "churn")
    origin = ORIGIN._replace(endpoint=endpoint.row_id)
    spool = Spool(opened.workspace.spool, "plane")
    for number in range(2):
        spool.put_prediction(prediction(number, origin))
    spool.put_window(window(NOW_S - 1, origin=origin))
    spool.close()
    database = telemetry_database(opened.workspace.telemetry_db)
    store_all(database, opened.workspace.spool)
    database.close()
    opened.telemetry.label([Label("r-0", "gold")])


def _words(line: str, sample: Sample, tmp_path: Path) -> list[str]:
    return [word.format(run=sample.runs[0], other=sample.runs[1], trace=TRACE, tmp=tmp_path) for word in line.split()]


def _conforms(document: dict[str, Any], shape: dict[str, str]) -> None:
    assert set(document) == set(shape)
    for name, kind in shape.items():
        value = document[name]
        if kind.endswith("?") and value is None:
            continue
        assert isinstance(value, TYPES[kind.rstrip("?")]), f"{name} is {value!r}, not {kind}"
        assert kind == "boolean" or not isinstance(value, bool), name


def test_every_shape_is_proven() -> None:
    assert set(SHAPES) == set(PLAIN) | set(IN_LISTS) | BY_THEMSELVES


@pytest.mark.parametrize("shape", PLAIN)
def test_one_thing_has_the_promised_fields(qd: Qd, lively: Sample, tmp_path: Path, shape: str) -> None:
    code = 4 if shape == "plan" else 0
    _conforms(qd(*_words(PLAIN[shape], lively, tmp_path), "--json", code=code).json, SHAPES[shape])


@pytest.mark.parametrize("shape", IN_LISTS)
def test_listed_things_have_the_promised_fields(qd: Qd, lively: Sample, tmp_path: Path, shape: str) -> None:
    items = qd(*_words(IN_LISTS[shape], lively, tmp_path), "--json").json["items"]
    assert items
    for item in items:
        _conforms(item, SHAPES[shape])


def test_a_consistency_proof_has_the_promised_fields(qd: Qd, lively: Sample) -> None:
    head = qd("audit", "head").out.strip()
    _conforms(qd("audit", "consistency", "--head", head, "--json").json, SHAPES["consistency"])


def test_builds_and_exports_have_the_promised_fields(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    register_small(sample.path)
    build = qd("models", "build", "small", "1", "--json").json
    _conforms(build, SHAPES["build"])
    export = qd("models", "export", "small/1", "--onnx", tmp_path / "x.onnx", "--json").json
    _conforms(export, SHAPES["onnx-export"])
    for parity in (*build["parity"], export["parity"]):
        _conforms(parity, SHAPES["parity"])
    bench = qd("models", "bench", "small", "1", "--duration", "100ms", "--json").json
    _conforms(bench, SHAPES["latency-report"])


def test_rollouts_and_scorings_have_the_promised_fields(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    serve_small(sample.path)
    plan = ("--plan", "shadow 1m -> 10% 10m -> 100%")
    begun = qd("endpoints", "promote", "small", "2", *plan, "--reason", "better", "--json").json
    assert begun["plan"] == ["shadow 1m", "10% 10m", "100%"]
    _conforms(begun, SHAPES["rollout"])
    for verb, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        told = qd("endpoints", verb, "small", "--reason", "so", "--json").json
        _conforms(told, SHAPES["rollout"])
        assert told["state"] == state
    (listed,) = qd("endpoints", "rollouts", "small", "--json").json["items"]
    _conforms(listed, SHAPES["rollout"])
    (verdict,) = qd("endpoints", "verdicts", listed["id"], "--json").json
    _conforms(verdict, SHAPES["verdict"])
    assert verdict["sentence"].endswith(": so")
    (tmp_path / "rows.csv").write_text("x0\n0.5\n")
    _conforms(
        qd("predict", "small/1", tmp_path / "rows.csv", "--out", tmp_path / "o", "--json").json, SHAPES["scoring"]
    )


def test_an_import_has_the_promised_fields(qd: Qd, lively: Sample, tmp_path: Path) -> None:
    qd("export", "mlflow", tmp_path / "out")
    _conforms(qd("import", "mlflow", tmp_path / "out" / "mlflow.db", "--json", code=1).json, SHAPES["import-report"])


def test_endpoints_of_others_have_the_promised_fields(qd: Qd, workspace: Path) -> None:
    with served(V2) as fake:
        made = qd("endpoints", "register", "theirs", "--url", fake.url, "--model", "churn", "--json").json
        _conforms(qd("endpoints", "probe", "theirs", "--json").json, SHAPES["probe"])
    _conforms(made, SHAPES["external-endpoint"])
    (listed,) = qd("endpoints", "list", "--json").json["items"]
    _conforms(listed, SHAPES["external-endpoint"])
    assert qd("endpoints", "show", "theirs", "--json").json == listed
    _conforms(listed["last"], SHAPES["probe"])
    (probe,) = qd("endpoints", "probes", "theirs", "--json").json["items"]
    assert probe == listed["last"]
    (hour,) = qd("endpoints", "probes", "theirs", "--hours", "--json").json["items"]
    assert set(hour) == {"start_ms", "probes", "failures", "mean_latency_us", "max_latency_us"}


def test_what_is_looked_after_has_the_promised_fields(qd: Qd, workspace: Path) -> None:
    children = (ChildStatus("serve", ChildState.FAILING, "failing 5 times in a row: exit code 3", failures=5),)
    with UpLock(Workspace(workspace)).take() as lock:
        lock.tell(UpStatus(1, "ada", 2, "0.1", children))
        status = qd("up", "status", "--json").json
    assert {key: value for key, value in status.items() if key != "children"} == {
        "pid": 1,
        "user": "ada",
        "started_ms": 2,
        "version": "0.1",
    }
    _conforms(status["children"][0], SHAPES["up-status"])


def test_nested_shapes_are_the_same_shapes(qd: Qd, lively: Sample) -> None:
    plan = qd("models", "promote", "churn", "2", "--to", "production", "--dry-run", "--json", code=4).json
    _conforms(plan["version"], SHAPES["version"])
    _conforms(plan["report"], SHAPES["gate-report"])
    _conforms(plan["request"], SHAPES["request"])
    _conforms(plan["replaces"][0], SHAPES["version"])
    _conforms(qd("runs", "compare", *lively.runs, "--json").json["runs"][0], SHAPES["run"])
    run = qd("runs", "show", lively.runs[0], "--json").json
    _conforms(run["artifacts"][0], SHAPES["artifact"])
    _conforms(run["logged_models"][0], SHAPES["logged-model"])
