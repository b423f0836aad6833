from __future__ import annotations

import pytest

from engine.core.access import Role
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World


@pytest.mark.parametrize("size", [SMALL, LARGE, (60, 15)])
async def test_the_frame_says_where_who_and_how_fresh(world: World, size: tuple[int, int]) -> None:
    async with console(world.engine, "runs", size) as deck:
        await deck.expect("No runs yet.")
        assert "workspace @" in deck.lines()[0]
        assert "ada · admin" in deck.lines()[0]
        assert "● live" in deck.lines()[0]
        assert deck.lines()[1].startswith(" runs")
        assert "? help" in deck.lines()[-2]
        assert len(deck.lines()) == size[1]


async def test_read_only_is_marked_in_the_frame(world: World) -> None:
    async with console(world.as_("eve", Role.VIEWER, read_only=True), "runs") as deck:
        await deck.expect("READ-ONLY", "eve · viewer")


async def test_escape_goes_out_step_by_step_and_never_quits(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await deck.expect("Production")
        await deck.press("m")
        await deck.expect("pulse › models", "churn")  # noqa: RUF001 the arrowhead between breadcrumbs
        await deck.press("enter")
        await deck.expect("models › versions churn", "churn/1")  # noqa: RUF001 same
        await deck.press("enter")
        await deck.expect("Metrics at registration")
        await deck.press("escape", "escape", "escape")
        await deck.expect("Lately")
        await deck.press("escape")
        await deck.expect("This is the first screen. q quits.")
        assert deck.app.is_running


async def test_history_goes_back_forward_and_to_the_last_view(world: World) -> None:
    world.version()
    async with console(world.engine, "models") as deck:
        await deck.expect("MODEL")
        await deck.press("colon")
        await deck.type("audit")
        await deck.press("enter")
        await deck.expect("VERB")
        await deck.press("left_square_bracket")
        await deck.expect("MODEL")
        await deck.press("right_square_bracket")
        await deck.expect("VERB")
        await deck.press("minus")
        await deck.expect("MODEL")
        await deck.press("minus")
        await deck.expect("VERB")
        await deck.press("right_square_bracket", "right_square_bracket")
        await deck.expect("There is nothing after this.")


async def test_a_view_keeps_its_cursor_and_filter_while_away(world: World) -> None:
    for number in range(5):
        world.run(f"run-{number}")
    async with console(world.engine, "runs") as deck:
        await deck.expect("5 runs")
        await deck.press("slash")
        await deck.type("run")
        await deck.press("enter", "down", "down", "enter")
        await deck.expect("run-2", "1 charts")
        await deck.press("escape")
        await deck.expect("/run")
        await deck.press("c")
        await deck.expect("Copied: run-2")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("rans", "Did you mean runs?"),
        ("promote churn", "promote takes a model and a version"),
        ("run", "run needs a name"),
        ("promote churn x --to production", "promote takes a model and a version"),
        ("runs 'open", "quote is never closed"),
    ],
)
async def test_a_wrong_command_says_what_to_type(world: World, typed: str, told: str) -> None:
    async with console(world.engine, "runs") as deck:
        await deck.press("colon")
        await deck.type(typed)
        await deck.press("enter")
        await deck.expect(told)


async def test_tab_completes_and_the_arrows_recall(world: World) -> None:
    async with console(world.engine, "runs") as deck:
        await deck.press("colon")
        await deck.type("aud")
        await deck.expect("audit")
        await deck.press("tab", "enter")
        await deck.expect("Nothing has been changed yet.")
        await deck.press("colon", "up")
        await deck.expect(":audit")
        await deck.press("escape")
        await deck.expect_gone(":audit")


async def test_model_names_are_completed_from_the_workspace(world: World) -> None:
    world.version("fraud")
    async with console(world.engine, "runs") as deck:
        await deck.press("colon")
        await deck.type("versions ")
        await deck.type("f")
        await deck.expect("fraud")


async def test_help_lists_the_keys_of_the_view_and_of_every_view(world: World) -> None:
    async with console(world.engine, "runs", LARGE) as deck:
        await deck.press("question_mark")
        await deck.expect("In runs", "Compare the marked runs.")
        await deck.press("pagedown")
        await deck.expect("Everywhere", "ctrl-p")
        await deck.press("escape")
        await deck.expect("No runs yet.")


async def test_the_palette_finds_actions_resources_and_models(world: World) -> None:
    world.version("fraud")
    async with console(world.engine, "runs") as deck:
        await deck.press("ctrl+p")
        await deck.expect("Palette")
        await deck.type("fraud")
        await deck.expect("versions of the model")
        await deck.press("enter")
        await deck.expect("versions fraud", "fraud/1")
        await deck.press("ctrl+p")
        await deck.type("audi")
        await deck.press("enter")
        await deck.expect("VERB")


async def test_a_resized_terminal_shows_more_of_everything(world: World) -> None:
    for number in range(40):
        world.run(f"run-{number:02}")
    async with console(world.engine, "runs", SMALL) as deck:
        await deck.expect("40 runs")
        assert "USER" not in deck.text()
        await deck.pilot.resize_terminal(*LARGE)
        await deck.expect("USER", "run-05")
        await deck.pilot.resize_terminal(50, 12)
        await deck.expect("run-00", "? help")
        await deck.until(lambda: len(deck.lines()) == 12, "the small size")


async def test_q_and_ctrl_c_leave(world: World) -> None:
    for key in ("q", "ctrl+c"):
        async with console(world.engine, "runs") as deck:
            await deck.expect("No runs yet.")
            await deck.press(key)
            await deck.until(lambda deck=deck: deck.app.return_code == 0, "the end")  # type: ignore[misc]


async def test_keys_typed_ahead_reach_the_view_they_were_meant_for(world: World) -> None:
    world.run("tree")
    world.run("forest")
    async with console(world.engine, "runs") as deck:
        await deck.expect("2 runs")
        deck.send("/tree", "enter", "enter", "2")
        await deck.expect("Parameters", "Metrics")
        await deck.expect_line("2 values", "tree")


async def test_the_view_as_a_command_can_be_copied(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs sort:-auc") as deck:
        await deck.press("colon")
        await deck.type("copy-cli")
        await deck.press("enter")
        await deck.until(
            lambda: deck.app.clipboard == "qd runs list --order-by 'metrics.auc DESC'", "the command on the clipboard"
        )


async def test_what_cannot_be_opened_is_said_where_it_would_stand(world: World) -> None:
    for words in ("run ffff", "version churn/1", "promotion churn/1/production", "history churn", "record 7"):
        async with console(world.engine, words) as deck:
            await deck.expect("There is no")
