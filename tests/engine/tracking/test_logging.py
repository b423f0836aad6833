"""Logging: all or nothing, every number kept, limits that say which and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.db.database import Database
from engine.tracking.active import ActiveRun
from engine.tracking.model import DatasetInput, MetricPoint, RunStatus
from engine.tracking.rules import MAX_KEY, MAX_PARAM, MAX_TAG, latest_rows, metric_columns
from engine.tracking.service import Runs


@pytest.fixture
def run(runs: Runs) -> ActiveRun:
    return runs.start("exp", status=RunStatus.SCHEDULED, capture=False)


def points(runs: Runs, run: ActiveRun, key: str) -> list[tuple[int, int, str]]:
    return [(step, time_ms, repr(value)) for _, value, step, time_ms in runs.metric_points(run.id, key).items]


def test_a_batch_is_kept_as_logged(runs: Runs, run: ActiveRun) -> None:
    run.log_batch([("loss", 0.5, 1, 10), ("loss", 0.25, 2, 20), ("auc", 1.0, 0, 5)], {"lr": 0.1}, {"team": "a"})
    found = runs.get(run.id)
    assert found.metrics == {"auc": 1.0, "loss": 0.25}
    assert (found.params, found.tags) == ({"lr": "0.1"}, {"team": "a"})
    assert points(runs, run, "loss") == [(1, 10, "0.5"), (2, 20, "0.25")]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3])
def test_every_float_comes_back_as_it_was(runs: Runs, run: ActiveRun, value: float) -> None:
    run.log_metric("m", value, step=7, time_ms=9)
    assert points(runs, run, "m") == [(7, 9, repr(value + 0.0))]
    assert repr(runs.get(run.id).metrics["m"]) == repr(value + 0.0)


def test_exact_duplicates_are_stored_once_and_the_same_step_at_another_time_is_kept(runs: Runs, run: ActiveRun) -> None:
    for _ in range(2):
        run.log_batch([("m", math.nan, 1, 10), ("m", 2.0, 1, 10), ("m", 2.0, 1, 11), ("m", math.nan, 1, 10)])
    assert points(runs, run, "m") == [(1, 10, "2.0"), (1, 10, "nan"), (1, 11, "2.0")]


@pytest.mark.parametrize(
    ("logged", "latest"),
    [
        ([("m", 1.0, 5, 0), ("m", 2.0, 4, 9)], 1.0),
        ([("m", 1.0, 5, 3), ("m", 2.0, 5, 2)], 1.0),
        ([("m", 1.0, 5, 3), ("m", 2.0, 5, 3)], 2.0),
        ([("m", math.inf, 5, 3), ("m", math.nan, 5, 3)], math.nan),
        ([("m", math.nan, 4, 3), ("m", 1.0, 5, 3)], 1.0),
    ],
)
@pytest.mark.parametrize("one_batch", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_the_latest_value_has_the_greatest_step_then_time_then_value(  # the cases of one rule
    runs: Runs, run: ActiveRun, logged: list[MetricPoint], latest: float, one_batch: bool, backwards: bool
) -> None:
    ordered = logged[::-1] if backwards else logged
    for batch in [ordered] if one_batch else [[point] for point in ordered]:
        run.log_batch([*batch, ("other", 1.0, 0, 0)])
    assert repr(runs.get(run.id).metrics["m"]) == repr(latest)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.floats() | st.sampled_from([0.0, math.nan]),
            st.integers(-2, 2),
            st.integers(0, 2),
        ),
        min_size=1,
    )
)
def test_the_latest_rows_of_a_batch_are_its_greatest_points(batch: list[MetricPoint]) -> None:
    ids = {key: number for number, key in enumerate(sorted({point[0] for point in batch}))}
    found = {row[0]: row[1:] for row in latest_rows(metric_columns(batch), ids)}
    assert found.keys() == set(ids.values())
    for key, number in ids.items():
        mine = [(step, time_ms, math.isnan(value), value) for each, value, step, time_ms in batch if each == key]
        step, time_ms, is_nan, value = max(mine, key=lambda row: (row[:3], 0 if row[2] else row[3]))
        assert found[number] == (step, time_ms, "NaN" if is_nan else value)


def test_numpy_scalars_and_arrays_are_numbers(runs: Runs, run: ActiveRun) -> None:
    run.log_batch([("s", np.float32(0.5), np.int64(3), np.int64(4)), ("s", np.float64(1.5), 4, 4), ("s", 2, 5, 4)])  # type: ignore[list-item]
    run.log_series("a", np.arange(3), np.array([1.0, np.nan, 3.0]), np.array([7, 8, 9]))
    run.log_series("b", range(2), [1, 2], 5)
    assert points(runs, run, "s") == [(3, 4, "0.5"), (4, 4, "1.5"), (5, 4, "2.0")]
    assert points(runs, run, "a") == [(0, 7, "1.0"), (1, 8, "nan"), (2, 9, "3.0")]
    assert points(runs, run, "b") == [(0, 5, "1.0"), (1, 5, "2.0")]


def test_points_without_a_time_get_the_time_of_the_call(runs: Runs, run: ActiveRun) -> None:
    run.log_metrics({"a": 1.0, "b": 2.0}, step=3)
    run.log_series("c", [1, 2], [0.0, 0.0])
    now = runs.now_ms()
    assert points(runs, run, "a") == [(3, now, "1.0")]
    assert points(runs, run, "c") == [(1, now, "0.0"), (2, now, "0.0")]


@pytest.mark.parametrize(
    "point",
    [
        ("m", "0.5", 0, 0),
        ("m", None, 0, 0),
        ("m", 10**400, 0, 0),
        ("m", 1.0, 0.5, 0),
        ("m", 1.0, 2**63, 0),
        ("m", 1.0, 0, -(2**63) - 1),
        ("m", 1.0, 0),
        (5, 1.0, 0, 0),
        ("", 1.0, 0, 0),
        ("a\0b", 1.0, 0, 0),
        ("\ud800", 1.0, 0, 0),
        ("x" * (MAX_KEY + 1), 1.0, 0, 0),
        ("m", b"1", 0, 0),
    ],
)
def test_one_bad_point_refuses_the_whole_batch(runs: Runs, run: ActiveRun, point: MetricPoint) -> None:
    with pytest.raises(InvalidInput):
        run.log_batch([("good", 1.0, 0, 0), point], {"p": "1"}, {"t": "1"})
    found = runs.get(run.id)
    assert (found.metrics, found.params, found.tags) == ({}, {}, {})


@pytest.mark.parametrize(("kind", "limit"), [("params", MAX_PARAM), ("tags", MAX_TAG)], ids=["parameter", "tag"])
def test_values_up_to_the_limit_are_kept_and_beyond_it_the_limit_is_named(
    runs: Runs, run: ActiveRun, kind: str, limit: int
) -> None:
    longest = {"k": "ü" * limit}
    runs.log_batch(run.id, **{kind: longest})  # type: ignore[arg-type]
    assert getattr(runs.get(run.id), kind) == longest
    with pytest.raises(InvalidInput, match=str(limit)) as caught:
        runs.log_batch(run.id, **{kind: {"other": "x" * (limit + 1)}})  # type: ignore[arg-type]
    assert caught.value.details == {"limit": limit, "length": limit + 1}


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY + 1), "nul\0", "\udcff"])
@pytest.mark.parametrize("kind", ["params", "tags"])
def test_keys_that_cannot_be_kept_are_refused(runs: Runs, run: ActiveRun, kind: str, key: str) -> None:
    with pytest.raises(InvalidInput):
        runs.log_batch(run.id, **{kind: {key: "v"}})  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["x" * MAX_KEY, "[/nope]", "\x1b[2Jesc", "a.b/c d`e\"f'g", "ﷺ", "k" * 5])
def test_strange_keys_are_kept_as_logged(runs: Runs, run: ActiveRun, key: str) -> None:
    run.log_batch([(key, 1.0, 0, 0)], {key: "p"}, {key: "t"})
    found = runs.get(run.id)
    assert (found.metrics, found.params, found.tags) == ({key: 1.0}, {key: "p"}, {key: "t"})


def test_a_parameter_is_written_once_and_the_same_value_again_is_fine(runs: Runs, run: ActiveRun) -> None:
    run.log_params({"lr": 0.1, "depth": 3})
    run.log_param("lr", 0.1)
    with pytest.raises(Conflict, match=r"'lr'.*'0\.1'.*'0\.2'"):
        run.log_batch([("m", 1.0, 0, 0)], {"new": 1, "lr": 0.2}, {"t": "x"})
    found = runs.get(run.id)
    assert (found.params, found.metrics, found.tags) == ({"depth": "3", "lr": "0.1"}, {}, {})


def test_a_tag_is_replaced(runs: Runs, run: ActiveRun) -> None:
    run.set_tag("stage", 1)
    run.set_tags({"stage": 2, "other": None})
    assert runs.get(run.id).tags == {"other": "None", "stage": "2"}


def test_a_batch_that_changes_nothing_is_accepted(runs: Runs, run: ActiveRun) -> None:
    run.log_batch()
    run.log_series("m", [], [])
    run.log_metrics({})
    assert runs.get(run.id).metrics == {}


@pytest.mark.parametrize(
    "series",
    [([1, 2], [1.0], None), ([1], [1.0], [1, 2]), (5, [1.0], None), ([[1]], [1.0], None), ([1], np.ones((1, 1)), None)],
)
def test_series_of_different_lengths_or_shapes_are_refused(run: ActiveRun, series: tuple[object, ...]) -> None:
    with pytest.raises(InvalidInput):
        run.log_series("m", *series)


def test_logging_to_an_unknown_or_deleted_run_says_so(runs: Runs, run: ActiveRun) -> None:
    with pytest.raises(NotFound):
        runs.log_batch("f" * 32, metrics=[("m", 1.0, 0, 0)])
    runs.delete(run.id)
    with pytest.raises(Conflict, match="deleted"):
        run.log_metric("m", 1.0)


def test_a_finished_run_still_takes_what_comes_late(runs: Runs, run: ActiveRun) -> None:
    run.finish()
    run.log_metric("late", 1.0)
    assert runs.get(run.id).metrics == {"late": 1.0}


@pytest.mark.parametrize("change", [{}, {"schema": "s"}, {"rows": 5}])
def test_a_dataset_noted_twice_is_one_input(runs: Runs, run: ActiveRun, change: Mapping[str, str]) -> None:
    first = DatasetInput("loan", "d1", schema="", rows=None, context="training")
    run.log_dataset(first)
    run.log_dataset(DatasetInput("loan", "d1", context="training", **change))  # type: ignore[arg-type]
    assert runs.get(run.id).inputs == (first,)
    run.log_dataset(DatasetInput("loan", "d1", context="test"))
    assert [each.context for each in runs.get(run.id).inputs] == ["test", "training"]


@pytest.mark.parametrize("dataset", [DatasetInput("", "d"), DatasetInput("n", ""), DatasetInput("n" * 501, "d")])
def test_a_dataset_without_a_name_or_digest_is_refused(run: ActiveRun, dataset: DatasetInput) -> None:
    with pytest.raises(InvalidInput):
        run.log_dataset(dataset)


@pytest.mark.parametrize("rows", [-1, 2**63, 1.5, "12"])
def test_a_dataset_with_an_impossible_number_of_rows_is_refused(run: ActiveRun, rows: Any) -> None:
    with pytest.raises(InvalidInput, match="number of rows must be"):
        run.log_dataset(DatasetInput("loans", "d1", rows=rows))


def test_a_number_of_rows_may_come_from_numpy(runs: Runs, run: ActiveRun) -> None:
    rows: Any = np.int64(12)
    run.log_dataset(DatasetInput("loans", "d1", rows=rows))
    assert [each.rows for each in runs.get(run.id).inputs] == [12]


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 0.5, "7"])
def test_a_seed_that_cannot_be_kept_is_refused(runs: Runs, seed: Any) -> None:
    with pytest.raises(InvalidInput, match="The seed must be"):
        runs.start("exp", seed=seed, status=RunStatus.SCHEDULED, capture=False)


def test_one_batch_is_one_event(database: Database, run: ActiveRun) -> None:
    feed = database.feed()
    run.log_batch([("m", float(step), step, 0) for step in range(1000)], {"a": "1"}, {"b": "2"})
    news = feed.poll()
    feed.close()
    assert news is not None
    assert [(event.kind, event.change, event.key, event.row_id) for event in news.events] == [
        ("run", "logged", run.id, run.row_id)
    ]
