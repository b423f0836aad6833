"""Heat maps, histograms and bars: what is drawn is what the values say, in cells that fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.charts.bars import draw_bars
from console.widgets.charts.heat_map import HEATS, draw_heat_map
from console.widgets.charts.histogram import binned, draw_histogram
from console.widgets.charts.series import Drawing, Point, Series, View
from tests.console.charts.test_plot import ANY, FINITE, SERIES, VIEWS

Draw = Callable[[Sequence[Series], View], Drawing]


def own_heat_map(series: Sequence[Series], view: View) -> Drawing:
    return draw_heat_map(series, view, own_scales=True)


DRAWS: tuple[Draw, ...] = (draw_heat_map, own_heat_map, draw_histogram, draw_bars)
draws = pytest.mark.parametrize("draw", DRAWS)


def texts(drawing: Drawing) -> list[str]:
    return ["".join(span.text for span in line) for line in drawing.lines]


def roles(drawing: Drawing, row: int) -> list[str]:
    return [span.role for span in drawing.lines[row] if span.text.strip()]


@draws
@settings(max_examples=50)
@given(series=SERIES, view=VIEWS)
@example(series=[Series("a", [(0.0, -1.7e308), (1.0, 1.7e308)])], view=View(80, 20))
@example(series=[Series("a", [(0.0, 5e-324), (1.0, 1e-323)])], view=View(80, 20, log_y=True))
@example(series=[Series("a", [(-1.7e308, 1.0), (1.7e308, 2.0)])], view=View(80, 20, x="time"))
@example(series=[Series("宽宽宽宽宽宽", [(0.0, 1.0)])], view=View(21, 7))
def test_any_floats_make_lines_of_exactly_the_asked_width(draw: Draw, series: list[Series], view: View) -> None:
    drawing = draw(series, view)
    assert len(drawing.lines) == view.height
    if view.width:
        assert {cell_len(line) for line in texts(drawing)} <= {view.width}


@draws
@settings(max_examples=30)
@given(
    series=st.lists(
        st.builds(Series, name=st.just("run"), points=st.lists(st.tuples(ANY, ANY), max_size=9)), max_size=6
    )
)
def test_ascii_drawings_hold_ascii_only(draw: Draw, series: list[Series]) -> None:
    assert "".join(texts(draw(series, View(60, 12, "loss", unicode=False)))).isascii()


@draws
@pytest.mark.parametrize("series", [[], [Series("a", [])], [Series("a", [(math.nan, 1.0)])]])
def test_nothing_to_draw_is_said(draw: Draw, series: list[Series]) -> None:
    assert "no " in "".join(texts(draw(series, View(40, 10))))


# --- heat maps


def ramp(values: Sequence[float], *, unicode: bool) -> list[str]:
    series = [Series(f"r{place}", [(0.0, value), (9.0, value)]) for place, value in enumerate(values)]
    return texts(draw_heat_map(series, View(40, len(values) + 3, "m", unicode=unicode)))[1:-2]


def test_shades_grow_with_the_value_and_the_scale_is_stated() -> None:
    rows = ramp([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], unicode=False)
    assert [row[3] for row in rows] == list(".:-=+*#@")
    series = [Series("a", [(0.0, 0.25)]), Series("b", [(0.0, 0.75)])]
    drawing = draw_heat_map(series, View(40, 8, "m"))
    assert texts(drawing)[-1].strip() == "0.25 ░░▒▒▓▓██ 0.75"
    assert (roles(drawing, 1)[-1], roles(drawing, 3)[-1]) == (HEATS[0], HEATS[-1])


def test_a_map_of_nothing_but_nan_says_so_and_not_that_points_are_to_come() -> None:
    assert "every value is NaN" in "".join(texts(draw_heat_map([Series("a", [(0.0, math.nan)])], View(40, 8, "m"))))
    assert "no points yet" in "".join(texts(draw_heat_map([Series("a", [])], View(40, 8, "m"))))


@pytest.mark.parametrize(("unicode", "mark"), [(True, "\u00d7 NaN"), (False, "x NaN")])
def test_the_mark_of_what_is_no_number_is_told_where_there_is_one(unicode: bool, mark: str) -> None:
    series = [Series("a", [(0.0, 0.25), (1.0, math.nan)]), Series("b", [(0.0, 0.75)])]
    assert texts(draw_heat_map(series, View(40, 8, "m", unicode=unicode)))[-1].strip().endswith(mark)


def test_a_value_lasts_until_the_next_and_nothing_follows_the_last() -> None:
    series = [Series("long", [(0.0, 0.0), (50.0, 1.0), (99.0, 1.0)]), Series("half", [(0.0, 0.0), (50.0, 0.0)])]
    rows = texts(draw_heat_map(series, View(105, 5, "m", unicode=False)))
    long, half = rows[1][5:], rows[2][5:]
    assert (long[0], long[40], long[60], long[-1]) == (".", ".", "@", "@")
    assert (half[0], half[40], half[60].strip()) == (".", ".", "")


def test_nan_and_infinities_are_marked() -> None:
    series = [Series("a", [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, 2.0)])]
    drawing = draw_heat_map(series, View(6, 4, unicode=False))
    assert texts(drawing)[1][2:] == ".x@@"
    assert roles(drawing, 1).count("warn") == 1


def test_metrics_that_cannot_be_compared_get_scales_of_their_own() -> None:
    series = [Series("loss", [(0.0, 5.0), (1.0, 0.1)]), Series("count", [(0.0, 0.0), (1.0, 9e6)])]
    drawing = draw_heat_map(series, View(50, 8, unicode=False), own_scales=True)
    rows = texts(drawing)
    assert (rows[1][6], rows[1][-1], rows[3][6], rows[3][-1]) == ("@", ".", ".", "@")
    assert "least .:-=+*#@ greatest of each row" in rows[-1]


def test_rows_without_room_are_counted() -> None:
    series = [Series(f"r{place}", [(0.0, 1.0)]) for place in range(30)]
    assert "+" in texts(draw_heat_map(series, View(60, 12)))[-1]
    assert "more rows" in texts(draw_heat_map(series, View(60, 12)))[-1]


def test_the_cursor_marks_a_column_and_reads_x() -> None:
    series = [Series("a", [(float(x), float(x)) for x in range(100)])]
    drawing = draw_heat_map(series, View(60, 8, cursor=50.0))
    assert "cursor" in roles(drawing, 1)
    assert drawing.frame is not None
    assert abs(drawing.frame.x_at(drawing.frame.cell_x(50.0)) - 50.0) < 2


# --- histograms


@given(values=st.lists(FINITE, min_size=1, max_size=60), count=st.integers(1, 30))
def test_every_value_is_in_one_bin(values: list[float], count: int) -> None:
    bins = binned(values, count)
    assert sum(bins.counts) == len(values)
    assert len(bins.bounds) == len(bins.counts) + 1 == len(bins.labels)
    assert list(bins.bounds) == sorted(bins.bounds)
    assert bins.bounds[0] <= min(values) <= max(values) <= bins.bounds[-1]


@given(values=st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=40))
def test_every_value_is_in_one_logarithmic_bin(values: list[float]) -> None:
    assert sum(binned(values, 8, log=True).counts) == len(values)


def test_counts_stand_beside_their_bars() -> None:
    points: list[Point] = [(float(x), x / 100) for x in range(100)]
    rows = texts(draw_histogram([Series("a", points)], View(60, 12, "auc")))
    counts = [int(row.rsplit(None, 1)[-1]) for row in rows[1:-1] if "│" in row]
    assert sum(counts) == 100
    assert set(counts) == {10}
    assert rows[-1].strip() == "values: 100"


def test_what_has_no_bin_is_counted_apart() -> None:
    points: list[Point] = [(0.0, 1.0), (1.0, math.nan), (2.0, math.inf), (3.0, 2.0), (4.0, -1.0)]
    assert "values: 5, 2 without a bin" in texts(draw_histogram([Series("a", points)], View(70, 9)))[-1]
    assert "values: 5, 3 without a bin" in texts(draw_histogram([Series("a", points)], View(70, 9, log_y=True)))[-1]


def test_several_series_are_counted_by_their_last_values() -> None:
    series = [Series(f"r{seed}", [(0.0, 9.0), (1.0, seed / 10)]) for seed in range(8)]
    rows = texts(draw_histogram(series, View(60, 12)))
    assert rows[-1].strip() == "the last values of 8 series"
    assert "9" not in "".join(row.split("│")[0] for row in rows[1:-1])


def test_few_values_get_few_bins() -> None:
    series = [Series(f"r{seed}", [(0.0, seed / 7)]) for seed in range(5)]
    rows = texts(draw_histogram(series, View(60, 40)))
    assert sum("│" in row for row in rows) <= 7


def test_a_reduced_curve_says_that_stretches_are_counted() -> None:
    rows = texts(draw_histogram([Series("a", [(0.0, 0.0, 1.0), (1.0, 2.0, 4.0)])], View(60, 9)))
    assert rows[-1].strip() == "2 stretches of the curve"


# --- bars


def test_bars_are_sorted_by_the_last_value_and_nan_comes_last() -> None:
    series = [Series("low", [(0.0, 1.0)]), Series("bad", [(0.0, math.nan)]), Series("high", [(0.0, 0.0), (1.0, 4.0)])]
    rows = texts(draw_bars(series, View(60, 8, "auc")))
    assert [row.split()[1] for row in rows[1:4]] == ["high", "low", "bad"]
    assert rows[1].count("█") == pytest.approx(4 * rows[2].count("█"), abs=4)
    assert "█" not in rows[3]
    assert "nan" in rows[3]


def test_close_values_do_not_start_at_zero_and_that_is_said() -> None:
    series = [Series("a", [(0.0, 0.912)]), Series("b", [(0.0, 0.934)])]
    drawing = texts(draw_bars(series, View(70, 8)))
    assert "bars start at 0.9" in drawing[-1]
    assert drawing[1].count("█") > 2 * drawing[2].count("█") > 0


def test_values_that_differ_little_are_written_so_that_they_differ() -> None:
    series = [Series("a", [(0.0, 0.899999)]), Series("b", [(0.0, 0.899981)]), Series("c", [(0.0, 0.899472)])]
    shown = [row.split()[2] for row in texts(draw_bars(series, View(60, 6)))[1:4]]
    assert shown == ["0.9", "0.89998", "0.89947"]


def test_values_below_zero_grow_to_the_left() -> None:
    rows = texts(draw_bars([Series("up", [(0.0, 5.0)]), Series("down", [(0.0, -5.0)])], View(60, 6, unicode=False)))
    up, down = rows[1], rows[2]
    assert up.index("#") >= down.rindex("#")
    assert "start" not in rows[-1]


def test_the_cursor_asks_for_the_values_there() -> None:
    series = [Series("a", [(0.0, 1.0), (9.0, 2.0)]), Series("b", [(0.0, 3.0), (9.0, 1.5)])]
    assert texts(draw_bars(series, View(60, 6)))[1].split()[1] == "a"
    assert texts(draw_bars(series, View(60, 6, cursor=0.0)))[1].split()[1] == "b"


def test_runs_without_room_are_counted() -> None:
    series = [Series(f"r{place}", [(0.0, float(place))]) for place in range(30)]
    assert "+26 more" in texts(draw_bars(series, View(60, 6)))[-1]


@draws
def test_only_the_window_is_drawn_and_nothing_faint(draw: Draw) -> None:
    points: list[Point] = [(float(x), float(x)) for x in range(100)]
    window = View(60, 12, "loss", x_range=(10.0, 20.0))
    inside = [point for point in points if 10 <= point[0] <= 20]
    both = [Series("range", [(0.0, 500.0), (15.0, 700.0)], faint=True), Series("a", points)]
    assert texts(draw(both, window)) == texts(draw([Series("a", inside)], window))
