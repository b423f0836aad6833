"""Names that attack the terminal, the markup and the reader, on every screen and dialog."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidInput
from engine.tracking.model import RunStatus
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World
from tests.hostile.judge import unprinted
from tests.hostile.texts import HOSTILE, MODEL_NAMES, at_once, pasteable
from tests.hostile.workspace import plant

ALL = at_once()
POLICY = """
[models."*".production]
gates = [{gate="metric", metric="auc", min=0.8}, {gate="fields", required=["owner"]}]
approvals = 1
[roles]
admin = ["*"]
"""
"""Whoever anybody is called may approve."""


def _is_harmless(deck: Console) -> bool:
    return not any(unprinted(line) for line in deck.lines())


SCREENS = (
    ("pulse", ()),
    ("runs", ("y",)),
    ("runs", ("question_mark",)),
    ("runs", ("n",)),
    ("runs", ("ctrl+o",)),
    ("runs", ("c",)),
    ("run {run}", ("2", "3", "down", "enter")),
    ("run {run}", ("4",)),
    ("compare {run},{other}", ("down", "b")),
    ("experiments", ("N",)),
    ("models", ("e",)),
    ("models", ("y",)),
    ("versions", ("y",)),
    ("board", ()),
    ("version '{version}'", ("G",)),
    ("promotion '{waiting}/production'", ("a",)),
    ("promotion '{version}/staging'", ("G",)),
    ("history '{model}'", ()),
    ("state", ()),
    ("lineage {run}", ()),
    ("approvals", ("a",)),
    ("audit", ("d",)),
    ("record {record}", ()),
    ("runs", ("ctrl+p",)),
)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(("words", "keys"), SCREENS)
async def test_hostile_names_come_through_harmless(
    guarded: World, words: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    guarded.write_policy(POLICY)
    names = plant(guarded.engine, {"all": ALL})["all"]
    other = guarded.run("tame")
    async with console(guarded.engine, words.format(**names, other=other), size) as deck:
        await deck.until(lambda: deck.app.view is not None and len(deck.text().split()) > 20, "the screen")
        assert _is_harmless(deck)
        for key in keys:
            await deck.press(key)
            await deck.pilot.pause()
            assert _is_harmless(deck)


UNSEEN = [text for text in HOSTILE.values() if unprinted(text)]


async def test_a_heading_reads_like_the_key_it_names(world: World) -> None:
    key = HOSTILE["colour"]
    world.run("tree", params={key: "3"})
    async with console(world.engine, "runs", LARGE) as deck:
        await deck.expect_line("NAME", "·colo")


async def test_hostile_typing_and_pasting_do_no_harm(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        for opener in ("slash", "colon"):
            await deck.press(opener)
            for character in "[/nope]":
                await deck.press(*([] if not character.isalnum() else [character]))
            deck.app.screen.focused.insert(ALL[:3_000], 0)  # type: ignore[union-attr]  # what a paste does
            await deck.pilot.pause()
            assert _is_harmless(deck)
            await deck.press("enter")
            assert _is_harmless(deck)
            await deck.press("escape", "escape")


@pytest.mark.parametrize("status", ["Killed", "killed\u2800", "lost", "running", pasteable(HOSTILE["bidi"])])
async def test_a_run_closes_as_nothing_but_what_a_run_can_be(world: World, status: str) -> None:
    run = world.run("tree", status=RunStatus.RUNNING)
    async with console(world.engine, f"run {run}") as deck:
        await deck.expect("tree")
        await deck.press("K")
        await deck.expect("close as")
        deck.app.screen.focused.value = status  # type: ignore[union-attr]  # the one field of the dialog
        await deck.press("enter")
        await deck.expect("Type one of finished, failed, killed.")
    assert world.engine.runs.get(run).status is RunStatus.RUNNING


@pytest.mark.parametrize("text", [*UNSEEN, *MODEL_NAMES], ids=ascii)
def test_a_model_is_called_what_can_be_seen_and_else_refused_in_harmless_words(world: World, text: str) -> None:
    if text in MODEL_NAMES:
        assert world.engine.models.create(text).name == text
        return
    with pytest.raises(InvalidInput) as refused:
        world.engine.models.create(text)
    assert not unprinted(str(refused.value))
