"""`z` undoes and `Z` does again, on any screen; on the audit log also somebody else's change; the diff first."""

from __future__ import annotations

import pytest

from console.actions import Action, Danger
from console.undoing.sorts import UNAUDITED, beforehand, identity, sorts_of
from engine.core.access import Role
from engine.registry.model import Stage
from engine.undoing.registry import REGISTRY
from tests.console.driver import LARGE, SMALL, console
from tests.console.undoing.actions import every_action
from tests.console.world import HOSTILE, World

CHANGING = {identity(action): action for action in every_action() if action.changes}


@pytest.mark.parametrize("place", CHANGING, ids=str)
def test_every_action_that_changes_something_says_which_record_it_leaves(place: tuple[str, str]) -> None:
    action = CHANGING[place]
    assert sorts_of(action) or place in UNAUDITED, "name its sort in console/undoing/sorts.py, or a reason"
    assert [sort for sort in sorts_of(action) if sort not in REGISTRY] == []


def test_no_reason_for_what_is_no_action_any_more() -> None:
    assert [place for place in UNAUDITED if place not in CHANGING] == []


@pytest.mark.parametrize("place", [place for place, action in CHANGING.items() if action.danger is Danger.IRREVERSIBLE])
def test_what_takes_a_typed_name_says_what_is_lost(place: tuple[str, str]) -> None:
    reversible = {("console.endpoints.acts", "kill")}
    assert beforehand(CHANGING[place]) or place in reversible


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_z_shows_the_diff_and_undoes_and_shift_z_does_it_again(world: World, size: tuple[int, int]) -> None:
    world.engine.models.create("churn")
    world.engine.models.update("churn", description="worse words")
    async with console(world.engine, "models", size=size) as deck:
        await deck.expect("churn")
        await deck.type(":undo")
        await deck.press("enter")
        await deck.expect("Undo record 2", "update model churn", "by ada", "- worse words", '+ ""')
        await deck.press("y")
        await deck.expect("Record 2 is undone, by record 4. Z does it again.")
        assert world.engine.models.get("churn").description == ""
        await deck.press("Z")
        await deck.expect("Do again what was undone in record 4", '- ""', "+ worse words")
        await deck.press("y")
        await deck.expect("Record 4 is undone, by record 6. z undoes.")
        assert world.engine.models.get("churn").description == "worse words"


async def test_z_on_the_audit_log_undoes_somebody_elses_change(world: World) -> None:
    world.engine.experiments.create("old")
    world.as_("bob").experiments.rename("old", "new")
    async with console(world.engine, "audit") as deck:
        await deck.expect("rename")
        await deck.press("z")
        await deck.expect("by bob", "- new", "+ old")
        await deck.press("shift+tab")
        await deck.type("not agreed")
        await deck.press("enter")
        await deck.expect("is undone")
    assert world.engine.experiments.get("old").name == "old"
    assert world.engine.audit.page(limit=1).items[0].reason == "not agreed"


async def test_a_change_that_was_changed_since_is_refused_with_the_later_record(world: World) -> None:
    world.engine.experiments.create("one")
    world.engine.experiments.rename("one", "two")
    world.as_("bob").experiments.rename("two", "three")
    async with console(world.engine, "record 2") as deck:
        await deck.expect("Record 2")
        await deck.press("z")
        await deck.expect("Not now:", "in record 3")
        await deck.press("escape")
    assert world.engine.experiments.get("three").name == "three"


async def test_what_cannot_be_undone_says_so_when_asked(world: World) -> None:
    world.engine.models.create("churn")
    world.engine.models.ask_retraining("churn", reason="old")
    async with console(world.engine, "audit") as deck:
        await deck.expect("ask ret")
        await deck.press("z")
        await deck.expect("Not now: Whoever trains the model has been told")


async def test_nothing_to_undo_is_said(world: World) -> None:
    async with console(world.engine, "audit") as deck:
        await deck.expect("Nothing has been changed yet.")
        await deck.type(":undo")
        await deck.press("enter")
        await deck.expect("You have changed nothing lately that can be undone.")
        await deck.press("Z")
        await deck.expect("You have undone nothing lately.")


async def test_a_read_only_session_and_a_viewer_undo_nothing(world: World) -> None:
    world.engine.experiments.create("one")
    async with console(world.as_("ada", Role.ADMIN, read_only=True), "audit") as deck:
        await deck.expect("create")
        await deck.press("z")
        await deck.expect("Undo is off: this session is read-only.")
    async with console(world.as_("eve", Role.VIEWER), "audit") as deck:
        await deck.expect("create")
        await deck.press("z")
        await deck.expect("Undo needs the role writer")


async def test_a_promotion_into_production_is_undone_with_the_care_of_a_rollback(world: World) -> None:
    for _ in range(2):
        world.version("churn")
    for number in (1, 2):
        world.engine.promotions.promote("churn", number, to=Stage.PRODUCTION, reason="better")
    seq = world.engine.audit.page(limit=1).items[0].seq
    async with console(world.engine, f"record {seq}") as deck:
        await deck.expect(f"Record {seq}")
        await deck.press("z")
        await deck.expect("PRODUCTION", "churn/2", "- Production", "+ Production", "production")
        await deck.press("y")
        await deck.expect("is undone")
    assert world.engine.models.get("churn").production == (1,)


async def test_a_toast_says_that_z_undoes(world: World) -> None:
    run = world.run("first")
    async with console(world.engine, f"run {run}") as deck:
        await deck.expect("first")
        await deck.type("N")
        await deck.expect("Rename the run.")
        await deck.type("x")
        await deck.press("enter")
        await deck.expect("z undoes.")


async def test_the_dialog_of_what_cannot_be_undone_says_so_beforehand(world: World) -> None:
    world.version("churn")
    async with console(world.engine, "versions churn") as deck:
        await deck.expect("churn")
        await deck.type("D")
        await deck.expect("This cannot be undone: A deleted version's number is never given again")


async def test_hostile_names_stay_text_in_the_diff(world: World) -> None:
    world.engine.models.create("churn")
    world.engine.models.update("churn", description=HOSTILE)
    async with console(world.engine, "record 2") as deck:
        await deck.expect("Record 2")
        await deck.press("z")
        await deck.expect("Undo record 2", "[/nope]")
        assert "\x1b" not in deck.text()
        assert "\u202e" not in deck.text()


def test_an_action_is_known_wherever_it_is_offered() -> None:
    assert all(isinstance(action, Action) for action in CHANGING.values())
    assert ("console.resources.runs", "rename") in CHANGING
