"""Charts as an operator uses them: one run's page of charts, by keys and wheel, at both sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.charting.section import ChartSection
from console.screens.run import RunView
from engine.tracking.model import RunImport, RunStatus
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World

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
    async with console(world.engine, f"run {RUN}", LARGE) as running:
        await running.expect("val_loss")
        await running.type("++")
        section = charts(running)
        await running.until(lambda: section.settings.window is not None, "a window")
        window = section.settings.window
        world.engine.runs.log_batch(RUN, metrics=[("acc", 7.5, COUNT + 1, START)])
        section.screen.query_one(RunView).load()
        await running.until(lambda: section.runs[0].latest["acc"] == 7.5, "the new point")
        assert section.settings.window == window
