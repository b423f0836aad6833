"""Smoothed curves: a value read at a step is TensorBoard's, and the same in every window."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charting.averages import MOST_KEPT, Averages, averaged, inside
from console.charting.drawing import MOST_DRAWN, Shown, drawn, thinned
from console.charting.settings import Settings, Window
from console.widgets.charts.series import Series, readings
from engine.core.smoothing import SAMPLES, between
from engine.tracking.model import History, HistoryPoint

FACTORS = st.sampled_from([0.6, 0.9, 0.99])
VALUES = st.floats(-1e6, 1e6)
CURVE = st.lists(st.tuples(st.integers(1, 40), VALUES), min_size=2, max_size=60)
"""Points as distances from the one before, and values."""


def history(gaps: Sequence[tuple[int, float]]) -> History:
    xs = [sum(gap for gap, _ in gaps[: place + 1]) for place in range(len(gaps))]
    points = tuple(HistoryPoint(x, v, v, v, v, 1, v) for x, (_, v) in zip(xs, gaps, strict=True))
    return History("m", len(points), points, exact=True)


def cut(whole: History, window: Window | None) -> History:
    """What the engine reads of a window."""
    low, high = window or (-math.inf, math.inf)
    points = tuple(point for point in whole.points if low <= point.x <= high)
    return History("m", len(points), points, exact=True)


def shown(wholes: Sequence[History], factor: float, window: Window | None, group: str = "") -> tuple[Series, ...]:
    """The bright curves of a chart in a window."""
    settings = Settings(smoothing=factor, window=window, group=group)
    runs = [Shown(f"{place:032x}", f"run {place}", place, values={"params.lr": "1"}) for place in range(len(wholes))]
    averages = {run.run_id: averaged(whole, 1, factor) for run, whole in zip(runs, wholes, strict=True)}
    read = [(run, cut(whole, window)) for run, whole in zip(runs, wholes, strict=True)]
    return tuple(one for one in drawn("m", read, settings, averages) if not one.faint)


def tensorboard(values: Sequence[float], factor: float) -> list[float]:
    found, last = [], 0.0
    for place, value in enumerate(values, 1):
        last = last * factor + (1 - factor) * value
        found.append(last / (1 - factor**place))
    return found


@given(
    curve=CURVE,
    factor=FACTORS,
    share=st.floats(0, 1),
    ends=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4),
    group=st.sampled_from(["", "params.lr"]),
    runs=st.integers(1, 2),
)
def test_a_value_read_at_a_step_is_the_same_in_every_window(
    curve: list[tuple[int, float]], factor: float, share: float, ends: list[Window], group: str, runs: int
) -> None:
    whole = history(curve)
    wholes = [whole] * runs
    first, last = whole.points[0].x, whole.points[-1].x
    at = first + (last - first) * share
    expected = [(reading.low, reading.high) for reading in readings(shown(wholes, factor, None, group), at)]
    for left, right in ends:
        window = at - (at - first) * left - 1e-3, at + (last - at) * right + 1e-3
        found = readings(shown(wholes, factor, window, group), at)
        assert [(one.low, one.high) for one in found] == [pytest.approx(each, rel=1e-6, abs=1e-3) for each in expected]


@given(values=st.lists(VALUES, min_size=1, max_size=60), factor=FACTORS, step=st.integers(1, 1000))
def test_at_every_step_stands_what_tensorboard_says(values: list[float], factor: float, step: int) -> None:
    [series] = shown([history([(step, value) for value in values])], factor, None)
    for place, expected in enumerate(tensorboard(values, factor), 1):
        assert readings([series], place * step)[0].low == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_a_curve_of_many_nodes_is_drawn_with_few_and_read_from_all() -> None:
    whole = history([(1, math.sin(place)) for place in range(SAMPLES)])
    [series] = shown([whole], 0.6, None)
    assert len(series.points) <= MOST_DRAWN
    exact = tensorboard([point.first for point in whole.points], 0.6)
    assert readings([series], 437)[0].text == readings([Series("m", [(437.0, exact[436])])], 437)[0].text
    assert min(point[1] for point in series.points) == pytest.approx(min(exact))
    assert max(point[-1] for point in series.points) == pytest.approx(max(exact))


def test_a_window_between_two_nodes_shows_the_line_between_them() -> None:
    assert inside([(0.0, 0.0), (10.0, 5.0)], (2.0, 4.0)) == [(2.0, 1.0), (4.0, 2.0)]
    assert inside([(0.0, 0.0), (10.0, 5.0)], (11.0, 12.0)) == []
    assert inside([], (0.0, 1.0)) == []


def test_before_and_behind_a_curve_stand_its_ends_and_a_gap_stays_one() -> None:
    nodes = [(0.0, 1.0), (1.0, math.nan), (2.0, 3.0), (3.0, 5.0)]
    assert [between(nodes, x) for x in (-1, 0, 2.5, 3, 9)] == [1, 1, 4, 5, 5]
    assert math.isnan(between(nodes, 0.5))
    assert math.isnan(between(nodes, 1))


def test_nothing_but_gaps_is_drawn_as_a_gap() -> None:
    assert thinned([(float(x), math.nan, math.nan) for x in range(10)], 1)[0][1:] == pytest.approx(
        (math.nan, math.nan), nan_ok=True
    )


def test_curves_are_read_anew_when_something_was_logged_and_shown_until_then() -> None:
    kept, settings = Averages(), Settings(smoothing=0.9)
    assert kept.lacking(["r"], ["m"], Settings()) == ()
    assert kept.lacking(["r"], ["m"], settings) == ("m",)
    kept.take(["r"], ["m"], "step", [[history([(1, 1.0), (1, 2.0)])]])
    assert kept.lacking(["r"], ["m", "n"], settings) == ("n",)
    assert kept.lacking(["r"], ["m"], settings.along("time")) == ("m",)
    before = kept.of("m", ["r"], settings)
    kept.outdate()
    assert kept.lacking(["r"], ["m"], settings) == ("m",)
    assert kept.of("m", ["r"], settings) == before
    kept.take(["r"], ["m"], "step", [[history([(1, 1.0), (1, 5.0)])]])
    assert kept.of("m", ["r"], settings) != before
    assert kept.of("m", ["r"], Settings()) == {}


def test_no_more_curves_are_kept_than_a_console_can_hold() -> None:
    kept, settings = Averages(), Settings(smoothing=0.9)
    one = history([(1, 1.0), (1, 2.0)])
    for place in range(MOST_KEPT):
        kept.take(["r"], [f"m{place}"], "step", [[one]])
    kept.take(["r"], ["new"], "step", [[one]])
    assert kept.of("new", ["r"], settings)
    assert not kept.of("m0", ["r"], settings)


def test_a_page_of_more_curves_than_are_kept_has_them_all() -> None:
    kept, settings = Averages(), Settings(smoothing=0.9)
    run_ids, keys = [f"r{place}" for place in range(10)], [f"m{place}" for place in range(8)]
    curve = history([(1, 1.0), (1, 2.0)])
    for page in (keys[:6], keys):  # more charts come into view
        lacking = kept.lacking(run_ids, page, settings)
        kept.take(run_ids, lacking, "step", [[curve] * len(lacking)] * len(run_ids))
    assert len(run_ids) * len(keys) > MOST_KEPT
    assert kept.lacking(run_ids, keys, settings) == ()
    assert [len(kept.of(key, run_ids, settings)) for key in keys] == [len(run_ids)] * len(keys)
