"""`/invocations` through MLflow's own client of scoring servers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from mlflow.deployments import PredictionsResponse
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import dump_input_data

from tests.clients.serving.conftest import Truth


@pytest.fixture(scope="session")
def client(url: str) -> ScoringServerClient:
    host, _, port = url.removeprefix("http://").partition(":")
    return ScoringServerClient(host, int(port))


def labels(answer: PredictionsResponse) -> list[Any]:
    found = answer.get_predictions()
    return [int(each) for each in found[found.columns[0]]]


def test_it_is_ready_and_tells_its_version(client: ScoringServerClient) -> None:
    client.wait_server_ready(timeout=10)
    client.ping()
    assert client.get_version().count(".") >= 1


def test_a_frame_is_answered_as_by_the_model(client: ScoringServerClient, truth: Truth) -> None:
    assert labels(client.invoke(truth.frame())) == truth.labels


def test_columns_of_a_frame_may_come_in_another_order(client: ScoringServerClient, truth: Truth) -> None:
    assert labels(client.invoke(truth.frame()[list(reversed(truth.columns))])) == truth.labels


def test_a_frame_with_an_index_of_its_own_is_taken(client: ScoringServerClient, truth: Truth) -> None:
    frame = truth.frame().set_index(pd.Index([f"row {index}" for index in range(len(truth.rows))]))
    assert labels(client.invoke(frame)) == truth.labels


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_is_answered_as_by_the_model(client: ScoringServerClient, truth: Truth, dtype: Any) -> None:
    answer = client.invoke(np.array(truth.rows, dtype))
    found = answer.get_predictions(predictions_format="ndarray")
    assert found.reshape(-1).tolist() == truth.labels


def test_lists_and_parameters_are_taken(client: ScoringServerClient, truth: Truth) -> None:
    assert labels(client.invoke(truth.rows, params={"anything": 1})) == truth.labels


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_its_own_dump_is_taken_under_both_keys(url: str, truth: Truth, key: str) -> None:
    body = dump_input_data(np.array(truth.rows), inputs_key=key)
    answer = requests.post(f"{url}/invocations", data=body, headers={"content-type": "application/json"}, timeout=10)
    assert PredictionsResponse.from_json(answer.text)["predictions"] == truth.labels


@pytest.mark.parametrize("orient", ["split", "records"])
def test_frames_as_pandas_writes_them_are_taken(url: str, truth: Truth, orient: Any) -> None:
    body = f'{{"dataframe_{orient}": {truth.frame().to_json(orient=orient)}}}'
    answer = requests.post(f"{url}/invocations", data=body, headers={"content-type": "application/json"}, timeout=10)
    assert answer.json() == {"predictions": truth.labels}


@pytest.mark.parametrize("kind", ["text/csv", "text/csv; charset=utf-8"])
def test_csv_as_pandas_writes_it_is_taken(url: str, truth: Truth, kind: str) -> None:
    body = truth.frame().to_csv(index=False)
    answer = requests.post(f"{url}/invocations", data=body, headers={"content-type": kind}, timeout=10)
    assert answer.json() == {"predictions": truth.labels}


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"a": [1.0], "b": [2.0]}),
        pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0], "d": ["text"]}),
        np.array([[1.0, 2.0, 3.0]]),
        np.array([[1.0, 2.0, 3.0, np.nan]]),
        "no JSON",
        '{"data": [[1, 2, 3, 4]]}',
    ],
    ids=["columns", "text", "width", "nan", "no json", "no key"],
)
def test_what_cannot_be_is_refused_in_its_words(client: ScoringServerClient, data: Any) -> None:
    with pytest.raises(Exception, match=r"error code 400.*\"error_code\":\s*\"BAD_REQUEST\".*\"message\""):
        client.invoke(data)
