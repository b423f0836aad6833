from __future__ import annotations

import pytest

from engine.core.access import Role
from engine.registry.model import Stage
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World


async def _give_reason_and_confirm(deck: Console, reason: str) -> None:
    """The dialog before a change in Production: the reason, then Cancel is focused, then y."""
    await deck.type(reason)
    await deck.press("enter")
    await deck.press("y")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_plan_shows_gates_approvals_and_changes(guarded: World, size: tuple[int, int]) -> None:
    guarded.promote(guarded.version(auc=0.85))
    guarded.version(auc=0.91)
    async with console(guarded.engine, "promotion churn/2/production", size) as deck:
        await deck.expect("PROMOTE", "churn/2", "◆ Production")
        await deck.expect_line("✓ pass", "metric auc", "0.91", "0.8", "+0.11")
        await deck.expect("It needs 1 approval")
        await deck.press("pagedown")
        await deck.expect("version 1: Production → Archived")
        await deck.press("G")
        await deck.expect_line("auc", "0.85", "0.91", "+0.06")


async def test_a_failing_gate_blocks_and_says_why(guarded: World) -> None:
    guarded.version(auc=0.7)
    async with console(guarded.engine, "promotion churn/1/production") as deck:
        await deck.expect_line("✗ FAIL", "metric auc", "0.7", "0.8", "-0.1")
        await deck.press("p")
        await deck.expect("The gate metric auc does not pass")
    assert guarded.engine.models.version("churn", 1).stage is Stage.REGISTERED


async def test_from_request_over_approval_to_production_with_the_keyboard(guarded: World) -> None:
    guarded.version(auc=0.9)
    async with console(guarded.engine, "versions churn") as deck:
        await deck.expect("churn/1")
        await deck.press("p")
        await deck.expect("promotion churn/1/staging", "Nothing stands in the way.")
        await deck.press("t")
        await deck.expect("promotion churn/1/production", "It needs 1 approval", "e asks for approval")
        await deck.press("e")
        await deck.expect("Ask for approval.")
        await deck.type("ready")
        await deck.press("enter")
        await deck.expect("○ open", "request 1 by ada", "a approves request 1")
        async with console(guarded.as_("alice", Role.APPROVER), "approvals") as inbox:
            await inbox.expect_line("churn/1", "○ open", "0/1", "ada", "ready")
            await inbox.press("a")
            await inbox.expect("PRODUCTION", "asked for by ada: ready")
            await _give_reason_and_confirm(inbox, "good")
            await inbox.expect_line("churn/1", "✓ approved", "1/1")
        await deck.expect("✓ approved", "Nothing stands in the way.")
        await deck.press("p")
        await deck.expect("Promote churn/1 to Production", " PRODUCTION ")
        await _give_reason_and_confirm(deck, "ship")
        await deck.expect("Done: churn/1 is in Production. Undo: z rolls back.")
        await deck.expect_line("churn/1", "◆ Production")
        assert "versions churn" in deck.lines()[1]
    assert guarded.engine.models.version("churn", 1).stage is Stage.PRODUCTION


async def test_enter_alone_never_changes_production(guarded: World) -> None:
    guarded.promote(guarded.version())
    guarded.promote(guarded.version(auc=0.95))
    async with console(guarded.engine, "promotion churn/rollback") as deck:
        await deck.expect("ROLLBACK", "churn/1")
        await deck.press("p")
        await deck.expect("Roll back churn to version 1")
        await deck.type("oops")
        await deck.press("enter", "enter")
        await deck.expect("nothing was changed")
    assert guarded.engine.models.get("churn").production == (2,)


async def test_rolling_back_from_the_list_of_models(guarded: World) -> None:
    guarded.promote(guarded.version())
    guarded.promote(guarded.version(auc=0.95))
    async with console(guarded.engine, "models") as deck:
        await deck.expect_line("churn", "◆ 2")
        await deck.press("z")
        await deck.expect("ROLLBACK", "churn/1")
        await deck.press("p")
        await deck.expect("reason")
        await _give_reason_and_confirm(deck, "errors rose")
        await deck.expect("Done: churn/1 is in Production.")
        await deck.press("escape")
        await deck.expect_line("churn", "◆ 1")
    assert guarded.engine.models.get("churn").production == (1,)


async def test_a_reason_may_not_be_left_empty(world: World) -> None:
    world.version()
    async with console(world.engine, "promotion churn/1/staging") as deck:
        await deck.expect("Nothing stands in the way.")
        await deck.press("p")
        await deck.expect("reason")
        await deck.press("enter")
        await deck.expect("reason may not stay empty.")
        await deck.press("escape")
        await deck.expect("nothing was changed")


