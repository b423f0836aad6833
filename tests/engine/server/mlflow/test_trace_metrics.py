"""Measures over traces, as MLflow's screens ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.server.otlp_requests import PROTOBUF, START_NS, otel_span, request
from tests.engine.server.wire import Answer, Wire

START_MS = START_NS // 1_000_000


@pytest.fixture(autouse=True)
def _traced(wire: Wire) -> None:
    root, child = otel_span(1, name="root"), otel_span(2, 1, name="child")
    assert wire.send("POST", "/v1/traces", request(root, child, resource={"a": "b"}), PROTOBUF).status == 200


def _ask(wire: Wire, metric: str, *aggregations: Mapping[str, object], **more: object) -> Answer:
    given = {"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": metric, "aggregations": aggregations}
    return wire.call("POST", "/api/3.0/mlflow/traces/metrics", {**given, **more})


COUNT = {"aggregation_type": "COUNT"}


def test_traces_are_counted_by_name_and_status(wire: Wire) -> None:
    answer = _ask(wire, "trace_count", COUNT, dimensions=["trace_name", "trace_status"])
    point = {
        "metric_name": "trace_count",
        "dimensions": {"trace_name": "root", "trace_status": "OK"},
        "values": {"COUNT": 1},
    }
    assert answer.json == {"data_points": [point]}


def test_latency_comes_with_percentiles_over_time(wire: Wire) -> None:
    wanted = ({"aggregation_type": "AVG"}, {"aggregation_type": "PERCENTILE", "percentile_value": 95})
    times = {"start_time_ms": START_MS - 1, "end_time_ms": START_MS + 9, "time_interval_seconds": 3_600}
    (point,) = _ask(wire, "latency", *wanted, **times).json["data_points"]
    assert point["values"] == {"AVG": 1.0, "P95.0": 1.0}
    assert point["dimensions"] == {"time_bucket": "2025-10-09T08:00:00+00:00"}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["child", "root"]),
        (["trace.status = 'OK'"], ["child", "root"]),
        (["trace.status = 'ERROR'"], []),
        (["trace.tag.a = 'b'", "span.name = 'child'"], ["child"]),
        (["trace.metadata.`mlflow.sourceRun` = 'r'"], []),
    ],
)
def test_filters_narrow_spans(wire: Wire, filters: list[str], names: list[str]) -> None:
    answer = _ask(wire, "span_count", COUNT, view_type="SPANS", dimensions=["span_name"], filters=filters)
    assert [each["dimensions"]["span_name"] for each in answer.json["data_points"]] == names


@pytest.mark.parametrize(
    "changed",
    [
        {"metric_name": "beauty"},
        {"metric_name": ""},
        {"view_type": "HOUSES"},
        {"view_type": 99},
        {"dimensions": ["colour"]},
        {"dimensions": ["span_type"]},
        {"aggregations": [{"aggregation_type": "MODE"}]},
        {"aggregations": [{"aggregation_type": "PERCENTILE"}]},
        {"aggregations": [{"aggregation_type": "COUNT", "percentile_value": 5}]},
        {"aggregations": [{"aggregation_type": "PERCENTILE", "percentile_value": 500}]},
        {"filters": ["nothing = 1"]},
        {"time_interval_seconds": 60},
        {"time_interval_seconds": 0, "start_time_ms": 0, "end_time_ms": 1},
        {"time_interval_seconds": 10**30, "start_time_ms": 0, "end_time_ms": 1},
        {"experiment_ids": ["x"]},
        {"max_results": -5},
    ],
)
def test_what_cannot_be_measured_is_refused(wire: Wire, changed: dict[str, Any]) -> None:
    given = {"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": "trace_count", "aggregations": [COUNT]}
    answer = wire.call("POST", "/api/3.0/mlflow/traces/metrics", {**given, **changed})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
