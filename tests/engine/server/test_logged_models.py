"""Logged models over the wire, as MLflow's clients send and read them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.server.wire import Answer, Wire


@pytest.fixture
def wire(shared_wire: Wire) -> Wire:
    return shared_wire


@pytest.fixture
def experiment(wire: Wire, request: pytest.FixtureRequest) -> str:
    name = request.node.name[:200]
    answer: str = wire.mlflow("POST", "experiments/create", {"name": name}).json["experiment_id"]
    return answer


@pytest.fixture
def run(wire: Wire, experiment: str) -> str:
    body = {"experiment_id": experiment, "start_time": 1}
    answer: str = wire.mlflow("POST", "runs/create", body).json["run"]["info"]["run_id"]
    return answer


def create(wire: Wire, experiment: str, **more: object) -> Any:
    answer = wire.mlflow("POST", "logged-models", {"experiment_id": experiment, "name": "trees", **more})
    assert answer.status == 200, answer.body
    return answer.json["model"]


def search(wire: Wire, experiment: str, **more: object) -> Answer:
    return wire.mlflow("POST", "logged-models/search", {"experiment_ids": [experiment], **more})


def found(wire: Wire, experiment: str, **more: object) -> list[str]:
    return [each["info"]["name"] for each in search(wire, experiment, **more).json.get("models", [])]


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error_code"]


def test_a_model_is_told_as_its_client_reads_it(wire: Wire, experiment: str, run: str) -> None:
    pairs = [{"key": "a", "value": "1"}]
    model = create(wire, experiment, source_run_id=run, model_type="clf", params=pairs, tags=pairs)
    info = model["info"]
    model_id = info["model_id"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/models/{model_id}/artifacts"
    assert (info["status"], info["source_run_id"], info["model_type"]) == ("LOGGED_MODEL_PENDING", run, "clf")
    assert (info["tags"], model["data"]) == (pairs, {"params": pairs})
    assert info["last_updated_timestamp_ms"] == info["creation_timestamp_ms"]
    assert wire.mlflow("GET", f"logged-models/{model_id}").json["model"] == model


def test_what_is_not_set_is_absent(wire: Wire, experiment: str) -> None:
    model = create(wire, experiment)
    assert {"tags", "source_run_id", "model_type", "status_message"}.isdisjoint(model["info"])
    assert model["data"] == {}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"),
        (2, "LOGGED_MODEL_READY"),
        ("3", "LOGGED_MODEL_UPLOAD_FAILED"),
        ("LOGGED_MODEL_PENDING", "LOGGED_MODEL_PENDING"),
    ],
)
def test_a_model_is_finished(wire: Wire, experiment: str, given: object, told: str) -> None:
    path = f"logged-models/{create(wire, experiment)['info']['model_id']}"
    assert wire.mlflow("PATCH", path, {"status": given}).json["model"]["info"]["status"] == told


@pytest.mark.parametrize("status", [None, "", "READY", 0, 4, "LOGGED_MODEL_STATUS_UNSPECIFIED", [1], {}])
def test_a_status_that_there_is_not_is_refused(wire: Wire, experiment: str, status: object) -> None:
    path = f"logged-models/{create(wire, experiment)['info']['model_id']}"
    assert refused(wire.mlflow("PATCH", path, {"status": status})) == (400, "INVALID_PARAMETER_VALUE")


def test_params_and_tags_are_added_and_removed(wire: Wire, experiment: str) -> None:
    path = f"logged-models/{create(wire, experiment)['info']['model_id']}"
    assert wire.mlflow("POST", f"{path}/params", {"params": [{"key": "a", "value": "1"}]}).json == {}
    wire.mlflow("PATCH", f"{path}/tags", {"tags": [{"key": "t", "value": "1"}, {"key": "u/v", "value": "2"}]})
    assert wire.mlflow("DELETE", f"{path}/tags/u/v").json == {}
    assert refused(wire.mlflow("DELETE", f"{path}/tags/u")) == (404, "RESOURCE_DOES_NOT_EXIST")
    model = wire.mlflow("GET", path).json["model"]
    assert model["data"]["params"] == [{"key": "a", "value": "1"}]
    assert model["info"]["tags"] == [{"key": "t", "value": "1"}]


def test_metrics_of_a_run_reach_the_model(wire: Wire, experiment: str, run: str) -> None:
    model_id = create(wire, experiment)["info"]["model_id"]
    metric = {"key": "auc", "value": 0.7, "timestamp": 5, "step": 2, "model_id": model_id, "dataset_name": "cars"}
    wire.mlflow("POST", "runs/log-metric", {"run_id": run, **metric})
    wire.mlflow("POST", "runs/log-batch", {"run_id": run, "metrics": [metric, {**metric, "value": "NaN", "key": "n"}]})
    told = wire.mlflow("GET", f"logged-models/{model_id}").json["model"]["data"]["metrics"]
    assert told == [{**metric, "run_id": run}, {**metric, "key": "n", "value": "NaN", "run_id": run}]
    assert found(wire, experiment, filter="metrics.auc > 0.5") == ["trees"]
    assert found(wire, experiment, datasets=[{"dataset_name": "cars"}]) == ["trees"]
    assert found(wire, experiment, datasets=[{"dataset_name": "cars", "dataset_digest": "other"}]) == []


def test_models_are_found_page_by_page(wire: Wire, experiment: str) -> None:
    for name in ("a", "b", "c"):
        create(wire, experiment, name=name)
    order = [{"field_name": "name", "ascending": False}]
    first = search(wire, experiment, max_results=2, order_by=order).json
    assert [each["info"]["name"] for each in first["models"]] == ["c", "b"]
    again = {"max_results": 2, "order_by": order, "page_token": first["next_page_token"]}
    second = search(wire, experiment, **again).json
    assert ([each["info"]["name"] for each in second["models"]], second.get("next_page_token")) == (["a"], None)
    assert found(wire, experiment, filter="name IN ('a', 'c')", order_by=[{"field_name": "name"}]) == ["a", "c"]
    assert search(wire, "999").json == {}
    assert refused(search(wire, experiment, filter="name = 'a'", **again)) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "body",
    [
        {"experiment_ids": None},
        {"filter": "nonsense = 'x'"},
        {"filter": "metrics.auc > 'x'"},
        {"filter": "name"},
        {"filter": "name = 'a' AND"},
        {"filter": 5},
        {"max_results": -1},
        {"max_results": 10**9},
        {"max_results": "many"},
        {"page_token": "nonsense"},
        {"datasets": [{"dataset_digest": "d"}]},
        {"order_by": [{"ascending": True}]},
        {"order_by": [{"field_name": "nonsense"}]},
        {"order_by": [{"field_name": "metrics."}]},
        {"order_by": [{"field_name": 'metrics.a`b"c'}]},
        {"order_by": ["name"]},
        {"experiment_ids": ["x"]},
        {"experiment_ids": [{}]},
    ],
    ids=str,
)
def test_a_question_that_means_nothing_is_refused(wire: Wire, experiment: str, body: dict[str, object]) -> None:
    assert refused(search(wire, experiment, **body)) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"experiment_id": None}, 400),
        ({"experiment_id": "x"}, 400),
        ({"experiment_id": "999"}, 404),
        ({"source_run_id": "f" * 32}, 404),
        ({"name": "a/b"}, 400),
        ({"name": 5}, 400),
        ({"params": [{"value": "1"}]}, 400),
        ({"params": "a"}, 400),
        ({"tags": [{"key": "", "value": "x"}]}, 400),
        ({"tags": [{"key": "k" * 251, "value": "x"}]}, 400),
        ({"tags": [{"key": "a", "value": "x" * 8_001}]}, 400),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_model_that_cannot_be_kept_is_refused(
    wire: Wire, experiment: str, body: dict[str, object], status: int
) -> None:
    answer = wire.mlflow("POST", "logged-models", {"experiment_id": experiment, "name": "trees", **body})
    assert answer.status == status
    assert len(answer.json["message"]) <= 250
    assert found(wire, experiment) == []


@pytest.mark.parametrize("model_id", ["m-" + "f" * 32, "m-x", "x" * 5_000, "%00", "a%2f..%2fb", "%ed%b2%80"])
def test_a_model_that_is_not_there_is_said_to_be_missing(wire: Wire, model_id: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"status": 2}),
        ("DELETE", "", None),
        ("POST", "/params", {"params": []}),
        ("PATCH", "/tags", {"tags": []}),
        ("GET", "/artifacts/directories", None),
    ):
        answer = wire.mlflow(method, f"logged-models/{model_id}{path}", body)
        assert answer.status in {400, 404}, (method, path, answer)
        assert len(answer.body) < 600


def test_a_deleted_model_is_given_only_to_who_asks_for_it(wire: Wire, experiment: str) -> None:
    path = f"logged-models/{create(wire, experiment)['info']['model_id']}"
    assert wire.mlflow("DELETE", path).json == {}
    assert refused(wire.mlflow("GET", path)) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert wire.mlflow("GET", f"{path}?allow_deleted=true").status == 200
    assert found(wire, experiment) == []


def test_folders_of_a_model_are_listed(wire: Wire, experiment: str) -> None:
    model = create(wire, experiment)["info"]
    below = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/models/{model['model_id']}/artifacts"
    for path in ("MLmodel", "data/weights.bin"):
        wire.send("PUT", f"{below}/{path}", b"x")
    listing = f"logged-models/{model['model_id']}/artifacts/directories"
    assert wire.mlflow("GET", listing).json == {
        "files": [{"path": "MLmodel", "is_dir": False, "file_size": 1}, {"path": "data", "is_dir": True}],
        "root_uri": model["artifact_uri"],
    }
    told = wire.mlflow("GET", listing, query={"artifact_directory_path": "data"}).json["files"]
    assert [each["path"] for each in told] == ["data/weights.bin"]
    assert "files" not in wire.mlflow("GET", listing, query={"artifact_directory_path": "none"}).json


def test_browsers_find_the_same_behind_their_own_prefix(wire: Wire, experiment: str) -> None:
    model = create(wire, experiment)
    path = f"/ajax-api/2.0/mlflow/logged-models/{model['info']['model_id']}"
    assert wire.call("GET", path).json["model"] == model
