"""Help for what has the keyboard: F1 everywhere, `?` where no letters are typed."""

from __future__ import annotations

import pytest

from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


@SIZES
async def test_the_line_being_typed_says_its_keys_and_goes_on(world: World, size: tuple[int, int]) -> None:
    async with console(world.engine, size=size) as deck:
        await deck.press("colon")
        await deck.type("mod")
        await deck.press("f1")
        await deck.expect("In the line being typed", "ctrl-r", "What can be typed")
        await deck.press("escape")
        await deck.expect_gone("In the line being typed")
        await deck.type("els")
        await deck.press("enter")
        await deck.expect("No registered models yet")


@SIZES
@pytest.mark.parametrize(
    ("opened", "key", "says"),
    [
        (("ctrl+o",), "question_mark", "show or hide"),
        (("t",), "f1", "the next field, the one before"),
        (("t", "tab", "tab"), "question_mark", "Cancel"),
        (("ctrl+p",), "f1", "move in what fits"),
        (("y",), "question_mark", "copy all of it"),
    ],
)
async def test_a_dialog_says_the_keys_of_what_is_focused(
    world: World, size: tuple[int, int], opened: tuple[str, ...], key: str, says: str
) -> None:
    world.run("tree")
    async with console(world.engine, "runs", size) as deck:
        await deck.expect("tree")
        await deck.press(opened[0])
        await deck.until(lambda: len(deck.app.screen_stack) > 1, "the dialog")
        await deck.press(*opened[1:], key)
        await deck.expect("Keys here", "In this dialog", says)
        await deck.press("f1")
        await deck.expect_gone("Keys here")
        assert len(deck.app.screen_stack) > 1


async def test_a_question_mark_in_a_field_is_a_letter(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("tree")
        await deck.press("t")
        await deck.until(lambda: len(deck.app.screen_stack) > 1, "the dialog")
        await deck.press("question_mark")
        await deck.expect("$ qd runs tag")
        assert "Keys here" not in deck.text()


async def test_a_view_says_what_it_can(world: World) -> None:
    async with console(world.engine, "models") as deck:
        await deck.press("f1")
        await deck.expect("In models")
