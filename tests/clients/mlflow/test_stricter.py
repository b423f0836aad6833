"""Where ours holds more than the client's own server: what is in Production, protected names, secrets, wrong statuses.

Each refusal must be one that the client does not try again: it would keep its user waiting for minutes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.clients.mlflow.wire import LONGEST_S, Call, refused

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.quarterdeck_only

RETRIED = (408, 429, 500, 502, 503, 504)


@pytest.fixture
def in_production(client: MlflowClient, name: str, run: str) -> str:
    """A model whose version 1 is in Production; version 2 has no files."""
    root = client.get_run(run).info.artifact_uri
    client.log_text(run, "{}", "model/MLmodel")
    client.create_registered_model(name)
    client.create_model_version(name, f"{root}/model", run)
    client.create_model_version(name, f"{root}/none", run)
    client.transition_model_version_stage(name, "1", "Production")
    return name


def test_what_is_in_production_is_neither_deleted_nor_renamed(client: MlflowClient, in_production: str) -> None:
    for action in (
        lambda: client.delete_model_version(in_production, "1"),
        lambda: client.delete_registered_model(in_production),
        lambda: client.rename_registered_model(in_production, f"{in_production}-new"),
    ):
        began = time.monotonic()
        said = refused(action)
        assert said.status not in RETRIED
        assert 400 <= said.status < 500
        assert "Production" in said.message
        assert time.monotonic() - began < LONGEST_S
    client.transition_model_version_stage(in_production, "1", "Archived")
    client.delete_registered_model(in_production)


def test_a_version_without_files_does_not_enter_production(client: MlflowClient, in_production: str) -> None:
    said = refused(client.transition_model_version_stage, in_production, "2", "Production")
    assert (said.code, said.status) == ("PERMISSION_DENIED", 403)
    assert client.get_model_version(in_production, "2").current_stage == "None"
    assert client.get_model_version(in_production, "1").current_stage == "Production"


def test_the_alias_production_names_what_is_in_production(client: MlflowClient, in_production: str) -> None:
    said = refused(client.set_registered_model_alias, in_production, "production", "2")
    assert (said.code, said.status) == ("PERMISSION_DENIED", 403)
    client.set_registered_model_alias(in_production, "production", "1")
    assert int(client.get_model_version_by_alias(in_production, "production").version) == 1


def test_secrets_are_not_kept(client: MlflowClient, run: str) -> None:
    client.log_param(run, "db_password", "hunter2hunter2")
    client.set_tag(run, "note", "use sk-abcdefghijklmnopqrstuvwx")
    client.log_param(run, "max_tokens", "512")
    found = client.get_run(run).data
    assert "hunter2" not in found.params["db_password"]
    assert "abcdefghijkl" not in found.tags["note"]
    assert found.params["max_tokens"] == "512"


def test_a_secret_logged_again_is_the_same_secret(client: MlflowClient, run: str) -> None:
    client.log_param(run, "api_key", "a-secret-of-mine")
    kept = client.get_run(run).data.params["api_key"]
    client.log_param(run, "api_key", "a-secret-of-mine")
    assert client.get_run(run).data.params["api_key"] == kept
    assert "secret" not in kept


@pytest.mark.parametrize(
    "text",
    [
        '{"run_id": ' + "1" * 5000 + "}",
        '{"run_id": "x", "metrics": [{"key": 5}], "metrics": "x"}',
        '{"run_id": "x", "metrics": [{"key": 5}], "metrics": {}}',
        '{"run_id": "x", "metrics": [{"key": "m", "value": 1, "timestamp": 1e400}]}',
        '{"run_id": "x", "metrics": [{"key": "m", "value": 1, "timestamp": 99999999999999999999999}]}',
        '{"run_id": "\\ud800", "metrics": []}',
        '{"run_id": "x", "\\u0000": 1}',
    ],
)
def test_json_that_reads_in_two_ways_is_refused(api: Call, text: str) -> None:
    answer = api("POST", "runs/log-batch", data=text, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert len(answer.text) < 600


@pytest.mark.parametrize("depth", [200, 20_000])
def test_deep_nesting_is_refused(api: Call, depth: int) -> None:
    text = '{"run_id": ' + "[" * depth + "]" * depth + "}"
    answer = api("POST", "runs/log-batch", data=text, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused(api: Call, run: str) -> None:
    tags = [{"key": f"t{number}", "value": "x" * 8000} for number in range(100)]
    metrics = [{"key": f"m{number}{'k' * 200}", "value": 1, "timestamp": 1, "step": 0} for number in range(900)]
    body = {"run_id": run, "tags": tags, "metrics": metrics}
    assert api("POST", "runs/log-batch", json=body).status_code in (200, 400, 413)
    huge = b'{"run_id": "' + b"x" * 80_000_000 + b'"}'
    began = time.monotonic()
    answer = api("POST", "runs/log-batch", data=huge, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413)
    assert time.monotonic() - began < LONGEST_S


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_refused(api: Call, method: str) -> None:
    assert 400 <= api(method, "runs/create", json={}).status_code < 500


def test_another_origin_is_refused(api: Call) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert 400 <= api("POST", "experiments/search", json={"max_results": 1}, headers=headers).status_code < 500
        assert 400 <= api("GET", "experiments/search", params={"max_results": 1}, headers=headers).status_code < 500
