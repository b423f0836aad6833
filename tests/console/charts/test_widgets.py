from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult

from console.widgets.charts.grid import Chart, ChartGrid, shape_for
from console.widgets.charts.line_chart import LineChart, changed
from console.widgets.charts.series import Look, Series, Span

if TYPE_CHECKING:
    from rich.style import Style
    from textual.geometry import Region
    from textual.strip import Strip
    from textual.widget import Widget

HOSTILE = (
    "\x1b[31mred\x1b]52;c;AAAA\x07 [/nope] [@click=app.quit]x[/] \u202egnp\u202c \x9b2J e\u0301\u0301\u0301\u0301 "
    + "w" * 10_000
)


def curve(count: int, name: str = "run") -> Series:
    return Series(name, [(x, math.exp(-x / 30)) for x in range(count)])


def charts(count: int) -> list[Chart]:
    return [Chart(f"m{index}", f"metric {index}", (curve(40),)) for index in range(count)]


class Stage(App[None]):
    """One widget on a screen, and the messages it sent."""

    def __init__(self, make: Callable[[], Widget]) -> None:
        super().__init__()
        self._make = make
        self.cursors: list[LineChart.CursorMoved] = []
        self.selections: list[ChartGrid.ChartSelected] = []
        self.turns: list[LineChart.Wheeled] = []

    def compose(self) -> ComposeResult:
        yield self._make()

    def on_line_chart_cursor_moved(self, event: LineChart.CursorMoved) -> None:
        self.cursors.append(event)

    def on_line_chart_wheeled(self, event: LineChart.Wheeled) -> None:
        self.turns.append(event)

    def on_chart_grid_chart_selected(self, event: ChartGrid.ChartSelected) -> None:
        self.selections.append(event)


def rows(widget: Widget) -> list[str]:
    return [widget.render_line(y).text for y in range(widget.size.height)]


def frame(app: App[None]) -> str:
    """The screen as text."""
    return "\n".join(strip.text for strip in strips(app))


def pieces(app: App[None]) -> list[tuple[Style, str]]:
    """What is not blank on the screen, with its style."""
    segments = [segment for strip in strips(app) for segment in strip]
    return [(segment.style, segment.text) for segment in segments if segment.style and segment.text.strip()]


def strips(app: App[None]) -> list[Strip]:
    """The screen line by line, styled."""
    return app.screen._compositor.render_strips()  # noqa: SLF001  # Textual has no public text of the screen


class Watched(LineChart):
    """A chart that notes which regions it asked to repaint."""

    repainted: list[Region]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Watched:
        self.repainted = [*getattr(self, "repainted", []), *regions]
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


async def test_a_chart_shows_its_title_last_value_and_curve() -> None:
    app = Stage(lambda: LineChart("loss", [curve(60)]))
    async with app.run_test(size=(80, 24)):
        shown = rows(app.query_one(LineChart))
        assert "loss" in shown[0]
        assert "0.1399" in shown[0]
        assert {len(row) for row in shown} == {80}
        assert any("●" in row for row in shown)


async def test_one_more_point_repaints_a_few_cells_only() -> None:
    app = Stage(lambda: Watched("loss", [curve(80)]))
    async with app.run_test(size=(120, 40)) as pilot:
        chart = app.query_one(Watched)
        await pilot.pause()
        before = rows(chart)
        chart.repainted.clear()
        chart.set_series([curve(81)])
        after = rows(chart)
        cells = sum(region.area for region in chart.repainted)
        assert before != after
        assert 0 < cells <= 120
        touched = {region.y for region in chart.repainted}
        assert {y for y, (old, new) in enumerate(zip(before, after, strict=True)) if old != new} <= touched


async def test_the_same_data_again_repaints_nothing() -> None:
    app = Stage(lambda: Watched("loss", [curve(80)]))
    async with app.run_test(size=(120, 40)) as pilot:
        chart = app.query_one(Watched)
        await pilot.pause()
        chart.repainted.clear()
        chart.set_series([curve(80)])
        assert chart.repainted == []


async def test_the_cursor_walks_over_the_points_and_tells_their_values() -> None:
    series = [Series("a", [(0, 1.0), (100, 2.0), (200, 3.0)]), Series("b", [(100, 5.0)])]
    app = Stage(lambda: LineChart("loss", series))
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(LineChart)
        for step in (1, 1, 1, 1, -1):
            chart.move_cursor(step)
            await pilot.pause()
        assert [event.x for event in app.cursors] == [0, 100, 200, 100]
        assert [(reading.name, reading.low) for reading in app.cursors[1].readings] == [("a", 2.0), ("b", 5.0)]
        assert "@100" in rows(chart)[0]
        chart.cursor = None
        await pilot.pause()
        assert app.cursors[-1].x is None
        assert "@" not in rows(chart)[0]


async def test_a_first_step_to_the_left_starts_at_the_last_point() -> None:
    app = Stage(lambda: LineChart("loss", [curve(50)]))
    async with app.run_test(size=(80, 24)):
        chart = app.query_one(LineChart)
        chart.move_cursor(-1)
        assert chart.cursor == 49


