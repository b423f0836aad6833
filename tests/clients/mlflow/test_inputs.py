"""Datasets as inputs of runs, and models as their outputs."""

from __future__ import annotations

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput

from tests.clients.mlflow.wire import Call, refused


def given(name: str = "wine", digest: str = "d1", context: str | None = "train") -> DatasetInput:
    tags = [InputTag("mlflow.data.context", context)] if context else []
    return DatasetInput(Dataset(name, digest, "local", '{"uri": "x"}', '{"columns": []}', '{"rows": 3}'), tags)


def test_a_table_is_logged_as_an_input(client: MlflowClient, experiment: str) -> None:
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]}), source="memory", name="small")
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_input(data, context="training", tags={"kind": "toy"})
    [found] = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest, found.dataset.source_type) == ("small", data.digest, "local")
    assert json.loads(found.dataset.profile) == {"num_rows": 2, "num_elements": 4}
    assert [one["name"] for one in json.loads(found.dataset.schema)["mlflow_colspec"]] == ["x", "y"]
    assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "training", "kind": "toy"}


def test_the_source_of_an_input_is_found_again(client: MlflowClient, experiment: str) -> None:
    data = mlflow.data.from_numpy(np.arange(6.0).reshape(3, 2), source="memory", name="array")
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_input(data)
    [found] = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert mlflow.data.get_source(found) is not None
    assert [tag.key for tag in found.tags] == []


def test_an_input_comes_back_whole(client: MlflowClient, run: str) -> None:
    client.log_inputs(run, [given()])
    [found] = client.get_run(run).inputs.dataset_inputs
    assert found.to_dictionary() == given().to_dictionary()


def test_the_same_input_twice_is_one(client: MlflowClient, run: str) -> None:
    client.log_inputs(run, [given()])
    client.log_inputs(run, [given()])
    assert len(client.get_run(run).inputs.dataset_inputs) == 1


def test_many_inputs_and_many_runs_share_datasets(client: MlflowClient, experiment: str) -> None:
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    for one in runs:
        client.log_inputs(one, [given("a", "1"), given("a", "2", "eval"), given("b", "1", None)])
    for one in runs:
        found = client.get_run(one).inputs.dataset_inputs
        assert sorted((item.dataset.name, item.dataset.digest) for item in found) == [
            ("a", "1"),
            ("a", "2"),
            ("b", "1"),
        ]
    assert len(client.search_runs([experiment], "dataset.digest = '2'")) == 2


@pytest.mark.parametrize(
    ("title", "digest", "words"),
    [
        ("d" * 501, "x", "'name' exceeds the maximum length of 500"),
        ("d", "x" * 37, "'digest' exceeds the maximum length of 36"),
    ],
)
def test_what_is_too_long_is_refused(client: MlflowClient, run: str, title: str, digest: str, words: str) -> None:
    said = refused(client.log_inputs, run, [given(title, digest)])
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)
    assert words in said.message


def test_an_input_of_an_unknown_run_is_refused(client: MlflowClient) -> None:
    said = refused(client.log_inputs, "f" * 32, [given()])
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)


def test_a_model_is_an_output_of_its_run(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.log_outputs(run, [LoggedModelOutput(model.model_id, step=3)])
    outputs = client.get_run(run).outputs.model_outputs
    assert [(one.model_id, one.step) for one in outputs] == [(model.model_id, 3)]


def test_a_model_is_an_input_of_a_run(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    model = client.create_logged_model(experiment, name="m")
    client.log_inputs(run, models=[mlflow.entities.LoggedModelInput(model.model_id)])
    assert [one.model_id for one in client.get_run(run).inputs.model_inputs] == [model.model_id]


def test_an_older_client_records_a_model_by_tag(api: Call, client: MlflowClient, run: str) -> None:
    model = {"run_id": run, "artifact_path": "m", "utc_time_created": "2020-01-01", "flavors": {}}
    assert api("POST", "runs/log-model", json={"run_id": run, "model_json": json.dumps(model)}).status_code == 200
    [told] = json.loads(client.get_run(run).data.tags["mlflow.log-model.history"])
    assert told["artifact_path"] == "m"


@pytest.mark.parametrize("text", ["x", "{}", "[]"])
def test_a_malformed_model_record_is_refused(api: Call, run: str, text: str) -> None:
    answer = api("POST", "runs/log-model", json={"run_id": run, "model_json": text})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
