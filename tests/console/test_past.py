"""Going through the past: @ a moment, { } its changes; marked, read-only, undisturbed."""

from __future__ import annotations

import pytest

from engine.core.clock import ManualClock
from engine.registry.model import Stage
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World

SIZES = [SMALL, LARGE]


def _history(world: World) -> None:
    """Churn goes from nothing to two versions, a tag and an owner, an hour apart."""
    assert isinstance(world.clock, ManualClock)
    world.promote(world.version(auc=0.85), to=Stage.STAGING)
    world.clock.advance(3_600_000)
    world.engine.models.set_tag("churn", "team", "risk")
    world.clock.advance(3_600_000)
    world.version(auc=0.9)
    world.engine.models.create("fraud", owner="eve")
    world.clock.advance(60_000)


@pytest.mark.parametrize("size", SIZES)
async def test_a_moment_is_typed_and_the_list_is_as_it_was(world: World, size: tuple[int, int]) -> None:
    _history(world)
    async with console(world.engine, "models", size) as deck:
        await deck.expect("fraud", "2 models")
        await deck.press("at")
        await deck.type("90m ago")
        await deck.press("enter")
        await deck.expect("PAST, READ-ONLY", "1 model")
        assert "fraud" not in deck.text()
        assert "change" in deck.line("PAST")
        await deck.press("escape")
        await deck.expect("fraud", "2 models")
        await deck.expect_gone("PAST")


@pytest.mark.parametrize("size", SIZES)
async def test_braces_step_through_the_changes_and_back_to_now(world: World, size: tuple[int, int]) -> None:
    _history(world)
    async with console(world.engine, "models", size) as deck:
        await deck.expect("2 models")
        await deck.press("left_curly_bracket")
        await deck.expect_line("PAST", "create model fraud")
        await deck.press("left_curly_bracket")
        await deck.expect_line("PAST", "register version")
        await deck.expect("1 model")
        await deck.press("left_curly_bracket")
        await deck.expect_line("PAST", "tag model churn")
        await deck.press("right_curly_bracket")
        await deck.expect_line("PAST", "register version")
        await deck.press("right_curly_bracket")
        await deck.expect_line("PAST", "create model fraud")
        await deck.press("right_curly_bracket")
        await deck.expect_gone("PAST")
        await deck.expect("2 models")


async def test_nothing_can_be_changed_in_the_past_and_it_says_why(world: World) -> None:
    _history(world)
    async with console(world.engine, "versions churn @90m") as deck:
        await deck.expect("PAST, READ-ONLY", "1 version")
        await deck.press("D")
        await deck.expect("is off", "the past", "Esc goes back to now")
        assert len(world.engine.models.versions("churn").items) == 2


async def test_what_is_entered_from_the_past_is_of_the_same_moment(world: World) -> None:
    _history(world)
    async with console(world.engine, "models @90m", LARGE) as deck:
        await deck.expect_line("churn", "1")
        await deck.press("enter")
        await deck.expect("PAST, READ-ONLY", "1 version")
        await deck.press("enter")
        await deck.expect("digest", "PAST, READ-ONLY")
        await deck.press("escape", "escape")
        await deck.expect("1 model", "PAST, READ-ONLY")
        await deck.press("escape")
        await deck.expect("2 models")
        await deck.expect_gone("PAST")


async def test_news_do_not_disturb_the_past(world: World) -> None:
    _history(world)
    async with console(world.engine, "models @90m") as deck:
        await deck.expect("PAST, READ-ONLY", "1 model")
        before = deck.text()
        world.as_("bob").models.create("late")
        await deck.press("ctrl+r")
        await deck.expect("1 model")
        assert "late" not in deck.text()
        assert "churn" in before
        await deck.press("escape")
        await deck.expect("late", "3 models")


async def test_a_run_shows_the_curve_as_it_was_logged_by_then(world: World) -> None:
    assert isinstance(world.clock, ManualClock)
    run = world.engine.runs.start("exp", "tree", capture=False, system_metrics_s=0)
    run.log_metrics({"auc": 0.25}, step=0)
    world.clock.advance(60_000)
    run.log_metrics({"auc": 0.75}, step=1)
    run.finish()
    world.clock.advance(60_000)
    async with console(world.engine, "runs @90s", LARGE) as deck:
        await deck.expect_line("tree", "running")
        assert "0.75" not in deck.text()


async def test_a_record_stands_in_the_past_as_it_does_now(world: World) -> None:
    world.promote(world.version())
    async with console(world.engine, "record 3 @#4") as deck:
        await deck.expect("PAST, READ-ONLY", "Record 3", "register")


async def test_what_is_off_in_the_past_is_not_offered_there(world: World) -> None:
    world.version()
    async with console(world.engine, "models") as deck:
        await deck.expect_line("p promote", "? help")
        await deck.type(":models @#2")
        await deck.press("enter")
        await deck.expect("PAST, READ-ONLY")
        await deck.expect_line("Enter versions", "? help")
        await deck.expect_gone("p promote")


@pytest.mark.parametrize("resource", ["server", "processes"])
async def test_where_nothing_is_kept_the_screen_says_so(world: World, resource: str) -> None:
    async with console(world.engine, f"{resource} @1h") as deck:
        await deck.expect("is not kept", "PAST, READ-ONLY")


async def test_a_wrong_moment_is_told_and_changes_nothing(world: World) -> None:
    _history(world)
    async with console(world.engine, "models") as deck:
        await deck.expect("2 models")
        for wrong, words in (
            ("next week", "is no time"),
            ("#9999", "There is no change 9999"),
            ("9999-12-31T00:00", "has not come yet"),
        ):
            await deck.press("at")
            await deck.type(wrong)
            await deck.press("enter")
            await deck.expect(words)
        assert "PAST" not in deck.text()


@pytest.mark.parametrize(
    "words",
    [
        "pulse",
        "audit",
        "board churn",
        "history churn",
        "state",
        "version churn/1",
        "runs",
        "experiments",
        "endpoints",
        "external",
        "alerts",
        "silences",
        "monitors",
        "results",
        "drift",
        "approvals",
        "traces",
        "prompts",
        "lineage version/churn/1",
    ],
)
async def test_every_screen_whose_past_is_kept_shows_it(world: World, words: str) -> None:
    _history(world)
    async with console(world.engine, f"{words} @90m", LARGE) as deck:
        await deck.expect_line("PAST, READ-ONLY", "change")
        await deck.press("ctrl+r")
        await deck.expect_line("PAST, READ-ONLY", "change")
        assert "Esc close" not in deck.text()
        assert "churn/2" not in deck.text()