async def test_a_cursor_without_points_stays_away() -> None:
    app = Stage(lambda: LineChart("loss"))
    async with app.run_test(size=(80, 24)):
        chart = app.query_one(LineChart)
        chart.move_cursor(3)
        assert chart.cursor is None


async def test_a_log_axis_is_named_in_the_title_line() -> None:
    app = Stage(lambda: LineChart("loss", [curve(60)]))
    async with app.run_test(size=(80, 24)):
        chart = app.query_one(LineChart)
        linear = rows(chart)
        chart.present("loss", [curve(60)], Look(log_y=True))
        assert "loss log" in rows(chart)[0]
        assert rows(chart)[1:] != linear[1:]


async def test_a_chart_follows_its_size_down_to_nothing() -> None:
    app = Stage(lambda: LineChart("loss", [curve(60), curve(50)]))
    async with app.run_test(size=(80, 24)) as pilot:
        for size in ((120, 40), (23, 9), (9, 3), (2, 2), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [len(row) for row in rows(app.query_one(LineChart))] == [size[0]] * size[1]


async def test_hostile_names_reach_the_screen_harmless() -> None:
    series = [Series(HOSTILE, [(0, 1.0), (9, 2.0)], marker=HOSTILE), Series("[b]bold", [(0, 2.0), (9, 1.0)])]
    app = Stage(lambda: ChartGrid([Chart("a", HOSTILE, tuple(series)), Chart("b", "[/nope]", tuple(series))]))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        shown = frame(app)
        assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown) is None
        assert "[/nope]" in shown
        grid = app.query_one(ChartGrid)
        for chart in grid.visible_charts:
            assert {chart.render_line(y).cell_length for y in range(chart.size.height)} == {chart.size.width}


async def test_ascii_charts_hold_ascii_only() -> None:
    app = Stage(lambda: ChartGrid(charts(4), unicode=False))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        assert frame(app).isascii()


