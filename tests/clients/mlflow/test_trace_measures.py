"""Counts, latencies and tokens over many traces, as the client's own pages of charts ask for them."""

from __future__ import annotations

import secrets
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
from mlflow.tracking._tracking_service.utils import _get_store

from tests.clients.mlflow.wire import Call, refused

COUNT, AVG, LEAST, MOST, SUM = (
    MetricAggregation(kind)
    for kind in (
        AggregationType.COUNT,
        AggregationType.AVG,
        AggregationType.MIN,
        AggregationType.MAX,
        AggregationType.SUM,
    )
)
HALF = MetricAggregation(AggregationType.PERCENTILE, percentile_value=50.0)
BASE_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def family() -> str:
    """An experiment with four traces of 10, 20, 30 and 100 ms; one failed, three of one name, two minutes apart."""
    client = MlflowClient()
    experiment: str = client.create_experiment(f"measures-{secrets.token_hex(6)}")
    for number, (name, length, status) in enumerate(
        (("ask", 10, "OK"), ("ask", 20, "OK"), ("ask", 30, "ERROR"), ("tell", 100, "OK"))
    ):
        start = (BASE_MS + number * 120_000) * 1_000_000
        root = client.start_trace(
            name,
            experiment_id=experiment,
            start_time_ns=start,
            attributes={
                "mlflow.chat.tokenUsage": {"input_tokens": number, "output_tokens": 1, "total_tokens": number + 1}
            },
        )
        client.end_trace(root.trace_id, status=status, end_time_ns=start + length * 1_000_000)
    mlflow.flush_trace_async_logging()
    return experiment


def asked(experiment: str, metric: str, *aggregations: MetricAggregation, **options: Any) -> list[Any]:
    view = options.pop("view", MetricViewType.TRACES)
    found = _get_store().query_trace_metrics([experiment], view, metric, list(aggregations), **options)
    return [(dict(one.dimensions or {}), dict(one.values)) for one in found]


@pytest.mark.parametrize(
    ("metric", "aggregation", "expected"),
    [
        ("trace_count", COUNT, {"COUNT": 4.0}),
        ("latency", AVG, {"AVG": 40.0}),
        ("latency", LEAST, {"MIN": 10.0}),
        ("latency", MOST, {"MAX": 100.0}),
        ("latency", HALF, {"P50.0": 25.0}),
        ("total_tokens", SUM, {"SUM": 10.0}),
        ("input_tokens", MOST, {"MAX": 3.0}),
        ("output_tokens", AVG, {"AVG": 1.0}),
    ],
)
def test_one_number_over_all_traces(
    family: str, metric: str, aggregation: MetricAggregation, expected: dict[str, float]
) -> None:
    assert [values for _, values in asked(family, metric, aggregation)] == [expected]


def test_traces_are_counted_by_name_and_by_state(family: str) -> None:
    found = asked(family, "trace_count", COUNT, dimensions=["trace_name"])
    assert sorted((told["trace_name"], values["COUNT"]) for told, values in found) == [("ask", 3.0), ("tell", 1.0)]
    found = asked(family, "trace_count", COUNT, dimensions=["trace_status"])
    assert sorted((told["trace_status"], values["COUNT"]) for told, values in found) == [("ERROR", 1.0), ("OK", 3.0)]


def test_traces_are_counted_by_the_minute(family: str) -> None:
    found = asked(
        family,
        "trace_count",
        COUNT,
        time_interval_seconds=240,
        start_time_ms=BASE_MS - 1000,
        end_time_ms=BASE_MS + 1_000_000,
    )
    assert sum(values["COUNT"] for _, values in found) == 4.0
    assert len(found) in (2, 3)
    assert all("time_bucket" in told for told, _ in found)


def test_only_what_began_in_a_span_of_time_counts(family: str) -> None:
    found = asked(family, "trace_count", COUNT, start_time_ms=BASE_MS + 60_000, end_time_ms=BASE_MS + 250_000)
    assert found == [({}, {"COUNT": 2.0})]


def test_spans_are_counted(family: str) -> None:
    assert asked(family, "span_count", COUNT, view=MetricViewType.SPANS) == [({}, {"COUNT": 4.0})]


def test_assessments_are_measured(client: MlflowClient, experiment: str) -> None:
    root = client.start_trace("t", experiment_id=experiment)
    client.end_trace(root.trace_id)
    mlflow.flush_trace_async_logging()
    for value in (1, 3):
        mlflow.log_feedback(trace_id=root.trace_id, name="score", value=value)
    view = MetricViewType.ASSESSMENTS
    assert asked(experiment, "assessment_value", AVG, view=view) == [({}, {"AVG": 2.0})]
    [(told, values)] = asked(experiment, "assessment_count", COUNT, view=view, dimensions=["assessment_name"])
    assert (told, values) == ({"assessment_name": "score"}, {"COUNT": 2.0})


def test_what_cannot_be_measured_is_refused(family: str) -> None:
    said = refused(asked, family, "nothing", COUNT)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)


@pytest.mark.parametrize("missing", ["experiment_ids", "view_type", "metric_name", "aggregations"])
def test_a_question_must_be_whole(api: Call, missing: str) -> None:
    body = {
        "experiment_ids": ["0"],
        "view_type": "TRACES",
        "metric_name": "trace_count",
        "aggregations": [{"aggregation_type": "COUNT"}],
    }
    answer = api("POST", "/api/3.0/mlflow/traces/metrics", json={k: v for k, v in body.items() if k != missing})
    assert answer.status_code == 400
