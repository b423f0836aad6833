"""Rollouts over our own API."""

from __future__ import annotations

import pytest

from tests.engine.cli.served import serve_small
from tests.engine.server.wire import Wire

API = "/api/qd/v1/rollouts"
BEGIN = {"endpoint": "small", "version": 2, "reason": "better", "plan": "10% 10m -> 100%"}


@pytest.fixture
def serving(wire: Wire) -> Wire:
    """A server whose workspace has an endpoint `small`, version 1 live and version 2 to be tried."""
    serve_small(wire.engine.workspace.path)
    return wire


def test_a_rollout_is_begun_paused_gone_on_with_and_aborted(serving: Wire) -> None:
    assert serving.call("GET", f"{API}/open_of?endpoint=small").json is None
    begun = serving.call("POST", f"{API}/start", BEGIN)
    assert (begun.status, begun.json["state"], begun.json["live_version"]) == (200, "running", 1)
    for verb, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        told = serving.call("POST", f"{API}/{verb}", {"endpoint": "small", "reason": "so"})
        assert (told.status, told.json["state"]) == (200, state)
    page = serving.call("GET", f"{API}/page?endpoint=small").json
    assert [each["id"] for each in page["items"]] == [begun.json["id"]]
    verdicts = serving.call("GET", f"{API}/verdicts?rollout={begun.json['id']}").json
    assert [each["verdict"] for each in verdicts] == ["fail"]


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("start", BEGIN | {"version": 9}, 404),
        ("start", BEGIN | {"version": 1}, 409),
        ("start", BEGIN | {"plan": "10%"}, 400),
        ("start", BEGIN | {"plan": ""}, 400),
        ("start", BEGIN | {"reason": " "}, 400),
        ("start", BEGIN | {"version": "two"}, 400),
        ("start", BEGIN | {"other": 1}, 400),
        ("start", BEGIN | {"endpoint": "nobody"}, 404),
        ("pause", {"endpoint": "small", "reason": "none is open"}, 404),
        ("abort", [], 400),
    ],
)
def test_what_cannot_be_is_refused(serving: Wire, verb: str, body: object, status: int) -> None:
    assert serving.call("POST", f"{API}/{verb}", body).status == status
    assert serving.call("GET", f"{API}/page").json["items"] == []


@pytest.mark.parametrize(
    ("asked", "status"), [("verdicts?rollout=7", 404), ("verdicts?rollout=-1", 404), ("page?limit=0", 400)]
)
def test_what_is_not_there_is_told(serving: Wire, asked: str, status: int) -> None:
    assert serving.call("GET", f"{API}/{asked}").status == status
