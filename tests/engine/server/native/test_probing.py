"""External endpoints over our own API: registered, probed from the server's machine, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.probing.fake import V2, served
from tests.engine.server.wire import Wire

API = "/api/qd/v1/probing"


def test_an_endpoint_is_registered_probed_changed_and_forgotten(wire: Wire) -> None:
    with served(V2) as fake:
        given = {"name": "theirs", "url": fake.url, "protocol": "v2", "model": "churn", "tags": {"team": "risk"}}
        made = wire.call("POST", f"{API}/register", given)
        assert (made.status, made.json["name"], made.json["protocol"]) == (200, "theirs", "v2")
        probe = wire.call("POST", f"{API}/probe_now", {"name": "theirs"}).json
        assert (probe["ok"], probe["facts"]["versions"]) == (True, "3, 4")
    (watched,) = wire.call("GET", f"{API}/page").json["items"]
    assert watched["health"]["state"] == "Healthy"
    assert wire.call("GET", f"{API}/history", query={"name": "theirs"}).json["items"] == [probe]
    changed = wire.call("POST", f"{API}/update", {"name": "theirs", "interval_ms": 5_000})
    assert (changed.status, changed.json["interval_ms"], changed.json["model"]) == (200, 5_000, "churn")
    assert wire.call("POST", f"{API}/delete", {"name": "theirs"}).status == 200
    assert wire.call("GET", f"{API}/get", query={"name": "theirs"}).status == 404


@pytest.mark.parametrize(
    "given",
    [
        {"name": "x", "url": "http://169.254.169.254"},
        {"name": "x", "url": "http://a.example", "protocol": "grpc"},
        {"name": "x", "url": "http://a.example", "interval_ms": "soon"},
        {"name": "x", "url": "http://a.example", "headers": {"authorization": "HOME"}},
        {"name": "x", "url": "http://a.example", "tags": [1]},
        {"name": "x", "url": 7},
        {"name": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_400(wire: Wire, given: dict[str, Any]) -> None:
    answer = wire.call("POST", f"{API}/register", given)
    assert answer.status == 400
    assert wire.call("GET", f"{API}/page").json["items"] == []
