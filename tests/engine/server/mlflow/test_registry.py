"""Registered models and versions on MLflow's wire, byte for byte: shapes, refusals, the policy."""

from __future__ import annotations

from typing import Any

import pytest

from engine.audit.model import AuditFilter
from engine.registry.model import Stage
from engine.tracking.logged_model_model import NewLoggedModel
from tests.engine.server.wire import Wire

MLMODEL = b"""
flavors: {python_function: {}, sklearn: {serialization_format: skops}}
signature: {inputs: '[{"type": "double", "name": "x"}]'}
"""
APPROVAL = "[models.churn.production]\napprovals = 1\n"
DENIED = (403, "PERMISSION_DENIED")
WRONG = (400, "INVALID_PARAMETER_VALUE")
ABSENT = (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.fixture
def run(wire: Wire) -> str:
    """A run with a packaged model and a metric."""
    with wire.engine.runs.start("trees", "first", capture=False) as started:
        started.log_metric("auc", 0.9)
        started.log_bytes(MLMODEL, "model/MLmodel")
        started.log_bytes(b"weights", "model/model.skops")
    return started.id


@pytest.fixture
def source(wire: Wire, run: str) -> str:
    """Where the run's model is."""
    return f"mlflow-artifacts:/{wire.engine.runs.get(run).experiment_id}/{run}/artifacts/model"


@pytest.fixture
def churn(wire: Wire, run: str, source: str) -> str:
    """A model with two versions."""
    assert wire.mlflow("POST", "registered-models/create", {"name": "churn"}).status == 200
    for _ in range(2):
        body = {"name": "churn", "source": source, "run_id": run}
        assert wire.mlflow("POST", "model-versions/create", body).status == 200
    return "churn"


def set_policy(wire: Wire, text: str) -> None:
    wire.engine.workspace.policy_file.write_text(text)


def transition(wire: Wire, version: object, stage: str, **more: object) -> tuple[int, Any]:
    body = {"name": "churn", "version": version, "stage": stage, **more}
    answer = wire.mlflow("POST", "model-versions/transition-stage", body)
    return answer.status, answer.json


def refused(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json["error_code"]


def test_a_version_is_told_as_mlflow_tells_it(wire: Wire, churn: str, run: str, source: str) -> None:
    told = wire.mlflow("GET", "model-versions/get", query={"name": churn, "version": 1}).json["model_version"]
    times = (told.pop("creation_timestamp"), told.pop("last_updated_timestamp"))
    assert all(isinstance(time, int) for time in times)
    assert told.pop("user_id")
    assert told == {
        "name": "churn",
        "version": "1",
        "current_stage": "None",
        "source": source,
        "run_id": run,
        "status": "READY",
    }


def test_a_model_is_told_with_its_newest_versions(wire: Wire, churn: str) -> None:
    wire.mlflow("POST", "registered-models/set-tag", {"name": churn, "key": "team", "value": "red"})
    wire.mlflow("POST", "registered-models/alias", {"name": churn, "alias": "champion", "version": "1"})
    assert transition(wire, "1", "staging")[0] == 200
    told = wire.mlflow("GET", "registered-models/get", query={"name": churn}).json["registered_model"]
    assert told["tags"] == [{"key": "team", "value": "red"}]
    assert told["aliases"] == [{"alias": "champion", "version": "1"}]
    assert [(each["version"], each["current_stage"]) for each in told["latest_versions"]] == [
        ("1", "Staging"),
        ("2", "None"),
    ]
    assert told["latest_versions"][0]["aliases"] == ["champion"]


def test_a_version_owns_what_its_source_held(wire: Wire, churn: str, run: str) -> None:
    version = wire.engine.models.version(churn, 1)
    assert (version.run_id, version.metrics, version.flavor, version.format) == (run, {"auc": 0.9}, "sklearn", "skops")
    assert version.signature is not None
    assert wire.engine.models.check_files(churn, 1) == ()


def test_a_logged_model_is_registered_and_found_again(wire: Wire, run: str) -> None:
    engine = wire.engine
    logged = engine.logged_models.create(NewLoggedModel(engine.runs.get(run).experiment_id, "trees", run))
    engine.logged_models.files.keep_bytes(logged.model_id, MLMODEL, "MLmodel")
    engine.models.create("churn")
    body = {"name": "churn", "source": f"models:/{logged.model_id}", "run_id": run, "model_id": logged.model_id}
    assert wire.mlflow("POST", "model-versions/create", body).status == 200
    assert engine.models.version("churn", 1).model_id == logged.model_id


def test_a_version_of_elsewhere_is_told_by_where_its_files_are(wire: Wire, run: str, source: str) -> None:
    wire.engine.models.register("churn", run_id=run)
    told = wire.mlflow("GET", "model-versions/get", query={"name": "churn", "version": "1"}).json["model_version"]
    assert told["source"] == f"runs:/{run}/model"


def downloaded(wire: Wire, name: str, version: int) -> dict[str, bytes]:
    """The files of a version, got as a client gets them."""
    query = {"name": name, "version": version}
    uri = wire.mlflow("GET", "model-versions/get-download-uri", query=query).json["artifact_uri"]
    root = uri.removeprefix("mlflow-artifacts:/")
    proxy = "/api/2.0/mlflow-artifacts/artifacts"
    listed = wire.call("GET", proxy, query={"path": root}).json.get("files", [])
    return {each["path"]: wire.send("GET", f"{proxy}/{root}/{each['path']}").body for each in listed}


def test_what_was_registered_is_what_is_loaded(wire: Wire, churn: str, run: str) -> None:
    registered = {"MLmodel": MLMODEL, "model.skops": b"weights"}
    assert downloaded(wire, churn, 1) == registered
    experiment = wire.engine.runs.get(run).experiment_id
    place = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/model"
    assert wire.send("PUT", f"{place}/model.skops", b"other weights").status == 200
    assert wire.send("DELETE", f"{place}/MLmodel").status == 200
    assert downloaded(wire, churn, 1) == registered
    wire.engine.runs.delete(run)
    assert downloaded(wire, churn, 1) == registered
    wire.engine.models.rename(churn, "loss")
    assert downloaded(wire, "loss", 1) == registered


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_was_registered_does_not_change(wire: Wire, churn: str, method: str) -> None:
    files_id = wire.engine.models.version(churn, 1).files_id
    place = f"/api/2.0/mlflow-artifacts/artifacts/registry/versions/{files_id}/artifacts"
    for path in ("model.skops", "new.bin"):
        answer = wire.send(method, f"{place}/{path}", b"other" if method == "PUT" else None)
        assert refused(answer) == WRONG
        assert "do not change" in answer.json["message"]
    begin = wire.call("POST", f"/api/2.0/mlflow-artifacts/mpu/create/registry/versions/{files_id}/artifacts", {})
    assert 400 <= begin.status < 500
    assert wire.engine.models.check_files(churn, 1) == ()


@pytest.mark.parametrize("files_id", ["v-0", "v-999", "v-" + "9" * 18, "v-x", "v--1"])
def test_files_of_no_version_are_not_there(wire: Wire, churn: str, files_id: str) -> None:
    place = f"/api/2.0/mlflow-artifacts/artifacts/registry/versions/{files_id}/artifacts/MLmodel"
    assert refused(wire.send("GET", place)) in (WRONG, ABSENT)


def test_a_version_without_files_is_where_its_source_is(wire: Wire, churn: str, run: str, source: str) -> None:
    body = {"name": churn, "source": f"{source}-later", "run_id": run}
    assert wire.mlflow("POST", "model-versions/create", body).status == 200
    told = wire.mlflow("GET", "model-versions/get-download-uri", query={"name": churn, "version": "3"}).json
    assert told == {"artifact_uri": f"{source}-later"}
    status, said = transition(wire, "3", "Production")
    assert (status, said["error_code"]) == DENIED
    assert "registered without any" in said["message"]


@pytest.mark.parametrize(
    "wanted",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/x",
        "s3://bucket/x",
        "runs:/{run}/../../etc",
        "mlflow-artifacts:/1/{run}/artifacts/%2e%2e/%2e%2e/x",
        "mlflow-artifacts:/1/{other}/artifacts/model",
        "runs:/{other}/model",
        "models:/nope/1",
        "models:/m-nope",
    ],
)
def test_a_source_that_is_not_the_callers_is_refused(wire: Wire, churn: str, run: str, wanted: str) -> None:
    with wire.engine.runs.start("trees", "other", capture=False) as other:
        other.log_bytes(b"secret", "model/weights.bin")
    body = {"name": churn, "source": wanted.format(run=run, other=other.id), "run_id": run}
    answer = wire.mlflow("POST", "model-versions/create", body)
    assert refused(answer) in (WRONG, ABSENT)
    assert wire.engine.models.get(churn).latest == 2


def test_a_transition_that_the_policy_forbids_is_refused_and_recorded(wire: Wire, churn: str) -> None:
    set_policy(wire, APPROVAL)
    status, said = transition(wire, "1", "Production")
    assert (status, said["error_code"]) == DENIED
    assert "It needs 1 approval" in said["message"]
    assert "qd approvals request churn 1 --to production" in said["message"]
    assert wire.engine.models.version(churn, 1).stage is Stage.REGISTERED
    [entry] = [each for each in wire.engine.audit.page(AuditFilter()).items if each.verb == "refuse"]
    assert (entry.key, entry.via) == ("churn/1", "http")


def test_a_transition_that_the_policy_allows_is_recorded_as_a_promotion(wire: Wire, churn: str) -> None:
    set_policy(wire, APPROVAL)
    assert transition(wire, 1, "Staging")[0] == 200
    [promotion] = wire.engine.promotions.history(churn).items
    assert (promotion.version, promotion.to_stage) == (1, Stage.STAGING)


@pytest.mark.parametrize(("archive", "expected"), [(False, (1, 2)), (True, (2,))])
def test_without_a_policy_versions_share_production_as_mlflow_lets_them(
    wire: Wire, churn: str, archive: bool, expected: tuple[int, ...]
) -> None:
    for version in (1, 2):
        assert transition(wire, version, "PRODUCTION", archive_existing_versions=archive)[0] == 200
    assert wire.engine.models.get(churn).production == expected


def test_with_a_policy_one_version_is_in_production(wire: Wire, churn: str) -> None:
    set_policy(wire, "[defaults]\nsingle_production = true\n")
    for version in (1, 2):
        assert transition(wire, version, "Production")[0] == 200
    assert wire.engine.models.get(churn).production == (2,)


def test_a_transition_to_where_it_is_archives_the_others_all_the_same(wire: Wire, churn: str) -> None:
    for version in (1, 2):
        assert transition(wire, version, "Staging")[0] == 200
    status, told = transition(wire, "2", "Staging", archive_existing_versions=True)
    assert (status, told["model_version"]["current_stage"]) == (200, "Staging")
    assert wire.engine.models.get(churn).staging == (2,)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"stage": "Bogus"}, "Invalid Model Version stage: Bogus. Value must be one of None, Staging"),
        ({"stage": ""}, "Missing value for required parameter 'stage'"),
        ({"stage": "Archived", "archive_existing_versions": True}, "is not an Active stage"),
        ({"stage": "None", "version": "x"}, "Parameter 'version' must be an integer, got 'x'."),
        ({"stage": "None", "version": ""}, "Missing value for required parameter 'version'"),
        ({"stage": 5}, "Invalid value 5 for parameter 'stage'"),
        ({"stage": "None", "archive_existing_versions": "x"}, "archive_existing_versions"),
    ],
)
def test_a_transition_that_makes_no_sense_is_refused(
    wire: Wire, churn: str, body: dict[str, object], words: str
) -> None:
    answer = wire.mlflow("POST", "model-versions/transition-stage", {"name": churn, "version": "1", **body})
    assert refused(answer) == WRONG
    assert words in answer.json["message"]


