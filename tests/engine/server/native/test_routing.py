"""Who answers, over our own API: shares are percentages, both ways."""

from __future__ import annotations

import json

import pytest

from tests.engine.cli.served import serve_small
from tests.engine.server.wire import Wire

API = "/api/qd/v1/endpoints"
CANARY = {"name": "small", "version": 2, "share": "canary", "weight": 12.5, "reason": "try it"}


@pytest.fixture
def serving(wire: Wire) -> Wire:
    """A server whose workspace has an endpoint `small`, version 1 live and version 2 to be tried."""
    serve_small(wire.engine.workspace.path)
    return wire


def weights(wire: Wire) -> dict[int, float]:
    told = wire.call("GET", f"{API}/get?name=small").json
    return {each["version"]: each["weight"] for each in told["deployments"] if each["share"]}


def test_a_share_is_given_and_told_in_percent(serving: Wire) -> None:
    made = serving.call("POST", f"{API}/deploy", CANARY)
    assert made.status == 200
    assert {each["share"]: each["weight"] for each in made.json["routes"]} == {"live": 0, "canary": 12.5}
    assert weights(serving) == {1: 87.5, 2: 12.5}
    assert serving.call("POST", f"{API}/traffic", {"name": "small", "weights": {"2": 30}, "reason": "r"}).status == 200
    assert weights(serving) == {1: 70, 2: 30}
    plan = serving.call("GET", f"{API}/plan?name=small&cause=deploy&version=2&share=canary&weight=0.1").json
    assert [each["weight"] for each in plan["after"]] == [99.9, 0.1]
    assert plan["wish"]["weight"] == 0.1
    history = serving.call("GET", f"{API}/history?name=small").json["items"]
    assert [each["weight"] for each in history[0]["routes"]] == [0, 30]


@pytest.mark.parametrize("weight", [12.34, -1, 101, 100.1, "many", None, 1e400, True, [5]])
def test_a_share_that_is_none_is_refused(serving: Wire, weight: object) -> None:
    body = json.dumps(CANARY | {"weight": weight}).replace("Infinity", "1e400")
    assert serving.call("POST", f"{API}/deploy", json.loads(body) if "1e400" not in body else weight).status == 400
    told = serving.call("POST", f"{API}/traffic", {"name": "small", "weights": {"2": weight}, "reason": "r"})
    assert told.status == 400
    assert weights(serving) == {1: 100}


def test_weights_beyond_the_whole_are_refused_with_a_sentence(serving: Wire) -> None:
    assert serving.call("POST", f"{API}/deploy", CANARY).status == 200
    told = serving.call("POST", f"{API}/traffic", {"name": "small", "weights": {"1": 90, "2": 11}, "reason": "r"})
    assert told.status == 400
    assert "The shares sum to 101 %" in json.dumps(told.json)


def test_the_document_says_percent(serving: Wire) -> None:
    document = serving.call("GET", "/api/qd/v1/openapi.json").json
    body = document["paths"]["/api/qd/v1/endpoints/deploy"]["post"]["requestBody"]
    shown = json.dumps(body)
    assert "in percent" in shown
    assert "0.1 %" not in json.dumps(document["paths"]["/api/qd/v1/endpoints/traffic"])
