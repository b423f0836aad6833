"""Models through the client: logged, registered, loaded by every kind of address; autolog; logged models themselves."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from tests.clients.mlflow.wire import Call, refused

X = np.arange(12.0).reshape(6, 2)
Y = X @ np.array([1.0, 2.0]) + 3.0


QUICK = {"pip_requirements": ["scikit-learn"]}
"""Else the client finds them out in a process of its own, for seconds; the pasted programs let it."""


def fitted() -> LinearRegression:
    return LinearRegression().fit(X, Y)


def predictions(address: str) -> list[float]:
    """What the model at an address says, as both flavours load it."""
    said = mlflow.sklearn.load_model(address).predict(X)
    assert np.allclose(mlflow.pyfunc.load_model(address).predict(X), said)
    return [round(float(one), 6) for one in said]


EXPECTED = [round(float(one), 6) for one in Y]


@pytest.fixture
def registered(client: MlflowClient, experiment: str, name: str) -> str:
    """The name of a model with one version, logged and registered in one call."""
    with mlflow.start_run(experiment_id=experiment):
        mlflow.log_metric("score", 0.5)
        mlflow.sklearn.log_model(fitted(), name="model", registered_model_name=name, input_example=X[:2], **QUICK)
    return name


def test_log_model_registers_a_version_of_the_run(client: MlflowClient, experiment: str, name: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_metric("score", 0.5)
        info = mlflow.sklearn.log_model(
            fitted(),
            name="model",
            registered_model_name=name,
            signature=infer_signature(X, Y),
            params={"alpha": 1},
            **QUICK,
        )
    version = client.get_model_version(name, "1")
    assert (version.run_id, version.status, version.current_stage) == (run.info.run_id, "READY", "None")
    assert version.source == f"models:/{info.model_id}"
    model = client.get_logged_model(info.model_id)
    assert (model.name, model.source_run_id, model.status) == ("model", run.info.run_id, LoggedModelStatus.READY)
    assert model.params == {"alpha": "1"}
    assert {metric.key: metric.value for metric in model.metrics} == {"score": 0.5}
    assert '"name": "' + name in model.tags["mlflow.modelVersions"]
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert [one.model_id for one in outputs] == [info.model_id]
    assert predictions(info.model_uri) == EXPECTED


def test_a_version_is_loaded_by_number_alias_stage_and_latest(client: MlflowClient, registered: str) -> None:
    client.set_registered_model_alias(registered, "champion", "1")
    client.transition_model_version_stage(registered, "1", "Production")
    for end in ("/1", "@champion", "/Production", "/latest"):
        assert predictions(f"models:/{registered}{end}") == EXPECTED


def test_an_address_that_leads_nowhere_says_so(client: MlflowClient, registered: str) -> None:
    for end in ("/7", "@nobody", "/Staging"):
        with pytest.raises(mlflow.exceptions.MlflowException):
            mlflow.pyfunc.load_model(f"models:/{registered}{end}")


def test_a_model_of_a_run_is_registered_later(client: MlflowClient, experiment: str, name: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.sklearn.log_model(fitted(), name="model", **QUICK)
    first = mlflow.register_model(f"runs:/{run.info.run_id}/model", name, tags={"a": "1"})
    second = mlflow.register_model(f"runs:/{run.info.run_id}/model", name)
    assert (int(first.version), int(second.version)) == (1, 2)
    assert client.get_model_version(name, "1").tags == {"a": "1"}
    assert predictions(f"models:/{name}/2") == EXPECTED
    assert predictions(f"runs:/{run.info.run_id}/model") == EXPECTED


def test_a_logged_model_is_registered_by_its_id(client: MlflowClient, experiment: str, name: str) -> None:
    with mlflow.start_run(experiment_id=experiment):
        info = mlflow.sklearn.log_model(fitted(), name="model", **QUICK)
    made = mlflow.register_model(f"models:/{info.model_id}", name)
    assert client.get_model_version(name, made.version).source == f"models:/{info.model_id}"
    assert predictions(f"models:/{name}/1") == EXPECTED


def test_a_version_is_copied_to_another_model(client: MlflowClient, registered: str) -> None:
    copy = client.copy_model_version(f"models:/{registered}/1", f"{registered}-copy")
    assert (copy.name, int(copy.version)) == (f"{registered}-copy", 1)
    assert predictions(f"models:/{registered}-copy/1") == EXPECTED


def test_the_files_of_a_model_are_downloaded(registered: str, tmp_path: Path) -> None:
    got = Path(mlflow.artifacts.download_artifacts(f"models:/{registered}/1", dst_path=str(tmp_path)))
    assert {"MLmodel", "requirements.txt"} <= {one.name for one in got.iterdir()}
    info = mlflow.models.get_model_info(f"models:/{registered}/1")
    assert info.signature.inputs is not None
    assert set(info.flavors) == {"python_function", "sklearn"}


def test_autolog_records_a_fit(client: MlflowClient, experiment: str) -> None:
    mlflow.sklearn.autolog(silent=True, max_tuning_runs=1)
    try:
        with mlflow.start_run(experiment_id=experiment) as run:
            LinearRegression(positive=True).fit(X, Y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    assert found.data.params["positive"] == "True"
    assert found.data.metrics["training_r2_score"] > 0.9
    assert found.data.tags["estimator_name"] == "LinearRegression"
    assert [one.dataset.source_type for one in found.inputs.dataset_inputs] == ["code"]
    [output] = found.outputs.model_outputs
    assert predictions(f"models:/{output.model_id}")
    assert "estimator.html" in [one.path for one in client.list_artifacts(run.info.run_id)]


def test_a_python_model(client: MlflowClient, experiment: str) -> None:
    class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, model_input: list[float]) -> list[float]:
            return [2 * one for one in model_input]

    with mlflow.start_run(experiment_id=experiment):
        info = mlflow.pyfunc.log_model(name="doubler", python_model=Doubler(), **QUICK)
    assert mlflow.pyfunc.load_model(info.model_uri).predict([1.0, 2.0]) == [2.0, 4.0]


# --- logged models themselves


def test_a_logged_model_lives_from_pending_to_ready(client: MlflowClient, experiment: str, run: str) -> None:
    made = client.create_logged_model(
        experiment, name="m", source_run_id=run, tags={"t": "1"}, params={"p": "1"}, model_type="agent"
    )
    assert made.model_id.startswith("m-")
    found = client.get_logged_model(made.model_id)
    assert (found.status, found.model_type, found.tags, found.params) == (
        LoggedModelStatus.PENDING,
        "agent",
        {"t": "1"},
        {"p": "1"},
    )
    assert found.artifact_location == f"mlflow-artifacts:/{experiment}/models/{made.model_id}/artifacts"
    for status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED):
        client.finalize_logged_model(made.model_id, status)
        assert client.get_logged_model(made.model_id).status == status


def test_a_logged_model_without_a_name_gets_one(client: MlflowClient, experiment: str) -> None:
    assert client.create_logged_model(experiment).name.count("-") == 2


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", "a'b", 'a"b'])
def test_a_bad_name_of_a_logged_model_is_refused(api: Call, name: str) -> None:
    answer = api("POST", "logged-models", json={"experiment_id": "0", "name": name})
    assert answer.status_code == 400
    assert "nvalid model name" in answer.json()["message"]


def test_tags_and_params_of_a_logged_model(client: MlflowClient, experiment: str) -> None:
    made = client.create_logged_model(experiment, name="m", tags={"t": "1"})
    client.set_logged_model_tags(made.model_id, {"t": "2", "u": "3"})
    client.log_model_params(made.model_id, {"p": "1"})
    found = client.get_logged_model(made.model_id)
    assert (found.tags, found.params) == ({"t": "2", "u": "3"}, {"p": "1"})
    client.delete_logged_model_tag(made.model_id, "t")
    assert client.get_logged_model(made.model_id).tags == {"u": "3"}
    said = refused(client.delete_logged_model_tag, made.model_id, "t")
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)


def test_metrics_of_a_logged_model(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    made = client.create_logged_model(experiment, name="m", source_run_id=run)
    data = mlflow.data.from_numpy(X, name="d")
    with mlflow.start_run(run_id=run):
        mlflow.log_metric("acc", 0.75, model_id=made.model_id, dataset=data)
        mlflow.log_metric("acc", 0.5, step=1, model_id=made.model_id)
    metrics = client.get_logged_model(made.model_id).metrics
    assert sorted((one.key, one.value, one.dataset_name) for one in metrics if one.dataset_name) == [("acc", 0.75, "d")]
    assert ("acc", 0.5, 1) in {(one.key, one.value, one.step) for one in metrics}
    assert {one.run_id for one in metrics} == {run}


def test_an_unknown_logged_model_does_not_exist(client: MlflowClient) -> None:
    for action in (
        lambda: client.get_logged_model("m-nope"),
        lambda: client.finalize_logged_model("m-nope", LoggedModelStatus.READY),
    ):
        said = refused(action)
        assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)
        assert "Logged model with ID 'm-nope' not found." in said.message


def test_a_deleted_logged_model_is_gone(client: MlflowClient, experiment: str) -> None:
    made = client.create_logged_model(experiment, name="m")
    client.delete_logged_model(made.model_id)
    assert refused(client.get_logged_model, made.model_id).status == 404
    assert list(client.search_logged_models([experiment])) == []


@pytest.fixture(scope="module")
def family() -> str:
    """An experiment with four logged models: a, b, c and another a."""
    client = MlflowClient()
    experiment: str = client.create_experiment(f"models-{np.random.default_rng().integers(1 << 60)}")
    run = client.create_run(experiment).info.run_id
    for title, score, size in (("a", 0.1, "1"), ("b", 0.9, "2"), ("c", None, "2"), ("a", 0.5, "3")):
        made = client.create_logged_model(
            experiment, name=title, source_run_id=run, params={"size": size}, tags={"team": f"t{size}"}
        )
        if score is not None:
            client.log_metric(run, "acc", score, model_id=made.model_id, timestamp=1, step=int(size))
    return experiment


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, "a b c a"),
        ("name = 'a'", "a a"),
        ("name != 'a'", "b c"),
        ("name LIKE 'b%'", "b"),
        ("metrics.acc > 0.3", "b a"),
        ("params.size = '2'", "b c"),
        ("tags.team = 't1'", "a"),
        ("params.size = '2' AND metrics.acc > 0", "b"),
        ("attributes.name = 'c'", "c"),
        ("name IN ('b', 'c')", "b c"),
    ],
)
def test_logged_models_by_filter(client: MlflowClient, family: str, condition: str | None, expected: str) -> None:
    order = [{"field_name": "creation_timestamp", "ascending": True}]
    found = client.search_logged_models([family], condition, order_by=order)
    assert " ".join(one.name for one in found) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"field_name": "creation_timestamp", "ascending": False}, "a c b a"),
        ({"field_name": "metrics.acc", "ascending": True}, "a a b c"),
        ({"field_name": "metrics.acc", "ascending": False}, "b a a c"),
    ],
)
def test_logged_models_in_order(client: MlflowClient, family: str, order: dict[str, object], expected: str) -> None:
    assert " ".join(one.name for one in client.search_logged_models([family], order_by=[order])) == expected


def test_pages_of_logged_models(client: MlflowClient, family: str) -> None:
    order = [{"field_name": "creation_timestamp", "ascending": True}]
    first = client.search_logged_models([family], max_results=3, order_by=order)
    second = client.search_logged_models([family], max_results=3, order_by=order, page_token=first.token)
    assert [one.name for one in [*first, *second]] == ["a", "b", "c", "a"]
    assert not second.token


def test_the_fluent_search_of_logged_models_gives_a_table(family: str) -> None:
    table = mlflow.search_logged_models(experiment_ids=[family], filter_string="name = 'b'")
    assert list(table["name"]) == ["b"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Missing value for required parameter 'experiment_ids'"),
        ({"experiment_ids": ["0"], "filter": "bogus"}, "filter string"),
        ({"experiment_ids": ["0"], "order_by": [{"field_name": "foo"}]}, "foo"),
    ],
)
def test_a_bad_search_of_logged_models_is_refused(api: Call, body: dict[str, object], words: str) -> None:
    answer = api("POST", "logged-models/search", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_the_folders_of_a_logged_model(api: Call, client: MlflowClient, experiment: str) -> None:
    made = client.create_logged_model(experiment, name="m")
    answer = api("GET", f"logged-models/{made.model_id}/artifacts/directories")
    assert answer.json()["root_uri"] == made.artifact_location
    outside = api(
        "GET", f"logged-models/{made.model_id}/artifacts/directories", params={"artifact_directory_path": "../x"}
    )
    assert outside.status_code == 400
