"""Metric points through the client: order, duplicates, steps, what is not a number, and which one is the latest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from tests.clients.mlflow.wire import Call, refused

LARGEST = 1.7976931348623157e308


def history(client: MlflowClient, run: str, key: str = "m") -> list[tuple[float, int, int]]:
    """(value, time, step) of every stored point, as the server orders them."""
    return [(point.value, point.timestamp, point.step) for point in client.get_metric_history(run, key)]


def log(client: MlflowClient, run: str, points: Sequence[tuple[float, int, int]]) -> None:
    for value, time, step in points:
        client.log_metric(run, "m", value, timestamp=time, step=step)


@pytest.mark.parametrize("value", [0.0, -0.0, 1, -1.5, 1e-300, 1e300, 0.1 + 0.2, 5e-324, LARGEST, -LARGEST, 2**53 + 1])
def test_a_value_comes_back_bit_for_bit(client: MlflowClient, run: str, value: float) -> None:
    client.log_metric(run, "m", value, timestamp=1, step=0)
    assert client.get_run(run).data.metrics == {"m": float(value)}
    assert history(client, run) == [(float(value), 1, 0)]


def test_not_a_number_is_kept(client: MlflowClient, run: str) -> None:
    client.log_metric(run, "m", math.nan, timestamp=1, step=0)
    assert math.isnan(client.get_run(run).data.metrics["m"])
    [(value, time, step)] = history(client, run)
    assert math.isnan(value)
    assert (time, step) == (1, 0)


@pytest.mark.parametrize(("value", "stored"), [(math.inf, LARGEST), (-math.inf, -LARGEST)])
def test_infinities_become_the_largest_numbers(client: MlflowClient, run: str, value: float, stored: float) -> None:
    client.log_metric(run, "m", value, timestamp=1, step=0)
    assert client.get_run(run).data.metrics == {"m": stored}
    assert history(client, run) == [(stored, 1, 0)]


def test_a_point_logged_twice_is_stored_once(client: MlflowClient, run: str) -> None:
    log(client, run, [(1.0, 5, 0), (1.0, 5, 0)])
    client.log_batch(run, metrics=[Metric("m", 1.0, 5, 0)] * 3)
    assert history(client, run) == [(1.0, 5, 0)]


def test_a_not_a_number_logged_twice_is_stored_once(client: MlflowClient, run: str) -> None:
    log(client, run, [(math.nan, 5, 0), (math.nan, 5, 0)])
    assert len(history(client, run)) == 1


def test_points_that_differ_in_anything_are_all_kept(client: MlflowClient, run: str) -> None:
    points = [(1.0, 5, 0), (2.0, 5, 0), (1.0, 6, 0), (1.0, 5, 1)]
    log(client, run, points)
    assert sorted(history(client, run)) == sorted(points)


def test_history_is_in_order_of_time_then_step_then_value(client: MlflowClient, run: str) -> None:
    log(client, run, [(3.0, 20, 1), (1.0, 10, 2), (2.0, 10, 1), (0.5, 10, 1), (4.0, 5, 9), (5.0, 20, -1)])
    assert history(client, run) == [(4.0, 5, 9), (0.5, 10, 1), (2.0, 10, 1), (1.0, 10, 2), (5.0, 20, -1), (3.0, 20, 1)]


@pytest.mark.parametrize(
    ("points", "latest"),
    [
        ([(1.0, 10, 0), (2.0, 20, 0)], 2.0),
        ([(2.0, 20, 0), (1.0, 10, 0)], 2.0),
        ([(1.0, 10, 5), (2.0, 99, 3)], 1.0),
        ([(2.0, 99, 3), (1.0, 10, 5)], 1.0),
        ([(1.0, 10, 0), (2.0, 10, 0)], 2.0),
        ([(2.0, 10, 0), (1.0, 10, 0)], 2.0),
        ([(1.0, 10, -5), (2.0, 5, -4)], 2.0),
        ([(1.0, 0, 0), (0.5, 0, 0)], 1.0),
    ],
)
@pytest.mark.parametrize("batch", [False, True], ids=["one by one", "in a batch"])
def test_the_latest_has_the_greatest_step_then_time_then_value(
    client: MlflowClient, run: str, points: list[tuple[float, int, int]], latest: float, batch: bool
) -> None:
    if batch:
        client.log_batch(run, metrics=[Metric("m", *point) for point in points])
    else:
        log(client, run, points)
    assert client.get_run(run).data.metrics == {"m": latest}


def test_the_latest_is_told_with_its_step_and_time(client: MlflowClient, run: str) -> None:
    log(client, run, [(1.0, 10, 0), (2.0, 30, 7), (3.0, 40, 6)])
    told = {one.key: (one.value, one.timestamp, one.step) for one in client.get_run(run).data._metric_objs}  # noqa: SLF001 - the only way the client tells the step
    assert told == {"m": (2.0, 30, 7)}


def test_steps_may_be_negative_and_large(client: MlflowClient, run: str) -> None:
    log(client, run, [(1.0, 1, -(2**40)), (2.0, 2, 2**40)])
    assert history(client, run) == [(1.0, 1, -(2**40)), (2.0, 2, 2**40)]


def test_a_metric_without_step_is_at_step_0(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_metric("m", 1.0)
        mlflow.log_metric("m", 2.0, step=4, timestamp=99)
    assert [step for _, _, step in sorted(history(client, run.info.run_id))] == [0, 4]


def test_a_key_without_points_has_an_empty_history(client: MlflowClient, run: str) -> None:
    assert history(client, run, "none") == []


def test_a_long_history_arrives_whole(client: MlflowClient, run: str) -> None:
    for first in range(0, 26_000, 1000):
        client.log_batch(run, metrics=[Metric("m", step * 0.5, step, step) for step in range(first, first + 1000)])
    found = history(client, run)
    assert len(found) == 26_000  # more than one page of 25,000
    assert found == [(step * 0.5, step, step) for step in range(26_000)]


def test_history_is_paged(api: Call, client: MlflowClient, run: str) -> None:
    log(client, run, [(float(step), step, step) for step in range(5)])
    query = {"run_id": run, "metric_key": "m", "max_results": 2}
    seen: list[float] = []
    token = ""
    for _ in range(3):
        page = api("GET", "metrics/get-history", params={**query, "page_token": token} if token else query).json()
        seen += [point["value"] for point in page["metrics"]]
        token = page.get("next_page_token", "")
    assert (seen, token) == ([0, 1, 2, 3, 4], "")


def test_an_interval_of_many_runs(api: Call, client: MlflowClient, experiment: str) -> None:
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    for number, run in enumerate(runs):
        log(client, run, [(step + number / 2, step, step) for step in range(20)])
    query = {"run_ids": runs, "metric_key": "m", "start_step": 5, "end_step": 8, "max_results": 100}
    points = api("GET", "metrics/get-history-bulk-interval", params=query).json()["metrics"]
    assert sorted((runs.index(point["run_id"]), point["step"]) for point in points) == [
        (number, step) for number in (0, 1) for step in (5, 6, 7, 8)
    ]


def test_an_interval_is_thinned_to_what_is_asked_and_keeps_its_ends(api: Call, client: MlflowClient, run: str) -> None:
    client.log_batch(run, metrics=[Metric("m", float(step), step, step) for step in range(1000)])
    query = {"run_ids": [run], "metric_key": "m", "max_results": 10}
    steps = [point["step"] for point in api("GET", "metrics/get-history-bulk-interval", params=query).json()["metrics"]]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 999)
    assert 10 <= len(steps) <= 12


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"metric_key": "m"}, "Missing value for required parameter 'run_ids'"),
        ({"run_ids": ["a"]}, "Missing value for required parameter 'metric_key'"),
        ({"run_ids": ["a"], "metric_key": "m", "start_step": 5}, "both must be specified"),
    ],
)
def test_a_bad_interval_is_refused(api: Call, query: dict[str, object], words: str) -> None:
    answer = api("GET", "metrics/get-history-bulk-interval", params=query)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_bad_names_are_refused(client: MlflowClient, run: str) -> None:
    for key in ("../a", "a//b", "/a", ".", "a;b", "x" * 251):
        said = refused(client.log_metric, run, key, 1.0)
        assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400), key
    assert client.get_run(run).data.metrics == {}


def test_a_time_before_1970_is_refused(client: MlflowClient, run: str) -> None:
    said = refused(client.log_metric, run, "m", 1.0, timestamp=-1)
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert "Timestamp must be a nonnegative long" in said.message