def test_a_protected_alias_is_refused_and_recorded(wire: Wire, churn: str) -> None:
    body = {"name": churn, "alias": "champion", "version": "1"}
    assert wire.mlflow("POST", "registered-models/alias", body).status == 200
    set_policy(wire, "[defaults]\nsingle_production = true\n")
    answer = wire.mlflow("POST", "registered-models/alias", body | {"version": "2"})
    assert refused(answer) == DENIED
    assert "is protected" in answer.json["message"]
    assert wire.engine.models.get(churn).aliases == {"champion": 1}
    assert [each.key for each in wire.engine.audit.page(AuditFilter()).items if each.verb == "refuse"] == ["churn"]


def test_the_alias_latest_names_the_greatest_number(wire: Wire, churn: str) -> None:
    transition(wire, "1", "Production")
    answer = wire.mlflow("GET", "registered-models/alias", query={"name": churn, "alias": "latest"})
    assert answer.json["model_version"]["version"] == "2"


def test_what_serves_is_not_deleted(wire: Wire, churn: str) -> None:
    transition(wire, "1", "Production")
    answer = wire.mlflow("DELETE", "model-versions/delete", {"name": churn, "version": "1"})
    assert refused(answer) == WRONG
    assert "Archive it first" in answer.json["message"]
    assert refused(wire.mlflow("DELETE", "registered-models/delete", {"name": churn})) == WRONG
    assert wire.mlflow("DELETE", "model-versions/delete", {"name": churn, "version": "2"}).status == 200


