"""Every action can be typed, on things by their names, with the same care as by key."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from console.commanding.catalog import KINDS, actions_of
from console.commanding.doing import take_words
from console.commanding.grammar import fields_of, verbs_by_name
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.registry.model import Stage
from tests.console.driver import Console, console
from tests.console.world import World


async def say(deck: Console, line: str) -> None:
    """Type a command and Enter."""
    await deck.press("colon")
    deck.app.screen.focused.insert(line, 0)  # type: ignore[union-attr]  # the line that is open
    await deck.press("enter")


async def test_a_tag_is_set_by_name_with_key_and_value(world: World) -> None:
    run = world.run("tree")
    async with console(world.engine) as deck:
        await say(deck, f"tag runs {run[:8]} team=risk")
        await deck.expect("Tag team set on 1 runs.")
    assert world.engine.runs.get(run).tags["team"] == "risk"


async def test_the_order_of_the_shell_is_understood_too(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await say(deck, "versions tag churn/1 --key team --value risk")
        await deck.expect("Tag team of churn/1 set.")
        await say(deck, "versions update churn 1 --owner bob")
        await deck.expect("churn/1 described.")
    assert world.engine.models.version("churn", 1).owner == "bob"


async def test_what_is_selected_is_meant_where_nothing_is_named(world: World) -> None:
    world.version()
    async with console(world.engine, "versions") as deck:
        await deck.expect("churn/1")
        await say(deck, "tag --key team --value risk")
        await deck.expect("Tag team of churn/1 set.")


async def test_what_is_missing_is_asked_for(world: World) -> None:
    run = world.run("tree")
    async with console(world.engine) as deck:
        await say(deck, f"rename runs {run[:8]}")
        await deck.expect("Rename the run.")
        await deck.press("ctrl+a", "ctrl+k")
        await deck.type("oak")
        await deck.press("enter")
        await deck.expect("Renamed to oak.")


async def test_what_cannot_be_undone_has_its_name_typed_however_complete_the_command(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await say(deck, "delete versions churn/1 --reason old")
        await deck.expect("CANNOT BE UNDONE", "type churn/1", "old")
        await deck.press("escape")
        await deck.expect("nothing was changed")
    assert world.engine.models.version("churn", 1).version == 1


async def test_a_command_needs_the_role_that_the_key_needs(world: World) -> None:
    world.version()
    async with console(world.as_("vic", Role.VIEWER)) as deck:
        await say(deck, "tag versions churn/1 a=b")
        await deck.expect("needs the role operator")


async def test_a_promotion_with_a_reason_opens_its_plan_and_asks_for_the_word(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await say(deck, "promote churn 1 --to production --reason 'it is time'")
        await deck.expect("Promote churn/1 to Production", "PRODUCTION", "it is time", "Cancel")
    assert world.engine.models.version("churn", 1).stage is Stage.REGISTERED


async def test_archiving_is_a_plan(world: World) -> None:
    world.promote(world.version(), to=Stage.STAGING)
    async with console(world.engine) as deck:
        await say(deck, "archive versions churn/1")
        await deck.expect("promotion churn/1/archived")


@pytest.mark.parametrize(
    ("line", "said", "under"),
    [
        ("verions", "Did you mean versions?", "v"),
        ("tagg versions churn/1", "Did you mean tag?", "t"),
        ("tag versions churn/1 --vaule x", "Did you mean --value?", "-"),
        ("runs since:never", "", "s"),
        ("delete nothings", "expected what to delete", "n"),
    ],
)
async def test_an_error_leaves_the_line_and_points_at_the_word(world: World, line: str, said: str, under: str) -> None:
    world.version()
    async with console(world.engine, size=(160, 45)) as deck:
        await say(deck, line)
        await deck.expect("✗", said)
        typing = deck.app.screen.focused
        assert typing is not None
        value, cursor = typing.value, typing.cursor_position  # type: ignore[attr-defined]  # an input
        assert value == line
        assert value[cursor] == under


async def test_a_name_that_is_nearly_right_is_suggested(world: World) -> None:
    world.version()
    async with console(world.engine, size=(160, 45)) as deck:
        await say(deck, "tag versions churn/2 a=b")
        await deck.expect("Did you mean churn/1?")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("tag versions churn/1 a=b c=d", "one word too many"),
        ("unalias models churn", "has no aliases"),
        ("json versions", "Say which: json versions NAME."),
        ("acknowledge alerts x", "named by its number"),
        ("request promotion", "Say which"),
    ],
)
async def test_a_command_that_cannot_be_done_says_why(world: World, line: str, said: str) -> None:
    world.version()
    async with console(world.engine, size=(160, 45)) as deck:
        await say(deck, line)
        await deck.expect(said)


@pytest.mark.parametrize(
    ("fields", "words", "options", "answers"),
    [
        (("key", "value"), ("team=risk",), (), {"key": "team", "value": "risk"}),
        (("key", "value"), ("team=",), (), {"key": "team", "value": ""}),
        (("key", "value"), ("key=a", "b"), (), {"key": "a", "value": "b"}),
        (("reason",), (), (("reason", "x"),), {"reason": "x"}),
        (("owner", "description"), ("bob",), (("description", "d"),), {"owner": "bob", "description": "d"}),
        (("alias",), ("alias=a=b",), (), {"alias": "a=b"}),
        ((), (), (), {}),
    ],
)
def test_words_fill_in_fields(
    fields: tuple[str, ...], words: tuple[str, ...], options: tuple[tuple[str, str]], answers: Mapping[str, str]
) -> None:
    assert take_words(fields, words, options) == answers


@pytest.mark.parametrize(("fields", "words"), [((), ("x",)), (("a",), ("x", "y")), (("key", "value"), ("a=b", "c=d"))])
def test_words_that_fill_in_nothing_are_refused(fields: tuple[str, ...], words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="one word too many"):
        take_words(fields, words, ())


def test_every_action_that_changes_a_thing_is_a_verb() -> None:
    verbs = verbs_by_name()
    for resource in KINDS:
        for verb, action in actions_of(resource).items():
            assert resource in verbs[verb].resources
            assert set(fields_of(action)) <= set(verbs[verb].options_for(resource))
