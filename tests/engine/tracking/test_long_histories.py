"""Long histories, which are put together from blocks: what is read is what reading every point says."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.tracking.block_store import LONG, PER_BLOCK, shift_for
from engine.tracking.model import History, HistoryPoint, MetricPoint, RunImport
from engine.tracking.service import Runs
from tests.builders import make_database, make_runs

RUN = "a" * 32
START = 1_000_000
COUNT = 3 * LONG


def dense(count: int = COUNT) -> list[MetricPoint]:
    rng = random.Random(1)
    return [("dense", rng.choice([rng.random(), math.nan, math.inf]), step, START + step * 10) for step in range(count)]


def sparse() -> list[MetricPoint]:
    """Steps from far below zero, unevenly apart, several points a step."""
    rng = random.Random(2)
    steps = sorted(rng.randrange(-(10**9), 10**9) for _ in range(COUNT))
    return [("sparse", rng.random(), step // 3 * 3, START + place * 7) for place, step in enumerate(steps)]


def restarted() -> list[MetricPoint]:
    """The second half was logged in the time of the first."""
    return [("restarted", float(step), step, START + step % (COUNT // 2)) for step in range(COUNT)]


def silent() -> list[MetricPoint]:
    return [("silent", math.nan, step, START + step) for step in range(COUNT)]


def epoch() -> list[MetricPoint]:
    """Logged once in fifty steps."""
    return [("epoch", step / 50, step, START + step * 10) for step in range(0, COUNT, 50)]


def endless() -> list[MetricPoint]:
    """Infinities of both signs, in batches that hold whole blocks."""
    rng = random.Random(3)
    return [("endless", rng.choice([1.0, math.inf, -math.inf]), step * 5, START + step) for step in range(COUNT)]


CURVES = {made[0][0]: made for made in (dense(), sparse(), restarted(), silent(), endless())}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The curves as programs log them: at once, in batches, in the wrong order, one by one."""
    path: Path = tmp_path_factory.mktemp("written")
    database = make_database(path)
    runs = make_runs(database)
    runs.import_runs([RunImport("e", "r", START, run_id=RUN, metrics=CURVES["sparse"])])
    runs.log_batch(RUN, metrics=CURVES["silent"])
    for begin in range(0, COUNT, 1000):
        runs.log_batch(RUN, metrics=CURVES["restarted"][begin : begin + 1000])
        runs.log_batch(RUN, metrics=CURVES["endless"][begin : begin + 1000])
    late = CURVES["dense"][PER_BLOCK * 5 : PER_BLOCK * 5 + 100]
    rest = [point for point in CURVES["dense"] if point not in late]
    runs.log_batch(RUN, metrics=[*rest[: LONG + 7], *epoch()])
    for point in rest[LONG + 7 : LONG + 90]:
        runs.log_batch(RUN, metrics=[point])
    runs.log_batch(RUN, metrics=rest[LONG + 90 :])
    runs.log_batch(RUN, metrics=late)
    yield runs
    database.close()


def places(key: str, x: str) -> list[tuple[int, float]]:
    """The points of a curve as x and value, in order of x."""
    found = [(step if x == "step" else time_ms - START * (x == "elapsed"), v) for _, v, step, time_ms in CURVES[key]]
    return sorted(found, key=lambda place: place[0])


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def agrees(found: History, inside: Sequence[tuple[int, float]]) -> None:
    """Each stretch says what the points from its x to the next one's say."""
    assert found.total == len(inside) == sum(point.count for point in found.points)
    xs = [point.x for point in found.points]
    assert xs == sorted(xs)
    if found.exact:
        assert xs == [x for x, _ in inside]
        return
    numbers = [value for _, value in inside if not math.isnan(value)]
    assert same(
        min((p.low for p in found.points if not math.isnan(p.low)), default=math.nan), min(numbers, default=math.nan)
    )
    assert same(
        max((p.high for p in found.points if not math.isnan(p.high)), default=math.nan), max(numbers, default=math.nan)
    )
    starts = [x for x, _ in inside]
    for point, after in zip(found.points, [*xs[1:], math.inf], strict=True):
        if xs.count(point.x) > 1 or after == point.x:
            continue
        begin, end = bisect_left(starts, point.x), bisect_left(starts, after)
        values = [value for _, value in inside[begin:end]]
        if point.count == end - begin:
            holds(point, values)


