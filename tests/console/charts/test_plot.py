from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.charts.plot import draw
from console.widgets.charts.series import Drawing, Point, Series, View, XKind, readings

ANY = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True)
POINT = st.one_of(st.tuples(ANY, ANY), st.tuples(ANY, ANY, ANY))
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x4FFF, exclude_categories=("C", "M", "Z")), max_size=12)
SERIES = st.lists(st.builds(Series, name=NAMES, points=st.lists(POINT, max_size=30)), max_size=10)
VIEWS = st.builds(
    View,
    width=st.integers(0, 130),
    height=st.integers(0, 40),
    title=NAMES,
    unicode=st.booleans(),
    log_y=st.booleans(),
    x=st.sampled_from(("step", "time", "value")),
    cursor=st.one_of(st.none(), ANY),
    selected=st.booleans(),
)
BRAILLE = range(0x2801, 0x2900)


def texts(drawing: Drawing) -> list[str]:
    return ["".join(span.text for span in line) for line in drawing.lines]


def drawn(points: Sequence[Point], **view: object) -> list[str]:
    return texts(draw([Series("a", points)], View(60, 12, "m", **view)))  # type: ignore[arg-type]  # looks only


def roles(drawing: Drawing) -> set[str]:
    return {span.role for line in drawing.lines for span in line if span.text.strip()}


def inked_rows(drawing: Drawing, points: Sequence[Point]) -> set[int]:
    """Rows of the frame with dots of the curve or the mark at its end."""
    frame = drawing.frame
    assert frame is not None
    assert points
    rows = texts(drawing)[frame.row : frame.row + frame.height]
    return {y for y, row in enumerate(rows) if any(ord(glyph) in BRAILLE or glyph == "●" for glyph in row)}


@given(series=SERIES, view=VIEWS)
@example(series=[Series("a", [(0.0, -1.7e308), (1.0, 1.7e308)])], view=View(80, 20))
@example(series=[Series("a", [(0.0, 5e-324), (1.0, 1e-323)])], view=View(80, 20, log_y=True))
@example(series=[Series("a", [(-1.7e308, 1.0), (1.7e308, 2.0)])], view=View(80, 20, x="time"))
def test_any_floats_make_lines_of_exactly_the_asked_width(series: list[Series], view: View) -> None:
    drawing = draw(series, view)
    assert len(drawing.lines) == view.height
    if view.width:
        assert {cell_len(line) for line in texts(drawing)} <= {view.width}


@given(values=st.lists(FINITE, min_size=1, max_size=40), log=st.booleans())
def test_the_extremes_of_the_data_are_drawn_in_their_rows(values: list[float], log: bool) -> None:
    points = [(float(x), abs(y) or 1.0) if log else (float(x), y) for x, y in enumerate(values)]
    drawing = draw([Series("a", points)], View(70, 16, log_y=log))
    frame = drawing.frame
    assert frame is not None
    rows = inked_rows(drawing, points)
    ys = [y for _, y in points]
    assert (min(rows), max(rows)) == (frame.cell_y(max(ys)), frame.cell_y(min(ys)))


