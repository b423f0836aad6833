"""The client with a token in `MLFLOW_TRACKING_TOKEN`, whose scope is that of a writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.clients.mlflow.wire import Call, refused

if TYPE_CHECKING:
    from mlflow import MlflowClient


def test_with_a_token_a_program_logs_as_ever(client: MlflowClient, experiment: str, tmp_path: Path) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_param("p", 1)
        mlflow.log_metric("m", 0.5)
        mlflow.log_text("x" * 1000, "folder/file.txt")
    assert client.get_run(run.info.run_id).data.metrics == {"m": 0.5}
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="folder", dst_path=str(tmp_path))
    assert [one.name for one in Path(got).iterdir()] == ["file.txt"]


def test_a_traced_function_is_recorded(experiment: str) -> None:
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_span("root") as span:
        span.set_inputs({"a": 1})
    mlflow.flush_trace_async_logging()
    assert mlflow.get_trace(span.trace_id) is not None


def test_an_exporter_sends_the_token_as_a_header(url: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"}
    provider = TracerProvider()
    sender = OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers, timeout=60)
    provider.add_span_processor(SimpleSpanProcessor(sender))
    with provider.get_tracer("t").start_as_current_span("root") as span:
        pass
    provider.shutdown()
    assert mlflow.get_trace(f"tr-{span.get_span_context().trace_id:032x}") is not None


def test_a_writer_registers_but_does_not_promote(client: MlflowClient, name: str, run: str) -> None:
    client.log_text(run, "{}", "model/MLmodel")
    client.create_registered_model(name)
    version = client.create_model_version(name, f"{client.get_run(run).info.artifact_uri}/model", run).version
    said = refused(client.transition_model_version_stage, name, version, "Production")
    assert (said.code, said.status) == ("PERMISSION_DENIED", 403)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer qd_wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/2.0/mlflow/runs/create"),
        ("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/f"),
        ("POST", "/v1/traces"),
    ],
)
def test_without_a_token_nothing_is_told(url: str, method: str, path: str, headers: dict[str, str]) -> None:
    answer = requests.request(method, f"{url}{path}", headers=headers, data=b"{}", timeout=30)
    assert answer.status_code in (401, 429)


def test_a_user_without_a_token_is_told_at_once(api: Call) -> None:
    answer = api("GET", "experiments/search", params={"max_results": 1}, headers={"Authorization": "Bearer nobody"})
    assert answer.status_code in (401, 429)
    assert "token" in answer.json()["message"].lower()
