"""Charts as an operator uses them: of one run and of several over each other, by keys and wheel, at both sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from console.charting.section import ChartSection
from console.screens.compare import Compare
from console.screens.run import RunView
from console.views import PageDocument
from engine.tracking.model import RunImport, RunStatus
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import HOSTILE, World

RUN = "c" * 32
START = 1_760_000_000_000
COUNT = 6_000
KEYS = ("acc", "epoch", "loss", "lr", "val_acc", "val_loss")


def value(key: str, step: int) -> float:
    if key == "epoch":
        return step / 1_000
    if key == "loss" and step == 3_000:
        return 500.0
    return math.exp(-step / 2_000) + 0.05 * math.sin(step * 1.7)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path: Path = tmp_path_factory.mktemp("charts")
    world = World(path)
    metrics = [(key, value(key, step), step, START + step * 100) for key in KEYS for step in range(COUNT)]
    world.engine.runs.import_runs(
        [RunImport("e", "bold-owl", START, run_id=RUN, status=RunStatus.RUNNING, metrics=metrics)]
    )
    yield world
    world.close()


def charts(running: Console) -> ChartSection:
    view = running.app.view
    assert isinstance(view, RunView)
    assert view.charts is not None
    return view.charts


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_zoom_reads_the_window_anew_and_zero_shows_all_again(world: World, size: tuple[int, int]) -> None:
    async with console(world.engine, f"run {RUN}", size) as running:
        await running.expect("acc", "6000")
        for _ in range(4):
            await running.type("+")
        await running.expect_line("from 2", "to 3")
        section = charts(running)
        low, high = section.settings.window or (0, 0)
        await running.until(
            lambda: all(low <= p[0] <= high for p in section.grid.visible_charts[0].series[0].points), ""
        )
        await running.type(")")
        await running.until(lambda: (section.settings.window or (0, 0))[0] > low, "a window to the right")
        await running.type("0")
        await running.expect_gone("from ")


async def test_new_points_do_not_reset_the_zoom(world: World) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        await running.type("++")
        section = charts(running)
        await running.until(lambda: section.settings.window is not None, "a window")
        window = section.settings.window
        world.engine.runs.log_batch(RUN, metrics=[("acc", 7.5, COUNT + 1, START)])
        section.screen.query_one(RunView).load()
        await running.until(lambda: section.runs[0].latest["acc"] == 7.5, "the new point")
        assert section.settings.window == window


SEEDS = {f"{number:x}" * 32: (f"run-{number}", "0.1" if number < 4 else "0.2", str(number)) for number in range(1, 7)}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("many"))
    world.engine.runs.import_runs(
        [
            RunImport(
                "e",
                HOSTILE if seed == "6" else name,
                START,
                run_id=run_id,
                params={"lr": rate, "seed": seed},
                metrics=[
                    (key, value(key, step) * float(rate) * int(seed), step, START + step)
                    for key in ("acc", "loss")
                    for step in range(0, 4_000, 10)
                ],
            )
            for run_id, (name, rate, seed) in SEEDS.items()
        ]
    )
    yield world
    world.close()


def overlay(running: Console) -> ChartSection:
    view = running.app.view
    assert isinstance(view, Compare)
    assert view.charts is not None
    return view.charts


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_runs_are_drawn_over_each_other_with_a_legend_and_can_be_switched_off(
    many: World, size: tuple[int, int]
) -> None:
    async with console(many.engine, f"compare {','.join(SEEDS)}", size) as running:
        await running.expect("Metrics", "acc")
        section = overlay(running)
        await running.until(lambda: len(section.grid.visible_charts) == 1, "one chart below the rows")
        await running.press("tab")
        await running.expect_line("A run-1", "B run-2")
        await running.until(lambda: len(section.grid.visible_charts[0].series) == 6, "six curves")
        await running.type("2")
        await running.expect_line("(run-2)")
        await running.expect("1 of 6 runs hidden")
        await running.until(lambda: len(section.grid.visible_charts[0].series) == 5, "five curves")
        assert [one.marker for one in section.grid.visible_charts[0].series] == list("ACDEF")
        await running.press("escape")
        await running.expect("Parameters that differ")


async def test_seeds_are_put_together_by_a_parameter(many: World) -> None:
    async with console(many.engine, f"compare {','.join(SEEDS)}", SMALL) as running:
        await running.expect("Metrics", "acc")
        await running.press("tab")
        await running.expect_line("A run-1")
        await running.type("g")
        await running.expect("Runs together by", "params.lr")
        await running.type("params.lr")
        await running.press("enter")
        await running.expect("mean and range by params.lr", "0.1 (3)", "0.2 (3)")
        section = overlay(running)
        bright = [one for one in section.grid.visible_charts[0].series if not one.faint]
        assert [one.points[0][1] for one in bright] == pytest.approx([0.1 * 2, 0.2 * 5], rel=0.05)


async def test_enter_on_a_metric_shows_its_chart_alone_with_all_readings(many: World) -> None:
    async with console(many.engine, f"compare {','.join(SEEDS)}", LARGE) as running:
        await running.expect("Metrics", "acc")
        document = running.app.screen.query_one(PageDocument)
        while document.line is None or document.line.subject != "loss":
            await running.press("down")
        await running.press("enter")
        await running.expect("at cursor", "greatest")
        await running.expect_line("A run-1")
        assert overlay(running).selected_key == "loss"


async def test_smoothing_and_clipping_are_stated_and_the_raw_curve_stays_behind(world: World) -> None:
    async with console(world.engine, f"run {RUN}", LARGE) as running:
        await running.expect("val_loss")
        await running.type("ss")
        await running.expect("smoothed 0.9")
        section = charts(running)
        chart = section.grid.visible_charts[section.grid.page_keys.index("loss")]
        await running.until(lambda: [one.faint for one in chart.series] == [False, True], "the raw curve behind")
        await running.type("o")
        await running.expect("clipped to 1%..99%")
        assert chart.view.y_range is not None
        assert chart.view.y_range[1] < 2
        assert "500" not in running.text()


async def test_a_smoothed_value_under_the_cursor_does_not_change_as_one_zooms(world: World) -> None:
    async with console(world.engine, f"run {RUN}", LARGE) as running:
        await running.expect("val_loss")
        section = charts(running)
        await running.until(lambda: bool(section.grid.visible_charts[0].series), "a curve")
        await running.type("s>>>")
        chart = section.grid.visible_charts[0]
        await running.until(lambda: [one.faint for one in chart.series] == [False, True], "the raw curve behind")
        before = chart.readings
        assert before[0].x == chart.cursor
        for _ in range(5):
            window = section.settings.window
            await running.type("+")
            await running.until(lambda window=window: section.settings.window != window, "a closer look")  # type: ignore[misc]
            await running.until(lambda: chart.view.x_range == section.settings.window, "drawn")
            assert [reading.text for reading in chart.readings] == [reading.text for reading in before]


async def test_rows_and_columns_are_remembered_for_the_next_run(world: World) -> None:
    world.engine.runs.import_runs([RunImport("e", "other", START, run_id="d" * 32, metrics=[("m", 1.0, 0, START)])])
    async with console(world.engine, f"run {RUN}", LARGE) as running:
        await running.expect("val_loss")
        before = charts(running).grid.shape
        await running.type("|#")
        shape = (before[0] + 1, before[1] + 1)
        await running.until(lambda: charts(running).grid.shape == shape, f"{shape}")
        await running.type(f":run {'d' * 32}")
        await running.press("enter")
        await running.expect("other")
        assert charts(running).grid.shape == shape


async def test_the_cursor_reads_all_charts_at_the_same_step_and_the_large_one_in_a_table(world: World) -> None:
    async with console(world.engine, f"run {RUN}", LARGE) as running:
        await running.expect("val_loss")
        section = charts(running)
        await running.until(lambda: bool(section.grid.visible_charts[0].series), "a curve")
        await running.type("...")
        cursors = {chart.cursor for chart in section.grid.visible_charts}
        assert len(cursors) == 1
        assert None not in cursors
        await running.press("enter")
        await running.expect("cursor at", "greatest")
        await running.press("escape")
        await running.expect_gone("greatest")
        await running.press("escape")
        assert {chart.cursor for chart in section.grid.visible_charts} == {None}


async def test_x_can_be_time_or_another_metric(world: World) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        section = charts(running)
        for typed, said, kind in (
            ("elapsed", "x elapsed", "time"),
            ("metrics.epoch", "x metrics.epoch", "value"),
            ("time", "x time", "clock"),
        ):
            await running.type("X")
            await running.expect("What x counts")
            await running.type(typed)
            await running.press("enter")
            await running.expect(said)
            await running.until(lambda kind=kind: section.grid.visible_charts[0].x_kind == kind, kind)  # type: ignore[misc]


async def test_home_and_end_go_to_the_first_and_the_last_chart(world: World) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        await running.press("end")
        await running.expect("chart 6 of 6, page 6/6", "val_loss")
        section = charts(running)
        await running.until(lambda: bool(section.grid.visible_charts[0].series), "its curve")
        await running.press("home")
        await running.expect("chart 1 of 6, page 1/6")


async def test_the_filter_leaves_the_charts_that_fit(world: World) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        await running.type("/val !acc")
        await running.press("enter")
        section = charts(running)
        await running.until(lambda: [chart.key for chart in section.grid.charts] == ["val_loss"], "one chart")
        await running.press("escape")
        await running.until(lambda: len(section.grid.charts) == len(KEYS), "all charts")


async def test_views_come_round_and_a_chart_is_saved(world: World, tmp_path: Path) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        for said in ("heat-map", "histogram", "bars"):
            await running.type("v")
            await running.expect(said)
        await running.type("v")
        await running.press("ctrl+e")
        await running.expect("file")
        await running.press("ctrl+u")
        target = tmp_path / "curve.svg"
        await running.type(str(target))
        await running.press("enter")
        await running.until(target.exists, "the file")
        assert target.read_text().startswith("<")


async def test_the_wheel_zooms_around_the_pointer(world: World) -> None:
    async with console(world.engine, f"run {RUN}", SMALL) as running:
        await running.expect("acc", "6000")
        section = charts(running)
        chart = section.grid.visible_charts[0]
        frame = chart.drawing.frame
        assert frame is not None
        at = frame.x_at(frame.width // 2)
        place = frame.column + frame.width // 2
        chart.post_message(events.MouseScrollUp(chart, place, 8, 0, 0, button=0, shift=False, meta=False, ctrl=False))
        await running.until(lambda: section.settings.window is not None, "a window")
        low, high = section.settings.window or (0, 0)
        assert (at - low) / (high - low) == pytest.approx(at / COUNT, abs=0.05)
