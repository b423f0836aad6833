"""The line after `:`: completion with a menu, history with a search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.commanding.names import known_names, names_of
from console.own import Own
from tests.console.commanding.test_typed import say
from tests.console.driver import Console, console
from tests.console.world import World


def own_of(path: Path) -> Own:
    return Own(path / "config", path / "state")


def line(deck: Console) -> str:
    """What stands in the line."""
    typing = deck.app.screen.focused
    assert typing is not None
    return str(typing.value)  # type: ignore[attr-defined]  # an input


async def names_came(deck: Console) -> None:
    """Wait until the names of the workspace are known to the line."""
    await deck.until(lambda: not deck.app.desk._queues["read"].qsize(), "the names")  # noqa: SLF001 nothing shows it
    await deck.pilot.pause()


async def test_tab_completes_what_can_go_on_in_one_way(world: World) -> None:
    async with console(world.engine) as deck:
        await deck.press("colon")
        await deck.type("experi")
        await deck.press("tab")
        assert line(deck) == "experiments "


async def test_tab_goes_through_a_menu_that_says_what_each_is(world: World) -> None:
    async with console(world.engine, size=(160, 45)) as deck:
        await deck.press("colon")
        await deck.type("mo")
        await deck.press("tab", "tab")
        first = line(deck)
        await deck.press("tab")
        second = line(deck)
        await deck.press("shift+tab")
        assert line(deck) == first != second
        await deck.expect("what is looked at, how often, what came of it")


async def test_names_of_things_are_completed(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await deck.press("colon")
        await names_came(deck)
        await deck.type("delete versions ch")
        await deck.press("tab")
        assert line(deck) == "delete versions churn/1 "
        await deck.type("--r")
        await deck.press("tab")
        assert line(deck) == "delete versions churn/1 --reason "


async def test_values_are_completed(world: World) -> None:
    async with console(world.engine) as deck:
        await deck.press("colon")
        await names_came(deck)
        await deck.type("runs status=fa")
        await deck.press("tab")
        assert line(deck) == "runs status=failed "


@pytest.mark.parametrize(
    ("typed", "then"),
    [
        ("alerts sev", "alerts severity"),
        ("traces input", "traces input_tokens"),
        ("runs sort:end", "runs sort:end_time"),
        ("audit sin", "audit since:"),
    ],
)
async def test_what_all_things_have_is_completed_and_a_value_can_follow(world: World, typed: str, then: str) -> None:
    async with console(world.engine) as deck:
        await deck.press("colon")
        await names_came(deck)
        await deck.type(typed)
        await deck.press("tab")
        assert line(deck) == then


async def test_what_was_typed_before_the_names_came_is_completed_when_they_come(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await deck.press("colon")
        await deck.type("delete versions ch")
        await deck.expect("churn/1")


async def test_themes_are_completed_those_of_the_operators_folder_too(world: World, tmp_path: Path) -> None:
    own = own_of(tmp_path)
    (own.config / "themes").mkdir(parents=True)
    (own.config / "themes" / "sepia.toml").write_text('about = "brown"\non = "dark"\n')
    async with console(world.engine, own=own) as deck:
        await deck.press("colon")
        await names_came(deck)
        await deck.type("theme se")
        await deck.press("tab")
        assert line(deck) == "theme sepia "


async def test_the_arrows_go_through_what_was_typed_in_other_sessions(world: World, tmp_path: Path) -> None:
    own = own_of(tmp_path)
    async with console(world.engine, own=own) as deck:
        await say(deck, "models")
        await deck.expect("No registered models yet.")
        await say(deck, "experiments")
        await deck.expect("No experiments yet.")
    async with console(world.engine, own=own) as deck:
        await deck.press("colon", "up")
        assert line(deck) == "experiments"
        await deck.press("up", "up")
        assert line(deck) == "models"
        await deck.press("down", "down")
        assert line(deck) == ""


async def test_ctrl_r_finds_older_lines_that_hold_what_is_typed(world: World, tmp_path: Path) -> None:
    own = own_of(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "history").write_text("runs /old\nmodels\nruns /new\n")
    async with console(world.engine, own=own) as deck:
        await deck.press("colon")
        await deck.type("runs")
        await deck.press("ctrl+r")
        assert line(deck) == "runs /new"
        await deck.expect("history runs  1 of 2")
        await deck.press("ctrl+r")
        assert line(deck) == "runs /old"
        await deck.press("ctrl+r")
        assert line(deck) == "runs /new"


async def test_a_line_that_means_nothing_is_not_remembered(world: World, tmp_path: Path) -> None:
    async with console(world.engine, own=own_of(tmp_path)) as deck:
        await say(deck, "nonsense")
        await deck.expect("there is no resource or verb 'nonsense'")
        await deck.press("escape")
        await deck.press("colon", "up")
        assert line(deck) == ""


async def test_nothing_is_kept_without_a_folder_of_ones_own(world: World, tmp_path: Path) -> None:
    async with console(world.engine) as deck:
        await say(deck, "models")
        await deck.expect("No registered models yet.")
        assert deck.app.history.lines() == ("models",)
    assert list(tmp_path.rglob("history")) == []  # noqa: ASYNC240 the console is closed


def test_names_are_those_of_the_workspace(world: World) -> None:
    world.version()
    found = known_names(world.engine)
    assert "churn/1" in found.things["versions"]
    assert "churn" in found.objects["versions"]
    assert list(names_of(world.engine, "models")) == ["churn"]
    assert list(names_of(world.engine, "nothing")) == []
    assert "running" in found.values["status"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_hostile_lines_do_no_harm(world: World) -> None:
    world.version()
    hostile = [
        "tag versions '",
        "--",
        "a=b=c --x",
        "copy-cli",
        "copy-cli zzz",
        "tag",
        "undo models",
        "/",
        "@",
        "qd",
        "help x y z",
    ]
    hostile += ["delete runs " + "x" * 3_000, "tag versions churn/1 \U0001f469\u200d\U0001f680=\u0301\u0301\u0301"]
    async with console(world.engine, size=(160, 45)) as deck:
        for text in hostile:
            await say(deck, text)
            await deck.press("escape", "escape")
            assert deck.app._exception is None  # noqa: SLF001 a crash of the console


@given(st.text(max_size=60))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_line_is_understood_or_refused(text: str) -> None:
    from console.commanding.grammar import verbs_by_name
    from console.commands import completed
    from console.registry import GRAMMAR
    from engine.core.command import Grammar, parse_command
    from engine.core.errors import FilterSyntaxError

    grammar = Grammar(GRAMMAR.resources, verbs_by_name())
    try:
        parse_command(completed(text, grammar), grammar, here="versions")
    except FilterSyntaxError as error:
        assert error.message.isprintable()  # noqa: PT017 either way is right
