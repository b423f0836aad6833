from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.widgets.charts.braille import Canvas

DOT = st.tuples(st.integers(0, 19), st.integers(0, 39))


def dots(canvas: Canvas) -> set[tuple[int, int]]:
    """Read the dots back from the braille characters, by the Unicode numbering of the dots."""
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    return {
        (cell.column * 2 + x, cell.row * 4 + y)
        for cell in canvas.cells()
        for bit, (x, y) in enumerate(places)
        if ord(cell.glyph) - 0x2800 >> bit & 1
    }


@given(start=DOT, end=DOT)
def test_a_line_joins_its_ends_without_a_gap_and_one_dot_wide(start: tuple[int, int], end: tuple[int, int]) -> None:
    canvas = Canvas(10, 10)
    canvas.line(canvas.layer(), start, end)
    inked = dots(canvas)
    assert {start, end} <= inked
    assert len(inked) == max(abs(start[0] - end[0]), abs(start[1] - end[1])) + 1
    reached, edge = {start}, [start]
    while edge:
        x, y = edge.pop()
        near = {(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)} & inked - reached
        reached |= near
        edge.extend(near)
    assert reached == inked


@given(start=DOT, end=DOT)
def test_a_line_stays_within_a_dot_of_the_true_one(start: tuple[int, int], end: tuple[int, int]) -> None:
    canvas = Canvas(10, 10)
    canvas.line(canvas.layer(), start, end)
    (x0, y0), (x1, y1) = start, end
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1)
    assert all(abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / length <= 1 for x, y in dots(canvas))


@given(strokes=st.lists(st.tuples(DOT, st.integers(0, 39)), max_size=20))
def test_strokes_ink_exactly_their_dots(strokes: list[tuple[tuple[int, int], int]]) -> None:
    canvas = Canvas(10, 10)
    layer = canvas.layer()
    wanted = set()
    for (x, y), other in strokes:
        canvas.stroke(layer, x, y, other)
        wanted |= {(x, row) for row in range(min(y, other), max(y, other) + 1)}
    assert dots(canvas) == wanted


def test_a_shared_cell_belongs_to_the_layer_with_most_dots() -> None:
    canvas = Canvas(1, 1)
    few, many = canvas.layer(), canvas.layer()
    canvas.stroke(few, 0, 0, 0)
    canvas.stroke(many, 1, 0, 3)
    (cell,) = canvas.cells()
    assert (cell.glyph, cell.layer) == ("⢹", many)


def test_a_tie_goes_to_the_earlier_layer() -> None:
    canvas = Canvas(1, 1)
    first, second = canvas.layer(), canvas.layer()
    canvas.stroke(second, 1, 0, 1)
    canvas.stroke(first, 0, 0, 1)
    assert [cell.layer for cell in canvas.cells()] == [first]


def test_ascii_has_two_dots_a_cell_or_letters() -> None:
    plain, lettered = Canvas(3, 1, unicode=False), Canvas(3, 1, unicode=False, letters="ab")
    for canvas in (plain, lettered):
        canvas.layer()
        layer = canvas.layer()
        for x, (top, bottom) in enumerate([(0, 0), (1, 1), (0, 1)]):
            canvas.stroke(layer, x, top, bottom)
    assert [cell.glyph for cell in plain.cells()] == ["'", ".", ":"]
    assert [cell.glyph for cell in lettered.cells()] == ["b", "b", "b"]
    assert plain.dots == (3, 2)
