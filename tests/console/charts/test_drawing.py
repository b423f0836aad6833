"""Clipping, grouping, smoothing of what was read, against the plain definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charting.averages import averaged
from console.charting.drawing import Shown, by_number, clip_range, drawn, percentile, points_of, spread, whole_range
from console.charting.reading import Request, pieces
from console.charting.settings import Settings
from engine.core.smoothing import smoothed
from engine.tracking.model import History, HistoryPoint

VALUES = st.floats(-1e6, 1e6)
CURVE = st.lists(st.tuples(st.integers(-50, 50), VALUES), max_size=15, unique_by=lambda point: point[0]).map(sorted)


def exact(values: Sequence[float], begin: int = 0) -> History:
    points = tuple(HistoryPoint(begin + x, v, v, v, v, 1, v) for x, v in enumerate(values))
    return History("m", len(points), points, exact=True)


def run(name: str, place: int, **values: str) -> Shown:
    return Shown(name * 32, name, place, values={f"params.{key}": value for key, value in values.items()})


@given(values=st.lists(VALUES, min_size=1, max_size=50), share=st.floats(0, 1))
def test_a_percentile_is_that_of_numpy(values: list[float], share: float) -> None:
    assert percentile(sorted(values), share) == pytest.approx(np.percentile(values, share * 100), abs=1e-6)


@given(values=st.lists(VALUES, min_size=150, max_size=300), outlier=st.sampled_from([1e12, -1e12, math.inf, math.nan]))
def test_a_lone_outlier_does_not_set_the_range(values: list[float], outlier: float) -> None:
    found = clip_range([exact([*values, outlier])])
    assert found is not None
    assert min(values) <= found[0] <= found[1] <= max(values)


def test_without_numbers_there_is_no_range() -> None:
    assert clip_range([exact([math.nan, math.inf]), exact([])]) is None
    assert whole_range([exact([])], 1) is None


def at(curve: Sequence[tuple[float, float]], x: float) -> float | None:
    """The value of a curve by numpy; none outside of it."""
    if not curve or not curve[0][0] <= x <= curve[-1][0]:
        return None
    return float(np.interp(x, [each[0] for each in curve], [each[1] for each in curve]))


@given(curves=st.lists(CURVE, max_size=5))
def test_mean_and_range_are_those_of_the_runs_that_are_there(curves: list[list[tuple[float, float]]]) -> None:
    found = spread(curves)
    assert [each.x for each in found] == sorted({x for curve in curves for x, _ in curve})
    for each in found:
        values = [value for curve in curves if (value := at(curve, each.x)) is not None]
        assert each.runs == len(values)
        assert each.mean == pytest.approx(np.mean(values), abs=1e-6)
        assert (each.low, each.high) == pytest.approx((min(values), max(values)), abs=1e-6)


@given(curve=CURVE, copies=st.integers(1, 4))
def test_runs_that_agree_have_no_range(curve: list[tuple[float, float]], copies: int) -> None:
    for each, (x, value) in zip(spread([curve] * copies), curve, strict=True):
        assert (each.x, each.low, each.high, each.runs) == (x, value, value, copies)


def test_gaps_are_bridged_and_not_counted_as_values() -> None:
    found = spread([[(0, 0.0), (1, math.nan), (2, 2.0)], [(1, 3.0)]])
    assert [(each.x, each.mean, each.runs) for each in found] == [(0, 0.0, 1), (1, 2.0, 2), (2, 2.0, 1)]


def test_groups_are_ordered_by_number_and_say_how_many_runs_they_are() -> None:
    read = [
        (run("a", 0, lr="0.1"), exact([1, 1])),
        (run("b", 1, lr="0.02"), exact([2, 4])),
        (run("c", 2, lr="0.02"), exact([4, 8])),
        (run("d", 3), exact([0, 0])),
    ]
    found = drawn("m", read, Settings(group="params.lr"))
    assert [one.name for one in found if not one.faint] == ["0.02 (2)", "0.1 (1)", "none (1)"]
    assert list(found[0].points) == [(0, 3), (1, 6)]
    [band] = [one for one in found if one.faint]
    assert list(band.points) == [(0, 2, 4), (1, 4, 8)]


@pytest.mark.parametrize(("runs", "behind"), [(1, 1), (3, 3), (4, 0)])
def test_the_raw_curve_is_faint_behind_the_smoothed_one_where_they_are_few(runs: int, behind: int) -> None:
    read = [(run("abcd"[place], place), exact([0, 1, 0, 1])) for place in range(runs)]
    averages = {shown.run_id: averaged(history, 1, 0.9) for shown, history in read}
    found = drawn("m", read, Settings(smoothing=0.9), averages)
    assert [one.faint for one in found] == [False] * runs + [True] * behind
    assert [value for _, value in found[0].points] == smoothed(range(4), [0, 1, 0, 1], 0.9)  # type: ignore[misc]


def test_stretches_are_drawn_from_their_least_to_their_greatest() -> None:
    history = History("m", 6, (HistoryPoint(1000, 1, 3, 2, 2, 5, 2), HistoryPoint(2000, 7, 7, 7, 7, 1, 7)), exact=False)
    assert points_of(history, 1000) == [(1, 1, 3), (2, 7)]


@given(values=st.lists(st.one_of(st.integers(-99, 99).map(str), st.sampled_from(["x", "y", "nan"])), max_size=9))
def test_numbers_come_by_size_before_words(values: list[str]) -> None:
    found = sorted(values, key=by_number)
    numbers = [float(value) for value in found if value not in ("x", "y", "nan")]
    assert numbers == sorted(numbers)
    assert all(value in ("x", "y", "nan") for value in found[len(numbers) :])


@given(
    window=st.tuples(st.floats(0, 1e6), st.floats(1, 1e6)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    x=st.sampled_from(["step", "elapsed", "metrics.epoch"]),
    points=st.integers(40, 400),
)
def test_a_log_axis_is_read_in_pieces_that_share_no_step_and_leave_none_out(
    window: tuple[float, float], x: str, points: int
) -> None:
    settings = Settings(x=x, window=window, log_x=True)
    found = pieces(Request((), (), points, settings, None))
    assert sum(each for _, _, each in found) <= points
    last = found[-1][1]
    assert last is not None
    if x == "step":
        assert math.floor(last) == math.floor(window[1])
    else:
        assert last == pytest.approx(window[1] * settings.scale)
    for (_, end, _), (begin, _, _) in pairwise(found):
        assert end is not None
        assert begin is not None
        if x == "step":
            assert begin > end
            assert math.floor(end) + 1 == math.ceil(begin)
        else:
            assert begin == pytest.approx(end)