async def test_no_color_leaves_letters_and_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Stage(lambda: LineChart("loss", [curve(60, "a"), curve(50, "b")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        styles = [style for style, _ in pieces(app)]
        tints = {style.color.get_truecolor() for style in styles if style.color}
        assert all(len(set(tint)) == 1 for tint in tints)
        assert "┈" not in frame(app)
        assert "B b" in rows(app.query_one(LineChart))[0]


@pytest.mark.parametrize(
    ("size", "count", "shape", "pages"),
    [((80, 24), 10, (1, 1), 10), ((120, 40), 10, (3, 2), 2), ((160, 45), 10, (3, 3), 2), ((160, 45), 4, (2, 2), 1)],
)
async def test_the_screen_decides_how_many_charts_share_a_page(
    size: tuple[int, int], count: int, shape: tuple[int, int], pages: int
) -> None:
    app = Stage(lambda: ChartGrid(charts(count)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        grid = app.query_one(ChartGrid)
        assert (grid.shape, grid.pages) == (shape, pages)
        assert len(grid.visible_charts) == min(count, shape[0] * shape[1])
        assert (f"page 1/{pages}" in frame(app)) == (pages > 1)


@given(width=st.integers(0, 400), height=st.integers(0, 120), count=st.integers(0, 40))
def test_a_page_is_never_larger_than_needed_nor_than_three_by_three(width: int, height: int, count: int) -> None:
    down, across = shape_for(width, height, count)
    assert 1 <= down <= 3
    assert 1 <= across <= 3
    assert (down - 1) * across < max(count, 1)
    assert down * across >= min(max(count, 1), min(max(height // 13, 1), 3) * min(max(width // 50, 1), 3))


async def test_pages_turn_and_stop_at_the_ends() -> None:
    app = Stage(lambda: ChartGrid(charts(10)))
    async with app.run_test(size=(160, 45)) as pilot:
        grid = app.query_one(ChartGrid)
        grid.previous_page()
        assert grid.page == 0
        grid.next_page()
        await pilot.pause()
        assert (grid.page, grid.selected) == (1, 9)
        assert "metric 9" in frame(app)
        assert "metric 1 " not in frame(app)
        grid.next_page()
        assert grid.page == 1
        grid.previous_page()
        await pilot.pause()
        assert "metric 8" in frame(app)
        assert [(event.index, event.key) for event in app.selections] == [(9, "m9"), (0, "m0")]


async def test_the_selected_chart_is_marked_and_told() -> None:
    app = Stage(lambda: ChartGrid(charts(4)))
    async with app.run_test(size=(160, 45)) as pilot:
        grid = app.query_one(ChartGrid)
        await pilot.pause()
        grid.move_selection(1, 0)
        grid.move_selection(0, 1)
        await pilot.pause()
        assert [event.index for event in app.selections] == [2, 3]
        assert [chart.selected for chart in grid.visible_charts] == [False, False, False, True]
        assert "━━ metric 3" in frame(app)


async def test_a_click_selects() -> None:
    app = Stage(lambda: ChartGrid(charts(4)))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        await pilot.click(app.query_one(ChartGrid).visible_charts[2])
        await pilot.pause()
        assert [event.key for event in app.selections] == ["m2"]


async def test_live_data_moves_the_visible_chart_and_waits_on_other_pages() -> None:
    app = Stage(lambda: ChartGrid(charts(2)))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.query_one(ChartGrid)
        await pilot.pause()
        series = (Series("run", [(0, 123.5)]),)
        named = (("m0", "metric 0"), ("m1", "metric 1"), ("unknown", ""))
        grid.update_charts([Chart(key, title, series) for key, title in named], Look())
        await pilot.pause()
        assert "123.5" in frame(app)
        grid.next_page()
        await pilot.pause()
        assert "metric 1" in frame(app)
        assert "123.5" in frame(app)


async def test_the_selection_stays_with_its_key_when_charts_change() -> None:
    app = Stage(lambda: ChartGrid(charts(10)))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.query_one(ChartGrid)
        grid.focus_chart(7)
        grid.set_charts(charts(10)[5:])
        await pilot.pause()
        assert grid.charts[grid.selected or 0].key == "m7"
        assert "metric 7" in frame(app)
        grid.set_charts([])
        await pilot.pause()
        assert grid.selected is None
        assert "no metrics logged yet" in frame(app)


async def test_the_log_axis_reaches_charts_of_other_pages() -> None:
    app = Stage(lambda: ChartGrid(charts(2)))
    async with app.run_test(size=(80, 24)) as pilot:
        grid = app.query_one(ChartGrid)
        grid.update_charts([], Look(log_y=True))
        grid.next_page()
        await pilot.pause()
        assert "metric 1 log" in frame(app)
        grid.update_charts([], Look())
        await pilot.pause()
        assert "log" not in frame(app)


async def test_one_cursor_reads_all_charts_of_the_page() -> None:
    app = Stage(lambda: ChartGrid(charts(3)))
    async with app.run_test(size=(160, 45)) as pilot:
        grid = app.query_one(ChartGrid)
        await pilot.pause()
        grid.move_cursor(1)
        grid.move_cursor(1)
        await pilot.pause()
        first, *others = (chart.cursor for chart in grid.visible_charts)
        assert first is not None
        assert others == [first, first]
        grid.clear_cursor()
        await pilot.pause()
        assert {chart.cursor for chart in grid.visible_charts} == {None}


@pytest.mark.parametrize(("wanted", "shape"), [((2, 5), (2, 5)), ((1, 1), (1, 1)), ((99, 99), (9, 10)), (None, (3, 3))])
async def test_rows_and_columns_are_as_wanted_where_a_chart_still_says_something(
    wanted: tuple[int, int] | None, shape: tuple[int, int]
) -> None:
    app = Stage(lambda: ChartGrid(charts(12)))
    async with app.run_test(size=(160, 45)) as pilot:
        grid = app.query_one(ChartGrid)
        grid.want_shape(wanted)
        await pilot.pause()
        assert grid.shape == shape


@pytest.mark.parametrize(("shift", "notches"), [(False, 1), (True, -1)])
async def test_the_wheel_tells_where_it_turned(shift: bool, notches: int) -> None:
    app = Stage(lambda: LineChart("loss", [curve(60)]))
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(LineChart)
        await pilot.pause()
        frame = chart.drawing.frame
        assert frame is not None
        kind = events.MouseScrollUp if notches > 0 else events.MouseScrollDown
        chart.post_message(kind(chart, frame.column, 10, 0, 0, button=0, shift=shift, meta=False, ctrl=False))
        await pilot.pause()
        [turned] = app.turns
        assert (turned.notches, turned.sideways) == (notches, shift)
        assert turned.x == pytest.approx(frame.x_at(0))


async def test_a_resize_keeps_the_selected_chart_in_view() -> None:
    app = Stage(lambda: ChartGrid(charts(10)))
    async with app.run_test(size=(160, 45)) as pilot:
        grid = app.query_one(ChartGrid)
        grid.focus_chart(5)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert grid.page == 5
        assert "metric 5" in frame(app)


@pytest.mark.parametrize(
    ("old", "new", "columns"),
    [
        ((Span("abc"),), (Span("abc"),), None),
        ((Span("abc"),), (Span("aXc"),), (1, 2)),
        ((Span("abc", "axis"),), (Span("ab", "axis"), Span("c", "warn")), (2, 3)),
        ((Span("a  ", "axis"),), (Span("a"), Span("  ", "warn")), (0, 3)),
        ((Span("a  ", "axis"),), (Span("a", "axis"), Span("  ", "warn")), (1, 3)),
        ((Span("ab"), Span("c", "axis")), (Span("aXb"), Span("c", "axis")), (0, 4)),
        ((Span("東京x"),), (Span("東京y"),), (4, 5)),
    ],
)
def test_all_cells_from_the_first_that_differs_to_the_last_count_as_changed(
    old: tuple[Span, ...], new: tuple[Span, ...], columns: tuple[int, int] | None
) -> None:
    assert changed(old, new) == columns
