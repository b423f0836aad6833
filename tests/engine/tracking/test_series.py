"""The points of one metric as programs read them back: by time in pages, or a few along the steps."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from engine.core.errors import InvalidInput, NotFound
from engine.tracking.model import RunReport, RunStart
from engine.tracking.service import Runs

Point = tuple[float, int, int]
"""Value, step, time."""


def logged(runs: Runs, points: list[Point]) -> str:
    run = runs.create(RunStart("e")).run.run_id
    runs.report(run, RunReport(metrics=[("m", *point) for point in points]))
    return run


def paged(runs: Runs, run: str, limit: int) -> list[Point]:
    found: list[Point] = []
    token = None
    while True:
        page = runs.series(run, "m", limit=limit, page_token=token)
        assert 0 <= len(page.items) <= limit
        found += [(value, step, time_ms) for _, value, step, time_ms in page.items]
        token = page.next_page_token
        if token is None:
            return found
        assert len(page.items) == limit


def by_time(points: list[Point]) -> list[Point]:
    return sorted(set(points), key=lambda point: (point[2], point[1], point[0]))


small = some.integers(-3, 3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=some.lists(some.tuples(some.floats(-2, 2), small, small), max_size=30), limit=some.integers(1, 9))
def test_pages_put_together_are_every_point_by_time_step_and_value(runs: Runs, points: list[Point], limit: int) -> None:
    assert paged(runs, logged(runs, points), limit) == by_time(points)


@pytest.mark.parametrize("turn", [0, 1, 5, 9, 10])
def test_time_may_go_back_at_any_place(runs: Runs, turn: int) -> None:
    points = [(1.0, step, step if step < turn else step - 7) for step in range(11)]
    assert paged(runs, logged(runs, points), 3) == by_time(points)


def test_one_late_step_that_is_old_comes_first(runs: Runs) -> None:
    points = [(0.0, step, 100 + step) for step in range(8)] + [(0.0, 99, 1)]
    assert paged(runs, logged(runs, points), 2) == by_time(points)


def test_nan_and_infinities_come_back(runs: Runs) -> None:
    run = logged(runs, [(math.nan, 1, 1), (math.inf, 0, 0), (-math.inf, 0, 0)])
    assert repr(paged(runs, run, 1)) == "[(-inf, 0, 0), (inf, 0, 0), (nan, 1, 1)]"


def test_points_that_come_while_pages_are_read_are_given_once(runs: Runs) -> None:
    run = logged(runs, [(0.0, step, step) for step in range(4)])
    first = runs.series(run, "m", limit=2)
    runs.report(run, RunReport(metrics=[("m", 0.0, step, step) for step in range(4, 6)]))
    rest = runs.series(run, "m", limit=10, page_token=first.next_page_token)
    assert [point[2] for point in (*first.items, *rest.items)] == [0, 1, 2, 3, 4, 5]


def test_a_key_nobody_used_has_no_points(runs: Runs) -> None:
    run = logged(runs, [(0.0, 0, 0)])
    assert runs.series(run, "other").items == ()
    assert runs.sample(run, "other") == ()


@pytest.mark.parametrize("token", ["", "bad", "e30", "W10", "WzEsMiwzLDRd", "W3RydWUsMSwyXQ", "W3RydWUsIjEiLDIsM10"])
def test_a_token_that_is_no_place_in_a_history_is_refused(runs: Runs, token: str) -> None:
    run = logged(runs, [(0.0, 0, 0)])
    with pytest.raises(InvalidInput, match="page token"):
        runs.series(run, "m", page_token=token)


@pytest.mark.parametrize("limit", [0, -1, 50_001])
def test_a_page_has_a_sensible_size(runs: Runs, limit: int) -> None:
    with pytest.raises(InvalidInput):
        runs.series(logged(runs, []), "m", limit=limit)


@pytest.mark.parametrize(
    ("count", "steps"),
    [
        (1, [9]),
        (2, [0, 9]),
        (3, [0, 4, 9]),
        (4, [0, 3, 6, 9]),
        (9, [0, 1, 2, 3, 4, 5, 6, 7, 9]),
        (10, list(range(10))),
        (99, list(range(10))),
    ],
)
def test_a_sample_is_even_and_keeps_the_ends(runs: Runs, count: int, steps: list[int]) -> None:
    run = logged(runs, [(0.0, step, 0) for step in range(10)])
    assert [point[2] for point in runs.sample(run, "m", count=count)] == steps


def test_a_sample_looks_at_steps_of_a_range(runs: Runs) -> None:
    run = logged(runs, [(0.0, step, 0) for step in range(10)])
    assert [point[2] for point in runs.sample(run, "m", steps=(3, 5))] == [3, 4, 5]
    assert runs.sample(run, "m", steps=(20, 30)) == ()


def test_many_points_of_one_step_are_sampled_too(runs: Runs) -> None:
    run = logged(runs, [(float(number), 0, number) for number in range(100)])
    found = runs.sample(run, "m", count=5)
    assert [point[1] for point in found] == [0, 24, 49, 74, 99]


def test_a_sample_of_an_unknown_run_or_of_none_is_refused(runs: Runs) -> None:
    run = logged(runs, [])
    with pytest.raises(NotFound):
        runs.sample("f" * 32, "m")
    with pytest.raises(InvalidInput):
        runs.sample(run, "m", count=0)
    with pytest.raises(InvalidInput):
        runs.sample(run, "m", steps=(0, 2**63))
