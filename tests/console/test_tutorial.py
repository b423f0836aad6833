"""The tutorial goes on when the operator has done what it says, on the real screens."""

from __future__ import annotations

import pytest

from console.tutorial import END, STEPS
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_who_does_what_it_says_gets_to_the_end(world: World, size: tuple[int, int]) -> None:
    for name in ("first", "second", "third"):
        with world.engine.runs.start("churn", name=name) as run:
            run.log_metric("auc", 0.9)
    async with console(world.engine, size=size) as running:
        await running.expect("Runs")
        await running.type(":tutorial")
        await running.press("enter")
        keys = ("r", "enter", "escape", ("slash", "i", "r", "enter"), "escape", "o", ("space", "j", "space"), "x")
        for place, pressed in enumerate(keys, start=1):
            await running.expect(f" {place}/{len(STEPS)} ", STEPS[place - 1].text[:40])
            await running.press(*([pressed] if isinstance(pressed, str) else pressed))
        await running.expect(STEPS[8].text[:40])
        await running.type(":versions")
        await running.press("enter")
        await running.expect(STEPS[9].text[:40])
        await running.press("question_mark")
        await running.press("escape")
        await running.expect(STEPS[11].text[:40])
        await running.press("H")
        await running.expect(END[:40])
        await running.expect_gone(f"/{len(STEPS)} ")


async def test_it_can_be_ended_at_any_time(world: World) -> None:
    for name in ("first", "second"):
        with world.engine.runs.start("churn", name=name) as run:
            run.log_param("depth", "3")
    async with console(world.engine) as running:
        await running.expect("Runs")
        await running.type(":tutorial")
        await running.press("enter")
        await running.expect(STEPS[0].text[:40])
        await running.type(":tutorial")
        await running.press("enter")
        await running.expect_gone(STEPS[0].text[:40])


async def test_an_empty_workspace_is_told_what_fills_it(world: World) -> None:
    async with console(world.engine) as running:
        await running.expect("Nothing here yet")
        await running.type(":tutorial")
        await running.press("enter")
        await running.expect("qd demo", "there are none")
