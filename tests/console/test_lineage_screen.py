"""The lineage screen: branches that open and close, both ways, and every line a way in."""

from __future__ import annotations

import pytest

from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World

SIZES = [SMALL, LARGE]


@pytest.mark.parametrize("size", SIZES)
async def test_branches_close_and_open_again(world: World, size: tuple[int, int]) -> None:
    world.version()
    async with console(world.engine, "lineage dataset/car_loan", size) as deck:
        await deck.expect_line("run", "churn-run")
        await deck.expect_line("version", "churn/1")
        await deck.press("g", "down", "space")
        await deck.expect_gone("version churn/1")
        await deck.expect("1 more")
        await deck.press("space")
        await deck.expect_line("version", "churn/1")


async def test_tab_turns_the_direction(world: World) -> None:
    version = world.version()
    async with console(world.engine, f"lineage run/{version.run_id}") as deck:
        await deck.expect("Came from", "Became")
        await deck.press("tab")
        await deck.expect_gone("Came from")
        await deck.expect_line("version", "churn/1")
        await deck.press("tab")
        await deck.expect("Came from", "car_loan")
        assert "Became" not in deck.text()
        await deck.press("tab")
        await deck.expect("Came from", "Became")


async def test_a_great_fan_shows_more_when_asked(world: World) -> None:
    parent = world.run("parent")
    for number in range(45):
        world.engine.runs.start("exp", f"child {number:02}", capture=False, system_metrics_s=0, parent=parent)
    async with console(world.engine, f"lineage run/{parent}", (120, 100)) as deck:
        await deck.expect("… 25 more runs")
        await deck.press("G", "enter")
        await deck.expect("… 5 more runs")
        await deck.press("G", "enter")
        await deck.expect_gone("more runs")


@pytest.mark.parametrize("size", SIZES)
async def test_l_leads_to_the_lineage_from_lists_and_screens(world: World, size: tuple[int, int]) -> None:
    world.version()
    for words in ("models", "versions churn", "version churn/1", "runs"):
        async with console(world.engine, words, size) as deck:
            await deck.expect("churn")
            await deck.press("l")
            await deck.expect("lineage", "This", "Came from")


async def test_a_line_is_a_way_into_the_thing_and_l_begins_anew_there(world: World) -> None:
    world.version()
    async with console(world.engine, "lineage dataset/car_loan") as deck:
        await deck.expect_line("version", "churn/1")
        await deck.press("G", "l")
        await deck.expect_line("registered from run", "churn-run")
        await deck.press("escape")
        await deck.expect("Became", "read by")
        await deck.press("G", "enter")
        await deck.expect("digest")


async def test_a_hostile_name_is_named_and_harms_nothing(world: World) -> None:
    async with console(world.engine, "lineage version/nobody/7") as deck:
        await deck.expect("There is no version nobody/7")
