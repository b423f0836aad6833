"""Every endpoint that the client may call is there, under each of its prefixes; what it does, the other files hold."""

from __future__ import annotations

import pytest
import requests

from tests.clients.mlflow.wire import Call

ours = pytest.mark.quarterdeck_only

TWO = """
POST experiments/create
GET experiments/get
GET experiments/get-by-name
POST experiments/search
GET experiments/search
POST experiments/delete
POST experiments/restore
POST experiments/update
POST experiments/set-experiment-tag
POST experiments/delete-experiment-tag
POST runs/create
GET runs/get
POST runs/update
POST runs/delete
POST runs/restore
POST runs/search
POST runs/log-metric
POST runs/log-parameter
POST runs/log-batch
POST runs/set-tag
POST runs/delete-tag
POST runs/log-inputs
POST runs/outputs
POST runs/log-model
GET metrics/get-history
GET metrics/get-history-bulk-interval
GET artifacts/list
POST logged-models
GET logged-models/m-x
PATCH logged-models/m-x
DELETE logged-models/m-x
POST logged-models/search
POST logged-models/m-x/params
PATCH logged-models/m-x/tags
DELETE logged-models/m-x/tags/t
GET logged-models/m-x/artifacts/directories
POST registered-models/create
GET registered-models/get
PATCH registered-models/update
POST registered-models/rename
DELETE registered-models/delete
GET registered-models/search
POST registered-models/get-latest-versions
GET registered-models/get-latest-versions
POST registered-models/set-tag
DELETE registered-models/delete-tag
POST registered-models/alias
GET registered-models/alias
DELETE registered-models/alias
POST model-versions/create
GET model-versions/get
PATCH model-versions/update
DELETE model-versions/delete
GET model-versions/search
GET model-versions/get-download-uri
POST model-versions/transition-stage
POST model-versions/set-tag
DELETE model-versions/delete-tag
POST traces/delete-traces
PATCH traces/tr-x/tags
DELETE traces/tr-x/tags
GET webhooks
POST webhooks
GET webhooks/w
PATCH webhooks/w
DELETE webhooks/w
POST webhooks/w/test
"""

THREE = """
GET server-info
POST traces
POST traces/search
GET traces/batchGet
GET traces/get
GET traces/tr-x
PATCH traces/tr-x/tags
DELETE traces/tr-x/tags
POST traces/delete-traces
POST traces/metrics
POST traces/tr-x/assessments
GET traces/tr-x/assessments/a-x
PATCH traces/tr-x/assessments/a-x
DELETE traces/tr-x/assessments/a-x
"""

PLAIN = """
GET /health
GET /version
GET /get-artifact
GET /model-versions/get-artifact
POST /v1/traces
"""

PROXY = """
GET artifacts
GET artifacts/a/b
PUT artifacts/a/b
DELETE artifacts/a/b
POST mpu/create/a
POST mpu/complete/a
POST mpu/abort/a
GET presigned/a
"""


def endpoints(text: str, prefixes: tuple[str, ...]) -> list[str]:
    """Every line under every prefix."""
    return [
        f"{method} {prefix}{path}"
        for line in text.split("\n")
        if line
        for method, path in [line.split(" ")]
        for prefix in prefixes
    ]


ALL = [
    *endpoints(TWO, ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")),
    *endpoints(THREE, ("/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/")),
    *endpoints(PROXY, ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")),
    *endpoints(PLAIN, ("",)),
]


def is_there(answer: requests.Response) -> bool:
    """Whether a route answered, rather than the table of routes."""
    if answer.status_code == 405:
        return False
    if answer.status_code != 404:
        return True
    try:
        told = answer.json()
    except requests.JSONDecodeError:
        return False
    return told.get("error_code") not in (None, "ENDPOINT_NOT_FOUND") and "There is no /" not in told["message"]


@pytest.mark.parametrize("endpoint", ALL)
def test_the_endpoint_is_there(api: Call, endpoint: str) -> None:
    method, path = endpoint.split(" ")
    body: dict[str, str] | None = {} if method in ("POST", "PATCH", "DELETE") else None
    answer = api(method, path, json=body)
    assert is_there(answer), f"{answer.status_code} {answer.text[:200]}"


@ours
@pytest.mark.parametrize("endpoint", ALL)
def test_nothing_that_is_missing_is_the_servers_fault(api: Call, endpoint: str) -> None:
    method, path = endpoint.split(" ")
    bodies: tuple[dict[str, str] | None, ...] = (None, {})
    for body in bodies:
        answer = api(method, path, json=body)
        assert answer.status_code < 500, f"{answer.status_code} {answer.text[:200]}"
