"""The JSON of every kind of thing, as clients of other languages and browsers read it: fields and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tests.clients.mlflow.wire import Call

Json = dict[str, Any]


def kinds(thing: Any) -> Any:
    """The same JSON with the names of types in the place of values; of a list, what its first item is like."""
    if isinstance(thing, dict):
        return {key: kinds(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return [kinds(thing[0])] if thing else []
    return type(thing).__name__


PAIR = {"key": "str", "value": "str"}
INFO = {
    "run_id": "str",
    "run_uuid": "str",
    "experiment_id": "str",
    "run_name": "str",
    "user_id": "str",
    "status": "str",
    "start_time": "int",
    "artifact_uri": "str",
    "lifecycle_stage": "str",
}
METRIC = {"key": "str", "value": "float", "timestamp": "int", "step": "int"}
EXPERIMENT = {
    "experiment_id": "str",
    "name": "str",
    "artifact_location": "str",
    "lifecycle_stage": "str",
    "creation_time": "int",
    "last_update_time": "int",
}
VERSION = {
    "name": "str",
    "version": "str",
    "creation_timestamp": "int",
    "last_updated_timestamp": "int",
    "current_stage": "str",
    "source": "str",
    "run_id": "str",
    "status": "str",
}
MODEL = {"name": "str", "creation_timestamp": "int", "last_updated_timestamp": "int"}
LOGGED = {
    "model_id": "str",
    "experiment_id": "str",
    "name": "str",
    "creation_timestamp_ms": "int",
    "last_updated_timestamp_ms": "int",
    "artifact_uri": "str",
    "status": "str",
    "model_type": "str",
    "source_run_id": "str",
}


def holds(found: Any, expected: Any) -> None:
    """Every expected field is there with its type; others may be as well, on the top level of the thing alone."""
    told = kinds(found)
    assert {key: told.get(key) for key in expected} == expected


@pytest.fixture
def version(client: MlflowClient, name: str, run: str) -> Json:
    """Name, number and source of a version of a new model."""
    source = f"{client.get_run(run).info.artifact_uri}/model"
    client.create_registered_model(name)
    client.create_model_version(name, source, run)
    return {"name": name, "version": "1"}


def test_an_experiment(api: Call, client: MlflowClient, experiment: str) -> None:
    found = api("GET", "experiments/get", params={"experiment_id": experiment}).json()["experiment"]
    holds(found, EXPERIMENT)
    assert "tags" not in found
    client.set_experiment_tag(experiment, "k", "v")
    found = api("GET", "experiments/get", params={"experiment_id": experiment}).json()["experiment"]
    holds(found, {**EXPERIMENT, "tags": [PAIR]})


def test_a_created_experiment_is_told_by_its_id(api: Call, name: str) -> None:
    assert kinds(api("POST", "experiments/create", json={"name": name}).json()) == {"experiment_id": "str"}


def test_what_is_done_without_a_result_is_an_empty_object(api: Call, run: str, experiment: str) -> None:
    for path, body in (
        ("runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"}),
        ("runs/set-tag", {"run_id": run, "key": "t", "value": "1"}),
        ("runs/delete-tag", {"run_id": run, "key": "t"}),
        ("runs/log-batch", {"run_id": run}),
        ("runs/log-inputs", {"run_id": run}),
        ("runs/delete", {"run_id": run}),
        ("runs/restore", {"run_id": run}),
        ("experiments/set-experiment-tag", {"experiment_id": experiment, "key": "t", "value": "1"}),
        ("experiments/update", {"experiment_id": experiment, "new_name": f"new {experiment}{run}"}),
        ("experiments/delete", {"experiment_id": experiment}),
        ("experiments/restore", {"experiment_id": experiment}),
    ):
        answer = api("POST", path, json=body)
        assert (answer.status_code, answer.json()) == (200, {}), path


def test_a_new_run(api: Call, experiment: str) -> None:
    body = {"experiment_id": experiment, "start_time": 5, "user_id": "u", "run_name": "n"}
    found = api("POST", "runs/create", json=body).json()
    assert list(found) == ["run"]
    holds(found["run"]["info"], INFO)
    assert "end_time" not in found["run"]["info"]
    assert kinds(found["run"]["data"]) == {"tags": [PAIR]}


def test_a_full_run(api: Call, client: MlflowClient, run: str) -> None:
    client.log_metric(run, "m", 1.5, timestamp=1, step=2)
    client.log_param(run, "p", "1")
    dataset = Dataset("d", "x", "local", "{}", "{}", "{}")
    client.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])])
    model = client.create_logged_model(client.get_run(run).info.experiment_id, name="m")
    api("POST", "runs/outputs", json={"run_id": run, "models": [{"model_id": model.model_id, "step": 3}]})
    client.set_terminated(run)
    found = api("GET", "runs/get", params={"run_id": run}).json()["run"]
    holds(found["info"], {**INFO, "end_time": "int"})
    holds(found["data"]["metrics"][0], METRIC)
    assert kinds(found["data"]["params"]) == [PAIR]
    assert kinds(found["inputs"]["dataset_inputs"]) == [
        {
            "tags": [PAIR],
            "dataset": dict.fromkeys(("name", "digest", "source_type", "source", "schema", "profile"), "str"),
        }
    ]
    assert found["outputs"]["model_outputs"] == [{"model_id": model.model_id, "step": 3}]


def test_a_changed_run(api: Call, run: str) -> None:
    found = api("POST", "runs/update", json={"run_id": run, "status": "FINISHED", "end_time": 7}).json()
    assert list(found) == ["run_info"]
    holds(found["run_info"], {**INFO, "end_time": "int"})


def test_found_runs(api: Call, client: MlflowClient, experiment: str) -> None:
    for _ in range(2):
        client.create_run(experiment)
    found = api("POST", "runs/search", json={"experiment_ids": [experiment], "max_results": 1}).json()
    assert set(found) == {"runs", "next_page_token"}
    holds(found["runs"][0]["info"], INFO)
    body = {"experiment_ids": [experiment], "max_results": 1, "page_token": found["next_page_token"]}
    assert set(api("POST", "runs/search", json=body).json()) == {"runs"}
    nothing = api("POST", "runs/search", json={"experiment_ids": [experiment], "filter": "metrics.m > 5"})
    assert nothing.json() == {}


def test_a_history(api: Call, client: MlflowClient, run: str) -> None:
    client.log_metric(run, "m", 1.5)
    found = api("GET", "metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()
    assert set(found) == {"metrics"}
    holds(found["metrics"][0], METRIC)
    assert api("GET", "metrics/get-history", params={"run_id": run, "metric_key": "none"}).json() == {}


def test_a_registered_model(api: Call, client: MlflowClient, version: Json) -> None:
    name = version["name"]
    found = api("GET", "registered-models/get", params={"name": name}).json()["registered_model"]
    holds(found, MODEL)
    holds(found["latest_versions"][0], VERSION)
    assert "aliases" not in found
    assert "tags" not in found
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_tag(name, "k", "v")
    client.update_registered_model(name, "d")
    found = api("GET", "registered-models/get", params={"name": name}).json()["registered_model"]
    holds(found, {**MODEL, "description": "str", "tags": [PAIR], "aliases": [{"alias": "str", "version": "str"}]})
    assert found["aliases"] == [{"alias": "champion", "version": "1"}]


def test_a_version(api: Call, client: MlflowClient, version: Json) -> None:
    found = api("GET", "model-versions/get", params=version).json()["model_version"]
    holds(found, VERSION)
    assert (found["version"], found["current_stage"], found["status"]) == ("1", "None", "READY")
    client.set_registered_model_alias(version["name"], "champion", "1")
    client.set_model_version_tag(version["name"], "1", "k", "v")
    found = api("GET", "registered-models/alias", params={"name": version["name"], "alias": "champion"}).json()
    holds(found["model_version"], {**VERSION, "tags": [PAIR], "aliases": ["str"]})


def test_found_versions_and_models(api: Call, version: Json) -> None:
    condition = f"name = '{version['name']}'"
    found = api("GET", "model-versions/search", params={"filter": condition}).json()
    assert set(found) == {"model_versions"}
    holds(found["model_versions"][0], VERSION)
    found = api("GET", "registered-models/search", params={"filter": condition}).json()
    assert set(found) == {"registered_models"}
    holds(found["registered_models"][0], MODEL)
    for path in ("model-versions/search", "registered-models/search"):
        assert api("GET", path, params={"filter": "name = 'none'"}).json() == {}


def test_a_moved_version(api: Call, version: Json) -> None:
    answer = api("POST", "model-versions/transition-stage", json={**version, "stage": "Staging"}).json()
    holds(answer["model_version"], VERSION)
    assert answer["model_version"]["current_stage"] == "Staging"
    uri = api("GET", "model-versions/get-download-uri", params=version).json()
    assert kinds(uri) == {"artifact_uri": "str"}


def test_a_logged_model(api: Call, client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    body = {
        "experiment_id": experiment,
        "name": "m",
        "source_run_id": run,
        "model_type": "t",
        "params": [{"key": "p", "value": "1"}],
        "tags": [{"key": "t", "value": "1"}],
    }
    made = api("POST", "logged-models", json=body).json()
    holds(made["model"]["info"], {**LOGGED, "tags": [PAIR]})
    assert made["model"]["info"]["status"] == "LOGGED_MODEL_PENDING"
    assert kinds(made["model"]["data"]) == {"params": [PAIR]}
    where = f"logged-models/{made['model']['info']['model_id']}"
    ready = api("PATCH", where, json={"status": "LOGGED_MODEL_READY"})
    assert ready.status_code in (200, 400)  # the client also sends the id in the body
    found = api("POST", "logged-models/search", json={"experiment_ids": [experiment]}).json()
    assert set(found) == {"models"}
    holds(found["models"][0]["info"], LOGGED)


def test_an_error(api: Call) -> None:
    answer = api("GET", "runs/get", params={"run_id": "f" * 32})
    assert answer.headers["content-type"].startswith("application/json")
    assert {"error_code", "message"} <= set(answer.json())


def test_whole_numbers_are_numbers_and_json_is_taken_in_any_layout(api: Call, run: str) -> None:
    text = f'{{\n  "run_id" : "{run}",\n\t"key": "m", "value": 3, "timestamp": 1700000000000, "step": 0\n}}'
    answer = api("POST", "runs/log-metric", data=text, headers={"Content-Type": "application/json; charset=utf-8"})
    assert answer.status_code == 200
    [found] = api("GET", "metrics/get-history", params={"run_id": run, "metric_key": "m"}).json()["metrics"]
    assert found == {"key": "m", "value": 3.0, "timestamp": 1700000000000, "step": 0}
