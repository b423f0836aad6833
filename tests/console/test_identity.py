"""What tells one row from another can be read on the smallest screen."""

from __future__ import annotations

import pytest

from engine.registry.model import Stage
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World

MODEL = "seattle-weather-forecast"


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("words", ["approvals", "versions", f"versions {MODEL}", "models", "audit"])
async def test_references_are_whole(guarded: World, words: str, size: tuple[int, int]) -> None:
    version = guarded.version(MODEL)
    guarded.engine.approvals.request(MODEL, version.version, to=Stage.PRODUCTION, reason="the best of all until now")
    wanted = MODEL if words == "models" else f"{MODEL}/1"
    async with console(guarded.engine, words, size) as deck:
        await deck.expect(wanted)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_runs_of_one_name_are_told_apart_by_their_experiment(world: World, size: tuple[int, int]) -> None:
    for experiment in ("boston-housing", "breast-cancer"):
        world.run("linear-strong-regularised", experiment=experiment)
    async with console(world.engine, "runs", size) as deck:
        await deck.expect_line("linear-strong-regularised", "boston-housing", "✓ finished")
        await deck.expect_line("linear-strong-regularised", "breast-cancer", "✓ finished")
