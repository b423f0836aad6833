"""What every client test starts from; these run in the client's environment, against `MLFLOW_TRACKING_URI`.

`QD_JUDGE=mlflow` says that the client's own server listens there: tests where ours is knowingly stricter or richer are
then left out, and all others must pass, which is how the tests themselves are judged.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import mlflow
import pytest
import requests
from mlflow import MlflowClient

from tests.clients.mlflow.wire import Call


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("QD_JUDGE") == "mlflow":
        for item in items:
            if item.get_closest_marker("quarterdeck_only"):
                item.add_marker(pytest.mark.skip(reason="the client's own server is laxer here"))


@pytest.fixture(scope="session")
def url() -> str:
    """Where the server listens."""
    return os.environ["MLFLOW_TRACKING_URI"].rstrip("/")


@pytest.fixture(scope="session")
def client() -> MlflowClient:
    return MlflowClient()


@pytest.fixture
def name() -> str:
    """A name that nothing else has."""
    return f"n{uuid.uuid4().hex[:12]}"


@pytest.fixture
def experiment(client: MlflowClient, name: str) -> str:
    """The id of a new experiment."""
    made: str = client.create_experiment(f"exp-{name}")
    return made


@pytest.fixture
def run(client: MlflowClient, experiment: str) -> str:
    """The id of a new running run."""
    made: str = client.create_run(experiment).info.run_id
    return made


@pytest.fixture
def api(url: str) -> Call:
    """Sends what the client would not."""

    def send(method: str, path: str, **options: object) -> requests.Response:
        target = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        return requests.request(method, f"{url}{target}", timeout=30, **options)

    return send


@pytest.fixture(autouse=True)
def _no_run_left() -> Iterator[None]:
    """No run stays active from one test to the next."""
    yield
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture(autouse=True, scope="module")
def _no_experiment_left() -> Iterator[None]:
    """No experiment stays chosen from one file to the next: they share a process, since loading the client is slow."""
    yield
    mlflow.tracking.fluent._active_experiment_id = None  # noqa: SLF001 - the client has no word for it
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
