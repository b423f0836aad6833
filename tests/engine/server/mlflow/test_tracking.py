"""Tracking over the MLflow wire, as raw HTTP: what is kept where, what is told, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from engine.server.mlflow.shapes import LARGEST
from engine.tracking.model import RunStart
from tests.engine.server.wire import Answer, Wire

BAD, NONE = (400, "INVALID_PARAMETER_VALUE"), (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.fixture
def run(wire: Wire) -> str:
    return new_run(wire)


def new_run(wire: Wire, **given: object) -> str:
    made: str = told(wire.mlflow("POST", "runs/create", {"experiment_id": "0", **given}))["run"]["info"]["run_id"]
    return made


def told(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return answer.json


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error_code"]


def read(wire: Wire, run: str) -> Any:
    return told(wire.mlflow("GET", "runs/get", query={"run_id": run}))["run"]


def tags(wire: Wire, run: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in read(wire, run)["data"]["tags"]}


def post(wire: Wire, path: str, run: str, **given: object) -> Answer:
    return wire.mlflow("POST", f"runs/{path}", {"run_id": run, **given})


# --- a run's own fields, which MLflow keeps in tags


def test_name_note_and_parent_are_kept_as_ours(wire: Wire, run: str) -> None:
    own = {"mlflow.runName": "named", "mlflow.note.content": "why", "mlflow.parentRunId": run, "mlflow.user": "grace"}
    child = new_run(wire, user_id="grace", tags=[{"key": key, "value": value} for key, value in own.items()])
    found = wire.engine.runs.get(child)
    assert (found.name, found.note, found.parent_run_id, found.user) == ("named", "why", run, "grace")
    assert dict(found.tags) == {"mlflow.user": "grace"}
    assert tags(wire, child) == own
    assert wire.engine.runs.get(run).children == (child,)


def test_what_people_change_here_is_told_there(wire: Wire, run: str) -> None:
    wire.engine.runs.rename(run, "by hand")
    wire.engine.runs.set_note(run, "noted by hand")
    assert tags(wire, run) == {"mlflow.runName": "by hand", "mlflow.note.content": "noted by hand"}
    assert read(wire, run)["info"]["run_name"] == "by hand"


def test_setting_those_tags_changes_the_fields(wire: Wire, run: str) -> None:
    parent = new_run(wire)
    told(post(wire, "set-tag", run, key="mlflow.runName", value="tagged"))
    batch = [{"key": "mlflow.note.content", "value": "n"}, {"key": "mlflow.parentRunId", "value": parent}]
    told(post(wire, "log-batch", run, tags=[*batch, {"key": "plain", "value": "1"}]))
    found = wire.engine.runs.get(run)
    assert (found.name, found.note, found.parent_run_id, dict(found.tags)) == ("tagged", "n", parent, {"plain": "1"})


def test_deleting_those_tags_empties_the_fields(wire: Wire, run: str) -> None:
    told(post(wire, "set-tag", run, key="mlflow.note.content", value="n"))
    told(post(wire, "set-tag", run, key="mlflow.parentRunId", value=new_run(wire)))
    for key in ("mlflow.note.content", "mlflow.parentRunId"):
        told(post(wire, "delete-tag", run, key=key))
        assert refusal(post(wire, "delete-tag", run, key=key)) == NONE
    found = wire.engine.runs.get(run)
    assert (found.note, found.parent_run_id) == ("", None)


@pytest.mark.parametrize("parent", ["f" * 32, "no such run", "self"])
def test_a_parent_that_is_not_here_stays_a_tag(wire: Wire, run: str, parent: str) -> None:
    parent = run if parent == "self" else parent
    told(post(wire, "set-tag", run, key="mlflow.parentRunId", value=parent))
    assert tags(wire, run)["mlflow.parentRunId"] == parent
    assert wire.engine.runs.get(run).parent_run_id is None
    body = {"experiment_ids": ["0"], "filter": f"tags.mlflow.parentRunId = '{parent}'"}
    assert len(told(wire.mlflow("POST", "runs/search", body))["runs"]) == 1


def test_a_run_started_here_is_found_by_its_parent_there(wire: Wire) -> None:
    parent = wire.engine.runs.create(RunStart("e")).run.run_id
    child = wire.engine.runs.create(RunStart("e", parent_run_id=parent)).run
    body = {"experiment_ids": [str(child.experiment_id)], "filter": f"tags.`mlflow.parentRunId` = '{parent}'"}
    [found] = told(wire.mlflow("POST", "runs/search", body))["runs"]
    assert found["info"]["run_id"] == child.run_id
    assert {"key": "mlflow.parentRunId", "value": parent} in found["data"]["tags"]


def test_the_source_tags_tell_the_environment(wire: Wire) -> None:
    source = {
        "mlflow.source.name": "train.py",
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.source.git.dirty": "True",
        "mlflow.source.type": "LOCAL",
    }
    run = new_run(wire, tags=[{"key": key, "value": value} for key, value in source.items()])
    found = wire.engine.runs.get(run).environment
    assert found is not None
    assert (found.git_commit, found.git_dirty, found.command_line) == ("c0ffee", True, "train.py")
    assert source.items() <= tags(wire, run).items()


def test_a_run_without_a_name_gets_a_speaking_one(wire: Wire, run: str) -> None:
    adjective, noun, number = read(wire, run)["info"]["run_name"].split("-")
    assert adjective.isalpha()
    assert noun.isalpha()
    assert number.isdigit()


# --- metrics


@pytest.mark.parametrize(
    ("value", "kept", "shown"),
    [
        ("NaN", "nan", "NaN"),
        ("Infinity", "inf", LARGEST),
        ("-Infinity", "-inf", -LARGEST),
        ("1.5", "1.5", 1.5),
        (5e-324, "5e-324", 5e-324),
        (2**60, "1.152921504606847e+18", 2.0**60),
    ],
)
def test_infinities_are_kept_and_told_as_the_largest_numbers(
    wire: Wire, run: str, value: object, kept: str, shown: object
) -> None:
    told(post(wire, "log-metric", run, key="m", value=value, timestamp=1, step=2))
    assert repr(wire.engine.runs.get(run).metrics["m"]) == kept
    point = {"key": "m", "value": shown, "timestamp": 1, "step": 2}
    assert read(wire, run)["data"]["metrics"] == [point]
    query = {"run_id": run, "metric_key": "m"}
    assert told(wire.mlflow("GET", "metrics/get-history", query=query))["metrics"] == [point]


def test_a_batch_sent_again_is_stored_once(wire: Wire, run: str) -> None:
    batch = {
        "metrics": [{"key": "m", "value": step, "timestamp": step, "step": step} for step in (1, 2, 2)],
        "params": [{"key": "p", "value": "x" * 7000}],
        "tags": [{"key": "t", "value": "y" * 9000}],
    }
    told(post(wire, "log-batch", run, **batch))
    before = read(wire, run)
    told(post(wire, "log-batch", run, **batch))
    assert read(wire, run) == before
    assert len(wire.engine.runs.series(run, "m").items) == 2
    assert wire.engine.runs.get(run).params == {"p": "x" * 6000}
    assert len(wire.engine.runs.get(run).tags["t"]) == 8000


POINT = {"key": "m", "value": 1.0, "timestamp": 1, "step": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "abc"},
        {"value": [1]},
        {"value": True},
        {"value": None},
        {"value": {}},
        {"timestamp": True},
        {"timestamp": 1.5},
        {"timestamp": -1},
        {"timestamp": 2**63},
        {"step": 2**63},
        {"step": -(2**63) - 1},
        {"step": "x"},
        {"key": ""},
        {"key": "a//b"},
        {"key": "../a"},
        {"key": "a\0b"},
        {"key": "a\nb"},
        {"key": "x" * 251},
        {"key": None},
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_a_point_that_is_none_is_refused_and_nothing_is_stored(
    wire: Wire, run: str, wrong: dict[str, object], batch: bool
) -> None:
    point = {**POINT, **wrong}
    given: dict[str, object] = {"metrics": [POINT, point]} if batch else point
    assert refusal(post(wire, "log-batch" if batch else "log-metric", run, **given)) == BAD
    assert wire.engine.runs.record(run).latest == ()


def test_histories_of_unknown_runs_are_not_empty_but_missing(wire: Wire) -> None:
    query = {"run_id": "f" * 32, "metric_key": "m"}
    assert refusal(wire.mlflow("GET", "metrics/get-history", query=query)) == NONE
    interval = {"run_ids": ["f" * 32], "metric_key": "m"}
    assert refusal(wire.mlflow("GET", "metrics/get-history-bulk-interval", query=interval)) == NONE


# --- data and models


def test_what_a_run_read_and_made_comes_back(wire: Wire, run: str) -> None:
    dataset = {
        "name": "wine",
        "digest": "d1",
        "source_type": "local",
        "source": '{"uri": "x"}',
        "schema": "{}",
        "profile": '{"rows": 3}',
    }
    context = [{"key": "mlflow.data.context", "value": "train"}]
    body = {"datasets": [{"dataset": dataset, "tags": context}, {"dataset": {"name": "b", "digest": "d2"}}]}
    for _ in range(2):
        told(post(wire, "log-inputs", run, **body, models=[{"model_id": "m-in"}]))
        told(post(wire, "outputs", run, models=[{"model_id": "m-out", "step": 4}]))
    found = read(wire, run)
    assert found["inputs"] == {
        "dataset_inputs": [
            {"dataset": dataset, "tags": context},
            {"dataset": {"name": "b", "digest": "d2", "source_type": "", "source": ""}},
        ],
        "model_inputs": [{"model_id": "m-in"}],
    }
    assert found["outputs"] == {"model_outputs": [{"model_id": "m-out", "step": 4}]}
    assert wire.engine.runs.get(run).inputs[0].context == "train"
    [searched] = told(wire.mlflow("POST", "runs/search", {"experiment_ids": ["0"]}))["runs"]
    assert searched == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"datasets": [{"dataset": {"name": "wine"}}]},
        {"datasets": [{"dataset": {"name": "", "digest": "d"}}]},
        {"datasets": [{}]},
        {"datasets": [5]},
        {"datasets": "x"},
        {"datasets": [{"dataset": {"name": "w", "digest": "d" * 37}}]},
        {"datasets": [{"dataset": {"name": "w" * 501, "digest": "d"}}]},
        {"datasets": [{"dataset": {"name": "w", "digest": "d", "source": "x" * 70_000}}]},
        {"datasets": [{"dataset": {"name": "w", "digest": "d"}}] * 1001},
        {"models": [{}]},
        {"models": [{"model_id": ""}]},
    ],
)
def test_data_that_cannot_be_kept_is_refused(wire: Wire, run: str, wrong: dict[str, object]) -> None:
    assert refusal(post(wire, "log-inputs", run, **wrong)) == BAD
    assert read(wire, run)["inputs"] == {}


OLD_MODEL: dict[str, object] = {
    "run_id": "any",
    "artifact_path": "model",
    "flavors": {},
    "utc_time_created": "2024-01-01 00:00:00",
}


def test_models_of_older_clients_are_a_list_in_a_tag(wire: Wire, run: str) -> None:
    for number in range(3):
        told(post(wire, "log-model", run, model_json=json.dumps({**OLD_MODEL, "artifact_path": str(number)})))
    assert [each["artifact_path"] for each in json.loads(tags(wire, run)["mlflow.log-model.history"])] == [
        "0",
        "1",
        "2",
    ]
    for _ in range(20):  # the oldest make room
        told(post(wire, "log-model", run, model_json=json.dumps({**OLD_MODEL, "artifact_path": "x" * 900})))
    assert len(tags(wire, run)["mlflow.log-model.history"]) <= 8000
    for wrong in ("", "x", "[]", "5", "{}", "[" * 10_000):
        assert refusal(post(wire, "log-model", run, model_json=wrong)) == BAD


# --- experiments and runs


def test_experiments_keep_their_files_here(wire: Wire) -> None:
    for place in ("s3://bucket/x", "file:///etc", "/tmp/x", "http://127.0.0.1/"):  # noqa: S108 never opened
        body = {"name": f"at {place}", "artifact_location": place}
        assert refusal(wire.mlflow("POST", "experiments/create", body)) == BAD
    for own in (None, "", "mlflow-artifacts:/7"):
        asked = {"name": f"at {own}", "artifact_location": own}
        made = told(wire.mlflow("POST", "experiments/create", asked))["experiment_id"]
        found = told(wire.mlflow("GET", "experiments/get", query={"experiment_id": made}))["experiment"]
        assert found["artifact_location"] == f"mlflow-artifacts:/{made}"


@pytest.mark.parametrize("experiment", ["abc", "-1", "1.0", "", "9" * 30, "٣", "0x1", " 1"])
def test_ids_that_no_experiment_has(wire: Wire, experiment: str) -> None:
    expected = (NONE,) if experiment.isascii() and experiment.isdigit() else (BAD,)
    answers = [
        wire.mlflow("GET", "experiments/get", query={"experiment_id": experiment}),
        wire.mlflow("POST", "experiments/delete", {"experiment_id": experiment}),
        wire.mlflow("POST", "experiments/set-experiment-tag", {"experiment_id": experiment, "key": "k", "value": "v"}),
        wire.mlflow("POST", "runs/create", {"experiment_id": experiment}),
    ]
    assert {refusal(answer) for answer in answers} == set(expected)


@pytest.mark.parametrize("end", [4, 16, 31])
def test_a_beginning_of_an_id_is_no_id(wire: Wire, run: str, end: int) -> None:
    part = run[:end]
    answers = [
        wire.mlflow("GET", "runs/get", query={"run_id": part}),
        post(wire, "log-metric", part, **POINT),
        post(wire, "set-tag", part, key="k", value="v"),
        post(wire, "delete-tag", part, key="k"),
        post(wire, "update", part, status="FINISHED"),
        post(wire, "delete", part),
        post(wire, "restore", part),
        post(wire, "log-inputs", part, datasets=[]),
        post(wire, "outputs", part, models=[]),
        post(wire, "log-model", part, model_json=json.dumps(OLD_MODEL)),
    ]
    assert {refusal(answer) for answer in answers} == {NONE}
    assert read(wire, run)["info"]["lifecycle_stage"] == "active"


@pytest.mark.parametrize(
    ("given", "status"), [("FINISHED", "FINISHED"), ("3", "FINISHED"), (1, "RUNNING"), ("SCHEDULED", "SCHEDULED")]
)
def test_a_status_is_a_name_or_a_number(wire: Wire, run: str, given: object, status: str) -> None:
    assert told(post(wire, "update", run, status=given))["run_info"]["status"] == status


@pytest.mark.parametrize("given", ["BOGUS", "finished", 0, 9, [], True, "x" * 10_000])
def test_a_status_that_is_none_is_refused(wire: Wire, run: str, given: object) -> None:
    assert refusal(post(wire, "update", run, status=given)) == BAD


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"{}"])
@pytest.mark.parametrize("path", ["runs/log-metric", "runs/log-batch", "runs/create", "experiments/create"])
def test_bodies_that_are_none_are_refused(wire: Wire, path: str, body: bytes) -> None:
    answer = wire.send("POST", f"/api/2.0/mlflow/{path}", body, {"content-type": "application/json"})
    assert refusal(answer) == BAD
    assert len(answer.body) < 600


anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "run_id", "key", "value", "timestamp", "step", "metrics", "params", "tags", "datasets", "models", "filter",
    "order_by", "max_results", "page_token", "status", "experiment_id", "experiment_ids", "name", "new_name",
    "end_time", "run_name", "run_view_type", "view_type", "user_id", "start_time", "model_json",
)  # fmt: skip
PATHS = (
    "runs/create", "runs/update", "runs/delete", "runs/restore", "runs/log-metric", "runs/log-parameter",
    "runs/set-tag", "runs/delete-tag", "runs/log-batch", "runs/search", "runs/log-inputs", "runs/outputs",
    "runs/log-model", "experiments/create", "experiments/search", "experiments/update", "experiments/delete",
    "experiments/restore", "experiments/set-experiment-tag", "experiments/delete-experiment-tag",
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=some.sampled_from(PATHS),
    body=some.dictionaries(some.sampled_from(FIELDS), anything, max_size=6),
    known=some.booleans(),
)
def test_nothing_a_client_sends_is_a_failure_of_the_server(
    wire: Wire, run: str, path: str, body: dict[str, object], known: bool
) -> None:
    given_body = {**body, "run_id": run, "experiment_id": "0"} if known else body
    answer = wire.mlflow("POST", path, given_body)
    assert answer.status in (200, 400, 404)
    if answer.status != 200:
        assert len(answer.json["message"]) <= 400


def test_the_last_page_has_no_token(wire: Wire) -> None:
    made = [new_run(wire, start_time=number + 1) for number in range(5)]
    seen: list[str] = []
    token = None
    for _ in range(5):
        body = {"experiment_ids": ["0"], "max_results": 2, "page_token": token}
        page = told(wire.mlflow("POST", "runs/search", body))
        seen += [found["info"]["run_id"] for found in page["runs"]]
        token = page.get("next_page_token")
        if token is None:
            break
    assert seen == made[::-1]


def test_searching_no_experiment_finds_nothing(wire: Wire, run: str) -> None:
    assert run
    for ids in ([], ["77"], ["abc"], ["77", "78"]):
        assert told(wire.mlflow("POST", "runs/search", {"experiment_ids": ids})) == {}
    assert told(wire.mlflow("POST", "runs/search", {})) == {}