def holds(point: HistoryPoint, values: Sequence[float]) -> None:
    numbers = [value for value in values if not math.isnan(value)]
    assert same(point.low, min(numbers, default=math.nan))
    assert same(point.high, max(numbers, default=math.nan))
    if not any(map(math.isinf, numbers)):
        mean = sum(numbers) / len(numbers) if numbers else math.nan
        assert same(point.mean, mean) or math.isclose(point.mean, mean)


@settings(max_examples=80, deadline=None)
@given(
    key=st.sampled_from(sorted(CURVES)),
    x=st.sampled_from(["step", "time", "elapsed"]),
    points=st.integers(1, 500),
    ends=st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1)),
)
@example(key="dense", x="step", points=1, ends=(-0.1, 1.1))
@example(key="sparse", x="time", points=7, ends=(0.25, 0.75))
def test_any_window_says_what_its_points_say(
    written: Runs, key: str, x: str, points: int, ends: tuple[float, float]
) -> None:
    known = places(key, x)
    low, high = known[0][0], known[-1][0]
    start, end = (low + (high - low) * share for share in sorted(ends))
    found = written.history(RUN, key, points=points, x=x, start=start, end=end)
    assert len(found.points) <= points or found.exact
    agrees(found, [place for place in known if start <= place[0] <= end])


@pytest.mark.parametrize("key", sorted(CURVES))
def test_a_whole_curve_has_at_least_half_as_many_stretches_as_asked(written: Runs, key: str) -> None:
    for points in (1, 10, 100, 1_000):
        assert len(written.history(RUN, key, points=points).points) >= points / (8 if key == "sparse" else 2)


def test_another_metric_as_x_is_what_it_said_at_the_step_or_last_before(written: Runs) -> None:
    whole = written.history(RUN, "restarted", points=100, x="metrics.epoch")
    assert [point.x for point in whole.points] == [point.first // 50 for point in whole.points]
    assert whole.total == COUNT


def test_a_window_along_another_metric_is_looked_at_closer(written: Runs) -> None:
    found = written.history(RUN, "restarted", points=100, x="metrics.epoch", start=40, end=42)
    assert {point.x for point in found.points} == {40, 41, 42}
    assert (found.points[0].first, found.points[-1].last) == (2000, 2149)
    assert len(found.points) >= 50


def test_without_the_other_metric_there_is_nothing_along_it(written: Runs) -> None:
    assert written.history(RUN, "restarted", x="metrics.never").points == ()
    assert written.history(RUN, "restarted", points=10, x="metrics.epoch", start=1e9).points == ()


def test_several_metrics_of_several_runs_come_at_once(written: Runs) -> None:
    found = written.curves((RUN, RUN[:8]), ("dense", "never", "silent"), points=5)
    assert [[history.key for history in of_run] for of_run in found] == [["dense", "never", "silent"]] * 2
    assert repr(found[0][0]) == repr(written.history(RUN, "dense", points=5))  # NaN is not equal to itself


def test_a_program_that_counts_its_steps_anew_gets_blocks_that_fit(runs: Runs) -> None:
    runs.import_runs([RunImport("e", "r", 0, run_id=RUN)])
    runs.log_batch(RUN, metrics=[("m", 1.0, step, step) for step in range(LONG)])
    far = [("m", 2.0, 10**9 + step * 10_000, LONG + step) for step in range(40 * LONG)]
    for begin in range(0, len(far), 2 * LONG):
        runs.log_batch(RUN, metrics=far[begin : begin + 2 * LONG])
    found = runs.history(RUN, "m", points=100)
    assert found.total == 41 * LONG
    assert (found.points[0].low, found.points[-1].high) == (1.0, 2.0)


@given(points=st.integers(1, 10**9), steps=st.integers(1, 2**64))
def test_blocks_hold_about_as_many_points_as_meant(points: int, steps: int) -> None:
    shift = shift_for(points, steps)
    assert 0 <= shift <= 62
    assert 2**shift * points >= steps * PER_BLOCK or shift == 62
    assert shift == 0 or 2 ** (shift - 1) * points < steps * PER_BLOCK