def test_a_policy_that_cannot_be_read_is_no_fault_that_clients_try_again(wire: Wire, churn: str) -> None:
    set_policy(wire, "[defaults\n")
    status, said = transition(wire, "1", "Production")
    assert (status, said["error_code"]) == DENIED
    assert "quarterdeck.toml" in said["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "registered-models/get"),
        ("GET", "registered-models/get-latest-versions"),
        ("POST", "registered-models/get-latest-versions"),
        ("PATCH", "registered-models/update"),
        ("DELETE", "registered-models/delete"),
        ("POST", "registered-models/set-tag"),
        ("DELETE", "registered-models/delete-tag"),
        ("GET", "registered-models/alias"),
        ("DELETE", "registered-models/alias"),
        ("POST", "model-versions/create"),
    ],
)
def test_an_unknown_model_does_not_exist(wire: Wire, method: str, path: str) -> None:
    for name in ("nope", "é" * 100, "%2e%2e", "'; DROP TABLE model; --", "x" * 10_000):
        fields = {"name": name, "key": "k", "alias": "a", "version": "1", "source": "runs:/x/y"}
        answer = wire.mlflow(method, path, *((None, fields) if method == "GET" else (fields,)))
        assert refused(answer) == ABSENT
        assert answer.json["message"].startswith("Registered Model with name=")
        assert len(answer.body) < 1_500


