"""The line under a list that says what its columns' numbers come to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from console.arranging.arrangement import Arrangement
from console.arranging.keeping import SavedView, from_plain, to_plain
from console.own import Own
from engine.core.aggregates import aggregate
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import HOSTILE, World


def fill(world: World) -> None:
    world.run("tree", auc=0.9)
    world.run("forest", auc=0.8)
    world.run("bayes", auc=0.4, experiment="loans")


async def on(deck: Console) -> None:
    await deck.expect("3 runs")
    await deck.press(*["right"] * 4, "ampersand")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_column_under_the_cursor_comes_first(world: World, size: tuple[int, int]) -> None:
    fill(world)
    async with console(world.engine, "runs", size) as deck:
        await on(deck)
        await deck.expect_line("3 runs", "auc min 0.4 mean 0.7 max 0.9 n 3")
        await deck.press("right")
        await deck.expect_line("3 runs  loss min 0.1 mean 0.3 max 0.6")
        await deck.press("ampersand")
        await deck.expect_gone("mean 0.3")


async def test_it_follows_the_filter_the_marks_and_what_is_logged(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await on(deck)
        await deck.expect("mean 0.7")
        world.run("late", auc=0.1)
        await deck.expect("4 runs  auc min 0.1 mean 0.55")
        await deck.press("space", "down", "space")
        await deck.expect("2 marked  auc")
        await deck.press("slash")
        await deck.type("loans")
        await deck.press("enter", "escape", "escape")
        await deck.expect("4 runs  auc")


async def test_a_filter_is_added_up_and_what_is_missing_is_counted(world: World) -> None:
    fill(world)
    run = world.engine.runs.start("loans", "empty", capture=False)
    run.finish()
    async with console(world.engine, "runs loans") as deck:
        await deck.expect("2 runs")
        await deck.press(*["right"] * 4, "ampersand")
        await deck.expect("auc min 0.4 mean 0.4 max 0.4 n 1 (1 missing)")


async def test_short_lists_are_added_up_one_by_one(world: World) -> None:
    fill(world)
    async with console(world.engine, "experiments") as deck:
        await deck.expect("experiments")
        await deck.press("ampersand")
        await deck.expect_line("mean", "n ")


async def test_it_is_there_the_next_time(world: World, tmp_path: Path) -> None:
    fill(world)
    own = Own(tmp_path / "config", tmp_path / "state")
    async with console(world.engine, "runs", own=own) as deck:
        await on(deck)
        await deck.expect("mean 0.7")
    async with console(world.engine, "runs", own=own) as deck:
        await deck.expect("mean 0.7")


async def test_hostile_names_stay_names(world: World) -> None:
    run = world.engine.runs.start("churn", "one", capture=False)
    run.log_metric(HOSTILE, 2.0)
    run.finish()
    async with console(world.engine, "runs", LARGE) as deck:
        await deck.expect("1 run")
        await deck.press("ampersand")
        await deck.expect("mean 2 max 2")
        assert "\x1b" not in deck.text()


def test_it_is_kept_with_the_arrangement() -> None:
    view = SavedView(arrangement=Arrangement(footer=True))
    assert from_plain(to_plain(view)) == view
    assert not from_plain({"footer": "yes"}).arrangement.footer


@given(some.lists(some.none() | some.floats()))
def test_numbers_one_by_one_count_every_thing_once(values: list[float | None]) -> None:
    found = aggregate("x", values)
    assert found.count + found.missing == len(values)
    if found.least is not None and found.greatest is not None:
        assert found.least <= found.greatest