@given(at=st.integers(0, 9999), height=st.floats(2.0, 1e6))
def test_a_spike_of_one_bucket_survives(at: int, height: float) -> None:
    points: list[Point] = [(x, 0.0, height if x == at else 1.0) for x in range(0, 10_000, 25) if x // 25 != at // 25]
    points.append((at, 0.0, height))
    drawing = draw([Series("a", sorted(points))], View(80, 20))
    frame = drawing.frame
    assert frame is not None
    row = texts(drawing)[frame.row + frame.cell_y(height)]
    assert ord(row[frame.column + frame.cell_x(at)]) in BRAILLE


def test_a_smooth_curve_leaves_no_column_empty_between_its_points() -> None:
    drawing = draw([Series("a", [(x, math.sin(x / 9)) for x in range(40)])], View(100, 20))
    frame = drawing.frame
    assert frame is not None
    rows = texts(drawing)[frame.row : frame.row + frame.height]
    for column in range(frame.cell_x(0), frame.cell_x(39)):
        assert any(ord(row[frame.column + column]) in BRAILLE for row in rows)


def test_nan_leaves_a_gap() -> None:
    points = [(x, math.nan if 20 <= x < 40 else 1.0) for x in range(60)]
    drawing = draw([Series("a", points)], View(80, 12, unicode=False))
    frame = drawing.frame
    assert frame is not None
    rows = texts(drawing)[frame.row : frame.row + frame.height]
    middle = frame.column + frame.cell_x(30)
    assert all(row[middle] == " " for row in rows)
    assert any(row[frame.column + frame.cell_x(10)] != " " for row in rows)


@pytest.mark.parametrize(("value", "row", "mark"), [(math.inf, 0, "▲"), (-math.inf, -1, "▼")])
def test_infinity_is_marked_on_its_edge(value: float, row: int, mark: str) -> None:
    drawing = draw([Series("a", [(0, 1.0), (1, 2.0), (2, value), (3, 1.5)])], View(60, 12))
    frame = drawing.frame
    assert frame is not None
    rows = texts(drawing)[frame.row : frame.row + frame.height]
    assert rows[row][frame.column + frame.cell_x(2)] == mark
    assert "warn" in roles(drawing)


def test_zero_on_a_log_axis_is_marked_at_the_bottom() -> None:
    rows = drawn([(0, 1.0), (1, 0.0), (2, 10.0)], log_y=True)
    assert any("▼" in row for row in rows)


def test_a_window_without_points_says_how_to_leave_it() -> None:
    drawing = draw([Series("a", [])], View(60, 12, x_range=(3.0, 4.0)))
    assert any("0 shows the whole curve" in span.text for line in drawing.lines for span in line)


@pytest.mark.parametrize(
    ("points", "log", "words"),
    [
        ([], False, "no points yet"),
        ([(0, math.nan), (1, math.nan)], False, "every value is NaN"),
        ([(0, math.inf), (1, math.nan)], False, "every value is infinite or NaN"),
        ([(0, -1.0), (1, 0.0)], True, "no value above 0: nothing to show on a log axis"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_words(points: list[Point], log: bool, words: str) -> None:
    assert any(words in row for row in drawn(points, log_y=log))


def test_one_point_is_shown_with_its_value_and_place() -> None:
    rows = drawn([(7, 0.93)])
    assert "0.93" in rows[0]
    assert any("●" in row for row in rows)
    assert "7" in rows[-1]


def test_a_constant_has_room_on_both_sides() -> None:
    drawing = draw([Series("a", [(x, 64.0) for x in range(9)])], View(60, 12))
    assert drawing.frame is not None
    assert drawing.frame.y.low < 64 < drawing.frame.y.high


def test_curves_can_be_told_apart_without_colour() -> None:
    series = [Series(name, [(x, level) for x in range(30)]) for level, name in enumerate(("base", "wide", "deep"))]
    drawing = draw(series, View(90, 14, "auc"))
    rows = texts(drawing)
    assert [mark for mark in "ABC" if any(mark in row for row in rows[1:])] == ["A", "B", "C"]
    assert "A base 0  B wide 1  C deep 2" in rows[0]
    assert {"series-1", "series-2", "series-3"} <= roles(drawing)


def test_ends_at_the_same_place_get_a_mark_each() -> None:
    series = [Series(name, [(0, 0.0), (9, 1.0)]) for name in "uvwxyz"]
    rows = texts(draw(series, View(60, 14)))[1:]
    assert all(any(mark in row for row in rows) for mark in "ABCDEF")


def test_ascii_sends_nothing_but_ascii() -> None:
    points: list[Point] = [(x, math.inf if x == 5 else math.sin(x)) for x in range(30)]
    series = [Series("a", points), Series("b", points[:20])]
    for shown in (series, series[:1], []):
        rows = texts(draw(shown, View(70, 14, "a long title " * 9, unicode=False, cursor=3, selected=True)))
        assert all(row.isascii() for row in rows)


def test_the_legend_gives_way_to_the_title() -> None:
    series = [Series(f"a name of some length {index}", [(0, 1.0), (1, index)]) for index in range(9)]
    head = texts(draw(series, View(60, 12, "validation/auc")))[0]
    assert "validation/auc" in head
    assert "+" in head
    assert "a name" not in head


def test_the_title_line_reads_the_values_under_the_cursor() -> None:
    series = [Series("a", [(x, x * 2.0) for x in range(50)]), Series("b", [(x, x * 3.0) for x in range(50)])]
    head = texts(draw(series, View(80, 12, "m", cursor=21.2)))[0]
    assert "@21 A a 42  B b 63" in head


def test_a_cursor_outside_of_the_data_draws_no_line() -> None:
    points = [(x, 1.0 * x) for x in range(50)]
    below_the_title = draw([Series("", points)], View(80, 12, cursor=900)).lines[1:]
    assert "cursor" not in {span.role for line in below_the_title for span in line}


def test_a_diverged_run_says_so_in_its_title_line() -> None:
    drawing = draw([Series("a", [(0, 1.0), (1, math.nan)])], View(60, 12, "loss"))
    assert ("nan", "warn") in [(span.text, span.role) for span in drawing.lines[0]]


def test_the_exact_latest_value_wins_over_the_last_bucket() -> None:
    series = [Series("a", [(0, 1.0, 2.0)], latest=1.25)]
    assert [reading.text for reading in readings(series)] == ["1.25"]
    assert [reading.text for reading in readings([Series("a", [(0, 1.0, 2.0)])])] == ["1..2"]


def test_time_is_labelled_as_a_clock() -> None:
    rows = drawn([(x * 60.0, x) for x in range(121)], x="time")
    assert rows[-1].split() == ["0s", "30m", "1h", "1h30m", "2h"]


def test_a_growing_curve_keeps_its_axis_for_many_points() -> None:
    def frame_of(count: int) -> object:
        frame = draw([Series("a", [(x, x % 7) for x in range(count)])], View(80, 20)).frame
        assert frame is not None
        return frame.x, frame.y

    assert len({frame_of(count) for count in range(1000, 1100, 5)}) <= 4


@pytest.mark.parametrize(
    ("x", "at", "label"),
    [("step", 0.0, "0"), ("step", 5.0, "5"), ("step", 123456.0, "123456"), ("time", 0.0, "0s"), ("time", 61.0, "1m1s")],
)
def test_a_single_point_has_one_tick_below_it(x: XKind, at: float, label: str) -> None:
    lines = [
        "".join(span.text for span in line) for line in draw([Series("auc", [(at, 0.9)])], View(60, 12, x=x)).lines
    ]
    assert lines[-1].split() == [label]
    assert lines[-2].count("┬") == 1


def test_ticks_that_would_read_the_same_are_not_labelled_twice() -> None:
    points = [(100.0, 0.1), (100.6, 0.2)]
    lines = [
        "".join(span.text for span in line) for line in draw([Series("auc", points)], View(100, 12, x="time")).lines
    ]
    labels = lines[-1].split()
    assert labels
    assert len(set(labels)) == len(labels)
