"""What a client asks of the server itself."""

from __future__ import annotations

import pytest

from tests.clients.mlflow.wire import Call


def test_health_answers_when_ready(api: Call) -> None:
    answer = api("GET", "/health")
    assert answer.status_code == 200
    assert "OK" in answer.text


def test_version_is_plain_text_of_a_server_that_speaks_the_clients_wire(api: Call) -> None:
    answer = api("GET", "/version")
    assert answer.status_code == 200
    assert answer.text.count(".") >= 1
    assert not answer.text.startswith(("{", '"', "<"))


@pytest.mark.parametrize("prefix", ["/api/3.0", "/ajax-api/3.0"])
def test_server_info_tells_which_features_there_are(api: Call, prefix: str) -> None:
    answer = api("GET", f"{prefix}/mlflow/server-info")
    assert answer.status_code == 200
    assert "store_type" in answer.json()


def test_an_unknown_endpoint_is_not_found(api: Call) -> None:
    assert api("GET", "no-such/endpoint").status_code == 404
