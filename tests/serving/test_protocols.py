from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.serving.shop import Served

ROW = [0.5, -1.0, 2.0, 0.25]
BY_NAME = dict(zip("abcd", ROW, strict=True))


def tensor(data: Any, shape: list[int], *, name: str = "x", datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def predictions(served: Served, inputs: list[dict[str, Any]], **more: Any) -> dict[str, list[Any]]:
    reply = served.ask("POST", "/v2/models/churn/infer", {"inputs": inputs, **more})
    assert reply.status == 200, reply.body
    return {each["name"]: each["data"] for each in reply.json()["outputs"]}


def test_all_protocols_answer_alike(served: Served) -> None:
    by_v2 = predictions(served, [tensor(ROW, [1, 4])])
    plain = served.ask("POST", "/predict", {"features": ROW}).json()
    mlflow = served.ask("POST", "/invocations", {"inputs": [ROW]}).json()
    assert by_v2["predict"] == [plain["prediction"]] == mlflow["predictions"]
    assert by_v2["predict_proba"] == plain["probabilities"]


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor([ROW], [1, 4])],
        [tensor(ROW, [4])],
        [tensor(ROW, [1, 4], datatype="FP32")],
        [tensor([value], [1], name=name) for name, value in BY_NAME.items()],
        [tensor([[value]], [1, 1], name=name) for name, value in reversed(BY_NAME.items())],
    ],
    ids=["nested", "one row", "fp32", "a tensor a column", "columns of rows in another order"],
)
def test_v2_takes_a_row_however_it_is_laid_out(served: Served, inputs: list[dict[str, Any]]) -> None:
    assert predictions(served, inputs) == predictions(served, [tensor(ROW, [1, 4])])


def test_v2_answers_with_the_id_the_version_and_the_outputs_that_were_asked_for(served: Served) -> None:
    body = {"id": "mine", "inputs": [tensor([ROW, ROW], [2, 4])], "outputs": [{"name": "predict"}]}
    reply = served.ask("POST", "/v2/models/churn/versions/1/infer", body, {"x-request-id": "abc"})
    said = reply.json()
    assert (said["id"], said["model_name"], said["model_version"]) == ("mine", "churn", "1")
    assert [(each["name"], each["shape"]) for each in said["outputs"]] == [("predict", [2])]
    assert reply.headers["x-model-version"] == "churn/1"
    assert reply.headers["x-deployment-generation"] == "1"
    assert reply.headers["x-deployment-share"] == "live"
    assert reply.headers["x-request-id"] == "abc"


def test_v2_tells_of_itself_and_of_its_models(served: Served) -> None:
    assert "binary_tensor_data" in served.ask("GET", "/v2").json()["extensions"]
    model = served.ask("GET", "/v2/models/churn").json()
    assert model["versions"] == ["1"]
    assert [each["name"] for each in model["inputs"]] == list("abcd")
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/churn/ready", "/ping", "/health", "/version"):
        assert served.ask("GET", path).status == 200, path


def test_tensors_go_as_bytes_both_ways(served: Served) -> None:
    import numpy as np

    data = np.array([ROW], dtype="<f4").tobytes()
    head = json.dumps(
        {
            "inputs": [
                {"name": "x", "shape": [1, 4], "datatype": "FP32", "parameters": {"binary_data_size": len(data)}}
            ],
            "outputs": [{"name": "predict_proba", "parameters": {"binary_data": True}}],
        }
    ).encode()
    reply = served.ask(
        "POST", "/v2/models/churn/infer", head + data, {"inference-header-content-length": str(len(head))}
    )
    size = int(reply.headers["inference-header-content-length"])
    told = json.loads(reply.body[:size])["outputs"][0]
    assert told["parameters"]["binary_data_size"] == len(reply.body) - size == 16
    found = np.frombuffer(reply.body[size:], dtype="<f8")
    assert found.tolist() == predictions(served, [tensor(ROW, [1, 4])])["predict_proba"]


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {name: [value] for name, value in BY_NAME.items()}},
        {"inputs": [ROW]},
        {"instances": [ROW]},
        {"instances": [BY_NAME]},
        {"dataframe_split": {"columns": list("abcd"), "data": [ROW]}},
        {"dataframe_split": {"columns": list("dcba"), "data": [ROW[::-1]]}},
        {"dataframe_split": {"data": [ROW]}, "params": {"x": 1}},
        {"dataframe_records": [BY_NAME]},
    ],
)
def test_invocations_takes_what_mlflow_clients_send(served: Served, body: dict[str, Any]) -> None:
    plain = served.ask("POST", "/churn/predict", {"features": ROW}).json()
    for path in ("/invocations", "/invocations/churn", "/churn/invocations"):
        reply = served.ask("POST", path, body)
        assert (reply.status, reply.json()) == (200, {"predictions": [plain["prediction"]]})


def test_invocations_takes_csv(served: Served) -> None:
    text = b"d,c,b,a\n" + ",".join(str(each) for each in reversed(ROW)).encode() + b"\n"
    reply = served.ask("POST", "/invocations", text, {"content-type": "text/csv; charset=utf-8"})
    assert reply.json() == {"predictions": [served.ask("POST", "/predict", {"features": ROW}).json()["prediction"]]}


def test_predict_takes_rows_and_names(served: Served) -> None:
    one = served.ask("POST", "/predict", {"features": ROW}).json()
    assert one["model_version"] == "1"
    assert served.ask("POST", "/predict", {"features": BY_NAME}).json() == one
    many = served.ask("POST", "/predict/churn", {"features": [ROW, ROW]}).json()
    assert many["prediction"] == [one["prediction"]] * 2


def test_a_stream_is_answered_line_by_line(served: Served) -> None:
    lines = b'[0.5,-1,2,0.25]\n{"features": [1, 2, 3]}\n\n{"features": {"a": 1, "b": 2, "c": 3, "d": 4}}\n'
    reply = served.ask("POST", "/stream/churn", lines, {"content-type": "application/x-ndjson"})
    found = [json.loads(line) for line in reply.body.splitlines()]
    assert [sorted(each) for each in found] == [
        ["model_version", "prediction", "probabilities"],
        ["detail"],
        ["model_version", "prediction", "probabilities"],
    ]
    events = served.ask("POST", "/stream/churn", lines, {"accept": "text/event-stream"})
    assert events.body.count(b"data: {") == 3
    assert events.headers["content-type"] == "text/event-stream"


def test_metrics_count_what_was_answered_under_all_names(served: Served) -> None:
    served.ask("POST", "/predict", {"features": ROW})
    text = served.ask("GET", "/metrics").body.decode()
    for name in (
        'quarterdeck_requests_total{endpoint="churn",model="churn",version="1",share="live",outcome="ok"}',
        'nv_inference_request_success{model="churn",version="1"}',
        'model_infer_request_success_total{model="churn",version="1"}',
        'request_predict_seconds_count{model_name="churn",version="1",share="live"}',
    ):
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert float(line.rpartition(" ")[2]) > 0
