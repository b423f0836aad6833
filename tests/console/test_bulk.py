"""One thing done to many: asked once, done to each, told of every one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from console.actions import Action, Each, Needs
from console.bulk import LISTED, do_all, lines, sort
from console.tasks import Cancelled
from engine.core.errors import InvalidInput
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import HOSTILE, World


def fill(world: World, count: int) -> None:
    for number in range(count):
        run = world.engine.runs.start("churn", f"run-{number:02}", capture=False)
        run.finish()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_question_lists_the_things_and_yes_does_it_to_each(world: World, size: tuple[int, int]) -> None:
    fill(world, 3)
    async with console(world.engine, "runs", size) as deck:
        await deck.expect("3 runs")
        await deck.press("space", "down", "space", "D")
        await deck.expect("Delete: 2 of 2", "· run-0", "Cancel", "$ qd runs delete")
        assert world.engine.runs.count() == 3
        await deck.press("y")
        await deck.expect("Delete: 2 done", "z undoes them one by one")
        await deck.expect("1 run")
    assert world.engine.runs.count() == 1


async def test_no_changes_nothing(world: World) -> None:
    fill(world, 2)
    async with console(world.engine, "runs") as deck:
        await deck.expect("2 runs")
        await deck.press("asterisk", "D")
        await deck.expect("Delete: 2 of 2")
        await deck.press("n")
        await deck.expect("nothing was changed")
    assert world.engine.runs.count() == 2


async def test_many_are_counted_and_done_in_a_task(world: World) -> None:
    fill(world, 25)
    async with console(world.engine, "runs") as deck:
        await deck.expect("25 runs")
        await deck.press("asterisk", "t")
        await deck.expect("Tag: 25 of 25", "· run-", f"and {25 - LISTED} more")
        await deck.type("team")
        await deck.press("enter")
        await deck.type("risk")
        await deck.press("enter")
        await deck.expect("Tag: 25 done")
    assert {run.tags["team"] for run in world.engine.runs.page().items} == {"risk"}


async def test_what_fails_stops_none_of_the_others_and_is_told(world: World) -> None:
    fill(world, 3)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("asterisk", "D")
        await deck.expect("Delete: 3 of 3")
        gone = world.engine.runs.page().items[1]
        world.engine.runs.delete(gone.run_id)
        await deck.press("y")
        await deck.expect("Delete: 2 done, 1 failed", f"✗ {gone.name}")
    assert world.engine.runs.count() == 0


async def test_one_thing_alone_is_done_without_a_list(world: World) -> None:
    fill(world, 1)
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        await deck.press("D")
        await deck.expect("Deleted ")


def action(enabled: Callable[[tuple[int, ...]], str | None]) -> Action:
    return Action("do", "d", "do", lambda *_: None, needs=Needs.MANY, enabled=enabled)


@given(some.lists(some.integers(0, 30), min_size=1, max_size=60))
def test_every_thing_is_listed_counted_or_skipped(things: list[int]) -> None:
    found = sort(action(lambda one: "It is odd." if one[0] % 2 else None), things)
    assert len(found.able) + sum(found.reasons.values()) == len(things)
    told = lines(Each(lambda *_: None, str), found)
    assert [line for line in told if line.startswith("·")] == [f"· {thing}" for thing in found.able[:LISTED]]
    assert (f"and {len(found.able) - LISTED} more" in told) == (len(found.able) > LISTED)
    assert any("It is odd." in line for line in told) == bool(found.reasons)


def test_names_are_cleaned() -> None:
    told = lines(Each(lambda *_: None, lambda _thing: HOSTILE), sort(action(lambda _: None), [1]))
    assert all(line.isprintable() for line in told)


def test_giving_up_tells_what_was_left(world: World) -> None:
    done: list[int] = []

    def do(_engine: object, thing: int, _answers: object) -> None:
        if thing == 1:
            raise InvalidInput("Not this.", hint="Never.")
        done.append(thing)

    def tell(_words: str, place: int, _steps: int) -> None:
        if place == 3:
            raise Cancelled

    outcome = do_all(world.engine, Each(do, str), range(5), {}, tell)
    assert outcome == (2, (("1", "Not this. Never."),), 2)
    assert done == [0, 2]
