"""Telemetry over our own API."""

from __future__ import annotations

import pytest

from tests.engine.server.wire import Wire
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import NOW_S, ORIGIN, prediction, window

API = "/api/qd/v1/telemetry"


@pytest.fixture
def asked(wire: Wire) -> Wire:
    """A server whose workspace has an endpoint `asked` that answered a request."""
    wire.engine.models.create("churn")
    origin = ORIGIN._replace(endpoint=wire.engine.endpoints.create("asked", "churn").row_id)
    Desk(wire.engine).report([window(NOW_S - 1, 3, origin)], [prediction(1, origin)])
    return wire


def test_labels_are_given_and_found_over_http(asked: Wire) -> None:
    rows = [{"request_id": "r-1", "value": 1}, {"request_id": "r-9", "value": "gold", "time_ms": 1_000}]
    told = asked.call("POST", f"{API}/label", {"rows": rows})
    assert (told.status, told.json) == (200, {"given": 2, "stored": 2, "repeated": 0, "waiting": 1})
    found = asked.call("GET", f"{API}/get?request_id=r-1").json
    assert [each["value"] for each in found["labels"]] == [1]
    assert found["inputs"] == [{"age": 41, "plan": "gold"}]
    assert asked.call("GET", f"{API}/get?request_id=r-2").status == 404


@pytest.mark.parametrize(
    "rows", [[{"request_id": "r-1"}], [{"request_id": "", "value": 1}], [{"request_id": "r-1", "value": [1]}], 5, None]
)
def test_labels_that_are_none_are_refused(asked: Wire, rows: object) -> None:
    assert asked.call("POST", f"{API}/label", {"rows": rows}).status == 400
    assert asked.call("GET", f"{API}/stats").json["labels"] == 0


def test_traffic_is_asked_by_the_name_of_an_endpoint(asked: Wire) -> None:
    (live,) = asked.call("GET", f"{API}/live?endpoint_id=asked&seconds=3600").json
    assert (live["deployment"], live["totals"]["requests"]) == (3, 3)
    series = asked.call("GET", f"{API}/series?endpoint_id=asked&since_ms={(NOW_S - 60) * 1000}&step_s=60").json
    assert sum(each["totals"]["requests"] for each in series) == 3
    page = asked.call("GET", f"{API}/predictions?endpoint=asked&limit=1").json
    assert [each["request_id"] for each in page["items"]] == ["r-1"]
    assert asked.call("GET", f"{API}/live?endpoint_id=nobody").status == 404
    assert asked.call("GET", f"{API}/live?endpoint_id=asked&seconds=0").status == 400