async def test_a_lost_race_refuses_and_shows_the_new_state(world: World) -> None:
    first, second = world.version(), world.version(auc=0.95)
    async with console(world.engine, f"promotion {first.key}/production") as deck:
        await deck.expect("Nothing stands in the way.")
        await deck.press("p")
        await deck.expect("Promote churn/1 to Production")
        bob = world.as_("bob")
        bob.promotions.promote("churn", second.version, to=Stage.PRODUCTION, reason="I was faster")
        await _give_reason_and_confirm(deck, "mine")
        await deck.expect("conflict")
        await deck.press("escape")
        await deck.expect("version 2: Production → Archived")
    assert world.engine.models.get("churn").production == (2,)


async def test_gates_that_take_a_while_run_in_a_job_that_minds_what_the_operator_saw(world: World) -> None:
    # Over a second: the job is a process of its own, and what it is told must be understood there.
    world.write_policy('[models."*".staging]\ngates = [{gate="scan"}]\n')
    version = world.version()
    async with console(world.engine, "promotion churn/1/staging", LARGE) as deck:
        await deck.expect("Not run in a dry run")
        await deck.press("p")
        await deck.expect("Promote churn/1 to Staging")
        bob = world.as_("bob")
        bob.promotions.promote("churn", version.version, to=Stage.ARCHIVED, reason="no good")
        await deck.type("better")
        await deck.press("enter")
        await deck.expect("Job 1 failed")
    assert "churn/1 is in Archived now" in world.engine.jobs.log(1)
    assert world.engine.models.version("churn", 1).stage is Stage.ARCHIVED


async def test_gates_are_run_again_and_their_evidence_kept(world: World) -> None:
    world.version()
    async with console(world.engine, "promotion churn/1/production") as deck:
        await deck.expect("PROMOTE")
        await deck.press("r")
        await deck.expect("Every gate passes.")
    assert world.engine.gates.latest("churn", 1, Stage.PRODUCTION) is not None


async def test_read_only_and_too_low_a_role_say_so_and_change_nothing(world: World) -> None:
    world.version()
    async with console(world.as_("eve", Role.ADMIN, read_only=True), "promotion churn/1/staging") as deck:
        await deck.expect("READ-ONLY", "PROMOTE")
        await deck.press("p")
        await deck.expect("this session is read-only")
    async with console(world.as_("eve", Role.VIEWER), "promotion churn/1/staging") as deck:
        await deck.expect("eve · viewer", "PROMOTE")
        await deck.press("p")
        await deck.expect("needs the role operator")
    assert world.engine.models.version("churn", 1).stage is Stage.REGISTERED


async def test_an_override_is_planned_loudly(guarded: World) -> None:
    guarded.version(auc=0.7)
    async with console(guarded.engine, "promotion churn/1/production") as deck:
        await deck.expect("✗ FAIL")
        await deck.press("O")
        await deck.expect(" OVERRIDE ")


async def test_promote_is_also_a_command(world: World) -> None:
    world.version()
    async with console(world.engine) as deck:
        await deck.press("colon")
        await deck.type("promote churn 1 --to staging")
        await deck.press("enter")
        await deck.expect("promotion churn/1/staging", "Nothing stands in the way.")
        await deck.press("p")
        await deck.type("go")
        await deck.press("enter")
        await deck.expect("Done: churn/1 is in Staging.", "versions churn")
        await deck.press("colon")
        await deck.type("copy-cli")
        await deck.press("enter")
        await deck.until(lambda: "promote churn 1 --to staging" in deck.app.clipboard, "the command to be copied")


async def test_the_board_shows_four_stages_and_leads_to_the_plan(world: World) -> None:
    world.promote(world.version())
    world.version(auc=0.95)
    async with console(world.engine, "versions churn") as deck:
        await deck.expect("churn/2")
        await deck.press("v")
        await deck.expect_line("○ Registered 1", "◇ Staging 0", "◆ Production 1", "· Archived 0")
        await deck.expect_line("churn/2", "churn/1")
        await deck.press("left", "left", "p")
        await deck.expect("promotion churn/2/staging")
        await deck.press("escape", "v")
        await deck.expect("VERSION", "STAGE")


async def test_deleting_a_version_takes_its_name(world: World) -> None:
    world.version()
    async with console(world.engine, "versions churn") as deck:
        await deck.expect("churn/1")
        await deck.press("D")
        await deck.expect("CANNOT BE UNDONE", "type churn/1")
        await deck.type("old")
        await deck.press("enter")
        await deck.type("churn/2")
        await deck.press("enter")
        await deck.expect("Type exactly churn/1 to go on.")
        await deck.press("ctrl+u")
        await deck.type("churn/1")
        await deck.press("enter", "y")
        await deck.expect("No versions yet.")