@pytest.mark.parametrize("field", ["name", "description", "tags", "source", "run_id"])
def test_hostile_fields_are_refused(wire: Wire, churn: str, field: str) -> None:
    for value in (5, [1], {"a": 1}, True, "a\0b", "x" * 200_000):
        body = {"name": churn, "source": "runs:/x/y", field: value}
        for path in ("registered-models/create", "model-versions/create"):
            answer = wire.mlflow("POST", path, body)
            assert 400 <= answer.status < 500
            assert len(answer.body) < 1_500


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "1e3", "9" * 30, "\u0966", " 1", [1], None])
def test_versions_that_are_none_are_refused(wire: Wire, churn: str, version: object) -> None:
    for path in ("model-versions/update", "model-versions/delete", "model-versions/set-tag"):
        method = {"update": "PATCH", "delete": "DELETE", "set-tag": "POST"}[path.rpartition("/")[2]]
        answer = wire.mlflow(method, path, {"name": churn, "version": version, "key": "k"})
        assert refused(answer) in (WRONG, ABSENT)
    assert wire.engine.models.get(churn).versions == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["churn", "other"]),
        ("name = 'churn' OR name = 'other'", ["churn", "other"]),
        ("NOT name = 'churn'", ["other"]),
        ("tags.team IN ('red', 'blue')", ["other"]),
        ("tags.team != 'blue'", ["other"]),
        ("NOT tags.team != 'blue'", ["churn"]),
        ("(tags.size > 8 OR name = 'churn') AND tag.`mlflow.prompt.is_prompt` != 'true'", ["churn", "other"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", ["greeting"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'greeting' OR name = 'other'", ["greeting"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'x' OR name = 'other'", []),
        ("name = 'churn' OR name = 'x' AND tag.`mlflow.prompt.is_prompt` != 'true'", ["churn"]),
        ("name = 'churn' OR tag.`mlflow.prompt.is_prompt` != 'true'", ["churn", "other"]),
        ("NOT tag.`mlflow.prompt.is_prompt` = 'true'", ["churn", "other"]),
        ("tags.`mlflow.prompt.is_prompt` != 'false'", ["greeting"]),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", ["churn", "other"]),
    ],
)
def test_models_are_found_in_mlflows_words_and_in_ours(wire: Wire, churn: str, words: str, expected: list[str]) -> None:
    wire.engine.models.create("other", tags={"team": "red", "size": "9"})
    prompt = {"name": "greeting", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}
    assert wire.mlflow("POST", "registered-models/create", prompt).status == 200
    found = wire.mlflow("GET", "registered-models/search", query={"filter": words}).json
    assert [each["name"] for each in found.get("registered_models", [])] == expected


def test_versions_are_found_by_what_they_were_registered_with(wire: Wire, churn: str, source: str) -> None:
    def found(words: str, **more: object) -> list[str]:
        answer = wire.mlflow("GET", "model-versions/search", query={"filter": words, **more})
        return [each["version"] for each in answer.json.get("model_versions", [])]

    assert found(f"source_path = '{source}'") == ["2", "1"]
    assert found("metrics.auc > 0.8 AND version_number < 2") == ["1"]
    assert found("name = 'churn'", order_by=["version_number ASC"]) == ["1", "2"]
    assert found("name = 'churn'", max_results=1) == ["2"]


@pytest.mark.parametrize("path", ["registered-models/search", "model-versions/search"])
@pytest.mark.parametrize("most", [0, -1, 200_001, "x", "9" * 40])
def test_a_page_of_no_size_is_refused(wire: Wire, path: str, most: object) -> None:
    assert refused(wire.mlflow("GET", path, query={"max_results": most})) == WRONG


def test_browsers_have_the_same_routes(wire: Wire, churn: str) -> None:
    for prefix in ("/api", "/ajax-api"):
        answer = wire.call("GET", f"{prefix}/2.0/mlflow/registered-models/get", query={"name": churn})
        assert answer.json["registered_model"]["name"] == churn
