"""Pictures: well formed whatever is logged, and true to the points."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.plotting.picture import COLOURS, Curve, Look, Point, csv_text, svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('1')</script>&amp;\"\x1b[31m\u202e\0\ufffe]]>"
ANY = st.floats()
CURVES = st.lists(
    st.builds(
        Curve,
        st.text(max_size=8) | st.just(HOSTILE),
        st.lists(st.tuples(ANY, ANY) | st.tuples(ANY, ANY, ANY), max_size=9),
    ),
    max_size=12,
)
LOOKS = st.builds(
    Look,
    title=st.text(max_size=8) | st.just(HOSTILE),
    x=st.sampled_from(["step", "time", "value"]),
    log_x=st.booleans(),
    log_y=st.booleans(),
)


def parsed(curves: Sequence[Curve], look: Look | None = None) -> ET.Element:
    return ET.fromstring(svg(curves, look))  # noqa: S314 our own text


def words(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def points_of(element: ET.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in element.attrib["points"].split())
    return [(float(left), float(top)) for left, top in pairs]


def lines(root: ET.Element) -> list[list[tuple[float, float]]]:
    return [points_of(each) for each in root.iter(f"{SVG}polyline")]


@settings(max_examples=60)
@given(curves=CURVES, look=LOOKS)
def test_any_curves_make_a_well_formed_picture_that_loads_and_runs_nothing(curves: list[Curve], look: Look) -> None:
    root = parsed(curves, look)
    tags = {each.tag.removeprefix(SVG) for each in root.iter()}
    assert tags <= {"svg", "title", "rect", "text", "g", "line", "path", "polyline", "polygon", "circle"}
    for each in root.iter():
        assert not any(name.startswith("on") or "href" in name for name in each.attrib)
        for left, top in points_of(each) if "points" in each.attrib else ():
            assert -1 <= left <= look.width + 1
            assert -1 <= top <= look.height + 1


def test_names_and_titles_are_shown_as_text() -> None:
    root = parsed([Curve(HOSTILE, [(0.0, 1.0)])], Look(title=HOSTILE))
    assert (root.findtext(f"{SVG}title") or "").startswith("<script>alert('1')</script>&amp;")
    assert not any("\x1b" in text or "\u202e" in text for text in words(root))


def test_a_curve_is_one_line_through_its_points() -> None:
    (line,) = lines(parsed([Curve("a", [(0.0, 0.0), (50.0, 1.0), (100.0, 0.5)])]))
    (left, bottom), (middle, top), (right, half) = line
    assert left < middle < right
    assert middle - left == pytest.approx(right - middle, abs=0.05)
    assert top < half < bottom
    assert half == pytest.approx((top + bottom) / 2, abs=0.05)


def test_nan_parts_a_curve_and_is_counted() -> None:
    points: list[Point] = [(0.0, 0.0), (1.0, 1.0), (2.0, math.nan), (3.0, 1.0), (4.0, 0.0), (5.0, math.inf), (6.0, 1.0)]
    root = parsed([Curve("a", points)])
    assert [len(line) for line in lines(root)] == [2, 2]
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    assert any("2 points without a place" in text for text in words(root))


def test_on_logarithmic_axes_equal_factors_are_equal_distances() -> None:
    points: list[Point] = [(1.0, 0.001), (10.0, 0.1), (100.0, 10.0), (-5.0, 1.0)]
    root = parsed([Curve("a", points)], Look(log_x=True, log_y=True))
    (line,) = lines(root)
    steps = [(second[0] - first[0], first[1] - second[1]) for first, second in pairwise(line)]
    assert steps[0] == pytest.approx(steps[1], abs=0.1)
    assert any("log x, log y, 1 points without" in text for text in words(root))


def test_a_reduced_curve_is_a_band_around_its_middle() -> None:
    root = parsed([Curve("a", [(0.0, 0.0, 1.0), (1.0, 0.25, 0.75)])])
    (band,) = [points_of(each) for each in root.iter(f"{SVG}polygon")]
    (line,) = lines(root)
    assert len(band) == 4
    assert line[0][1] == pytest.approx((band[0][1] + band[-1][1]) / 2, abs=0.05)


def test_every_curve_has_its_colour_and_its_name_below() -> None:
    curves = [Curve(f"run {place}", [(0.0, place), (1.0, place)]) for place in range(10)]
    text = svg(curves)
    assert [name for name in words(ET.fromstring(text)) if name.startswith("run")] == [each.name for each in curves]  # noqa: S314 our own text
    assert all(text.count(f'stroke="{colour}"') >= 2 for colour in COLOURS)


def test_curves_too_many_for_the_legend_are_counted() -> None:
    root = parsed([Curve(f"run {place}", [(0.0, 1.0)]) for place in range(50)])
    assert "+10 more" in words(root)


@pytest.mark.parametrize("points", [[], [(math.nan, 1.0)], [(0.0, math.nan)]])
def test_nothing_to_draw_is_said(points: list[Point]) -> None:
    assert "no points to draw" in words(parsed([Curve("a", points)]))


def test_time_is_labelled_as_people_read_clocks() -> None:
    root = parsed([Curve("a", [(0.0, 0.0), (7_200.0, 1.0)])], Look(x="time"))
    assert "1h" in words(root)
    assert "time since the start" in words(root)


# --- data


def rows_of(curves: Sequence[Curve]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_text(curves))))


@given(st.lists(st.tuples(ANY, ANY), max_size=20))
def test_the_data_is_there_to_the_last_digit(points: list[tuple[float, float]]) -> None:
    head, *rows = rows_of([Curve("a", points)])
    assert head == ["series", "x", "y"]
    read = [(float(x), float(y)) for _, x, y in rows]
    assert list(map(repr, read)) == [repr((x + 0.0, y + 0.0)) for x, y in points]


def test_a_reduced_curve_tells_both_ends() -> None:
    rows = rows_of([Curve("a", [(1.0, 0.0, 1.0), (2.0, 3.0)])])
    assert rows == [["series", "x", "y", "low", "high"], ["a", "1", "0.5", "0", "1"], ["a", "2", "3", "3", "3"]]


@pytest.mark.parametrize("name", ["=cmd()", "+1+1", "@x", "-2+3", "\t=1"])
def test_no_cell_is_a_formula(name: str) -> None:
    (_, row) = rows_of([Curve(name, [(1.0, -2.5)])])
    assert re.match(r"['\w·]", row[0])
    assert row[1:] == ["1", "-2.5"]
