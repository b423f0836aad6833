"""Histories: reduced without losing an extreme, exact when they fit, pageable point by point."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput, NotFound, QuarterdeckError
from engine.core.paging import encode_token
from engine.db.database import Database
from engine.tracking.model import History, HistoryPoint, MetricPoint, RunImport
from engine.tracking.service import Runs
from tests.builders import make_database, make_runs
from tests.faults import Faults

RUN = "a" * 32


def logged(runs: Runs, points: list[MetricPoint]) -> None:
    runs.import_runs([RunImport("e", "r", 0, run_id=RUN, metrics=points)])


def curve(count: int, *, times: int = 10, stride: int = 1) -> list[MetricPoint]:
    return [("m", math.sin(step) * step, step * stride, step * times) for step in range(count)]


@pytest.mark.parametrize("x", ["step", "time"])
def test_a_short_history_is_every_point(runs: Runs, x: str) -> None:
    logged(runs, [("m", 2.0, 1, 10), ("m", 1.0, 0, 20), ("m", math.nan, 2, 30)])
    found = runs.history(RUN, "m", x=x)
    assert (found.exact, found.total) == (True, 3)
    xs = [point.x for point in found.points]
    assert xs == ([0, 1, 2] if x == "step" else [10, 20, 30])
    assert all(point.low == point.high or math.isnan(point.low) for point in found.points)


@pytest.mark.parametrize("x", ["step", "time"])
@pytest.mark.parametrize("points", [1, 7, 100, 999])
@pytest.mark.parametrize("stride", [1, 400])
def test_a_long_history_keeps_extremes_ends_and_counts(runs: Runs, x: str, points: int, stride: int) -> None:
    made = curve(1000, stride=stride)
    logged(runs, made)
    found = runs.history(RUN, "m", points=points, x=x)
    assert not found.exact
    assert len(found.points) <= points
    assert found.total == sum(point.count for point in found.points) == 1000
    values = [value for _, value, _, _ in made]
    assert min(point.low for point in found.points) == min(values)
    assert max(point.high for point in found.points) == max(values)
    assert (found.points[0].first, found.points[-1].last) == (values[0], values[-1])
    assert [point.x for point in found.points] == sorted({point.x for point in found.points})


@pytest.mark.parametrize("x", ["step", "time"])
def test_a_range_is_looked_at_closer(runs: Runs, x: str) -> None:
    logged(runs, curve(1000, times=1))
    found = runs.history(RUN, "m", points=50, x=x, start=100, end=149)
    assert found.exact
    assert [point.x for point in found.points] == list(range(100, 150))
    assert runs.history(RUN, "m", points=10, x=x, start=100, end=149).total == 50
    assert runs.history(RUN, "m", x=x, start=5_000) == History("m", 0, (), exact=True)


def test_times_that_go_back_are_sorted_out(runs: Runs) -> None:
    restarted = [("m", float(step), step, (step % 500) * 10) for step in range(1000)]
    logged(runs, restarted)
    found = runs.history(RUN, "m", points=20, x="time")
    assert found.total == 1000
    assert [point.x for point in found.points] == [number * 250 for number in range(20)]
    assert all(point.high - point.low >= 500 for point in found.points)


def test_points_of_one_step_are_spread_over_time(runs: Runs) -> None:
    logged(runs, [("m", float(number), 0, number) for number in range(1000)])
    assert len(runs.history(RUN, "m", points=100, x="time").points) == 100
    assert runs.history(RUN, "m", points=100).points == (HistoryPoint(0, 0.0, 999.0, 0.0, 999.0, 1000, 499.5),)


@pytest.mark.parametrize("x", ["step", "time"])
def test_nan_hides_no_number_and_infinities_are_extremes(runs: Runs, x: str) -> None:
    made = [("m", math.nan if step % 2 else float(step), step, step) for step in range(98)]
    logged(runs, [*made, ("m", math.inf, 98, 98), ("m", -math.inf, 99, 99)])
    points = runs.history(RUN, "m", points=10, x=x).points
    assert (points[0].low, points[0].high) == (0.0, 8.0)
    assert math.isnan(points[0].last)
    assert (points[-1].low, points[-1].high) == (-math.inf, math.inf)


def test_a_stretch_of_nothing_but_nan_says_so(runs: Runs) -> None:
    logged(runs, [("m", math.nan, step, step) for step in range(100)])
    for x in ("step", "time"):
        assert all(
            math.isnan(point.low) and math.isnan(point.high) for point in runs.history(RUN, "m", points=5, x=x).points
        )


def test_the_greatest_steps_and_times_do_not_overflow(runs: Runs) -> None:
    ends = [-(2**63), 0, 2**63 - 1]
    logged(runs, [("m", 1.0, at, at) for at in ends] + [("m", 1.0, 0, at) for at in range(20)])
    for x in ("step", "time"):
        found = runs.history(RUN, "m", points=5, x=x, start=-(2**70), end=2**70)
        assert found.total == sum(point.count for point in found.points)
        assert found.points[0].x == -(2**63)


def test_a_metric_that_the_run_does_not_have_is_an_empty_history(runs: Runs) -> None:
    logged(runs, curve(3))
    assert runs.history(RUN, "never") == History("never", 0, (), exact=True)
    assert runs.metric_points(RUN, "never").items == ()


@pytest.mark.parametrize("wrong", [{"points": 0}, {"points": 10_001}, {"x": "epoch"}])
def test_wrong_questions_are_refused(runs: Runs, wrong: dict[str, object]) -> None:
    logged(runs, curve(3))
    with pytest.raises(InvalidInput):
        runs.history(RUN, "m", **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        runs.history("b" * 32, "m")


def test_raw_points_come_page_by_page(runs: Runs) -> None:
    made = [*curve(10), ("m", math.nan, 3, 30), ("m", math.inf, 3, 30), ("m", 0.0, 3, 29)]
    logged(runs, made)
    found: list[MetricPoint] = []
    token = None
    while True:
        page = runs.metric_points(RUN, "m", limit=3, page_token=token)
        found += page.items
        token = page.next_page_token
        if token is None:
            break
    ordered = sorted(made, key=lambda point: (point[2], point[3], math.isnan(point[1]), point[1]))
    assert list(map(repr, found)) == list(map(repr, ordered))


@pytest.mark.parametrize("token", ["", "x", encode_token([1]), encode_token(["a", 1, 1.0]), encode_token([1, 1, None])])
def test_forged_tokens_of_raw_points_are_refused(runs: Runs, token: str) -> None:
    logged(runs, curve(3))
    with pytest.raises(InvalidInput):
        runs.metric_points(RUN, "m", page_token=token)


def test_a_disk_that_fails_gives_an_error_not_half_a_curve(runs: Runs, database: Database) -> None:
    logged(runs, curve(1000, stride=400))
    whole = runs.history(RUN, "m", points=20)
    faults = Faults()
    failing = Database(database.path, connect=faults.connect)
    outcomes: list[bool | None] = []
    for number in range(1, 80, 3):
        faults.arm(number)
        try:
            outcomes.append(make_runs(failing).history(RUN, "m", points=20) == whole)
        except QuarterdeckError:
            outcomes.append(None)
        faults.disarm()
    failing.close()
    assert outcomes[-1] is True
    assert set(outcomes) == {True, None}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    path: Path = tmp_path_factory.mktemp("shared")
    database = make_database(path)
    yield make_runs(database)
    database.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    points=st.integers(1, 12),
    x=st.sampled_from(["step", "time"]),
    window=st.tuples(st.integers(-5, 40), st.integers(-5, 40)),
)
def test_a_reduced_history_is_what_the_points_say(
    shared: Runs, seed: int, points: int, x: str, window: tuple[int, int]
) -> None:
    rng = random.Random(seed)
    made = [
        (rng.randrange(30), rng.randrange(30), rng.choice([0.0, 1.0, -2.5, math.inf, math.nan]))
        for _ in range(rng.randrange(60))
    ]
    metrics = [("m", value, step, time_ms) for step, time_ms, value in made]
    shared.import_runs([RunImport("e", "r", 0, metrics=metrics)])
    run = f"{shared.count():032x}"  # ids count up
    distinct = {repr(each): each for each in made}.values()
    places = [(step if x == "step" else time_ms, value) for step, time_ms, value in distinct]
    inside = [(place, value) for place, value in places if window[0] <= place <= window[1]]
    found = shared.history(run, "m", points=points, x=x, start=window[0], end=window[1])
    assert found.total == len(inside) == sum(point.count for point in found.points)
    assert len(found.points) <= points
    bounds = [point.x for point in found.points]
    assert bounds == sorted(bounds)
    if found.exact:
        assert bounds == sorted(place for place, _ in inside)
        return
    for point, after in zip(found.points, [*bounds[1:], math.inf], strict=True):
        # Two stretches may share a moment: then it is not told which of them has its points.
        certain = [value for place, value in inside if point.x < place < after]
        possible = [value for place, value in inside if point.x <= place <= after]
        assert len(certain) <= point.count <= len(possible)
        numbers = [value for value in certain if not math.isnan(value)]
        assert not numbers or (point.low <= min(numbers) and max(numbers) <= point.high)
        assert repr(point.low) in map(repr, possible)
        assert repr(point.high) in map(repr, possible)
