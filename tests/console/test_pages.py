from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.clock import ManualClock
from engine.registry.model import Stage
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World


def _shop(world: World) -> None:
    """Two models: one with a past in Production, one that never left; a request and a failing gate."""
    world.promote(world.version(auc=0.85))
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(3_600_000)
    world.promote(world.version(auc=0.91))
    weak = world.version(auc=0.7)
    world.promote(weak, to=Stage.STAGING)
    world.engine.gates.check("churn", weak.version, to=Stage.PRODUCTION)
    ready = world.version(auc=0.93)
    world.engine.approvals.request("churn", ready.version, to=Stage.PRODUCTION, reason="best so far")
    world.version("fraud")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_pulse_sums_up_the_workspace(guarded: World, size: tuple[int, int]) -> None:
    _shop(guarded)
    async with console(guarded.engine, "pulse", size) as deck:
        await deck.expect_line("Runs", "0 running", "5 finished")
        await deck.expect_line("churn", "◆ churn/2", "◇ 3 in Staging")
        await deck.expect_line("fraud", "nothing in Production", "1 version")
        await deck.expect_line("churn/4", "→ Production", "○ open", "0/1", "best so far")
        await deck.expect_line("churn/3", "✗ metric auc")
        await deck.expect("Lately")


async def test_an_empty_pulse_says_how_to_begin(world: World) -> None:
    async with console(world.engine) as deck:
        await deck.expect("Nothing here yet.", "qd demo", "engine.open().runs.start('churn')")


async def test_pulse_leads_into_what_it_shows(guarded: World) -> None:
    _shop(guarded)
    async with console(guarded.engine) as deck:
        await deck.expect("Waiting for approval")
        await deck.press("a")
        await deck.expect("pulse › approvals", "best so far")  # noqa: RUF001 the arrowhead between breadcrumbs
        await deck.press("escape", "down", "enter")
        await deck.expect("versions churn")


async def test_a_version_shows_what_it_is_made_of(guarded: World) -> None:
    _shop(guarded)
    async with console(guarded.engine, "version churn/2", LARGE) as deck:
        await deck.expect("◆ Production", "digest", "sklearn skops", "car_loan", "Metrics at registration")
        await deck.expect_line("age", "int64")
        await deck.expect_line("score", "float64")
        await deck.expect("Gates for Production", "✓ pass")


async def test_history_lists_moves_and_leads_to_the_state_after_them(guarded: World) -> None:
    _shop(guarded)
    async with console(guarded.engine, "history churn", LARGE) as deck:
        await deck.expect_line("promote", "churn/2", "Registered → Production", "by ada")
        await deck.expect("also version 1: Production → Archived", "ship it")
        await deck.press("s")
        await deck.expect("What was where", "PAST, READ-ONLY")


async def test_what_was_where_at_a_past_time(guarded: World) -> None:
    guarded.promote(guarded.version(auc=0.85))
    then = guarded.clock.now_ms()
    assert isinstance(guarded.clock, ManualClock)
    guarded.clock.advance(3_600_000)
    guarded.promote(guarded.version(auc=0.91))
    async with console(guarded.engine, f"state churn @{then}") as deck:
        await deck.expect_line("◆ Production", "1")
        await deck.expect("churn/1", "PAST, READ-ONLY")
        assert "churn/2" not in deck.text()
        await deck.press("colon")
        await deck.type("models @30m")
        await deck.press("enter")
        await deck.expect_line("churn", "◆ 1")
        await deck.press("colon")
        await deck.type("state churn")
        await deck.press("enter")
        await deck.expect_line("churn/2")
        await deck.expect("· Archived")


async def test_lineage_goes_both_ways_and_each_line_is_a_way_in(guarded: World) -> None:
    version = guarded.version()
    async with console(guarded.engine, f"lineage {version.key}") as deck:
        await deck.expect_line("dataset", "car_loan")
        await deck.expect_line("run", "churn-run", "finished")
        await deck.press("g", "down", "l")
        await deck.expect("Became", "churn/1")
        await deck.press("escape", "g", "down", "enter")
        await deck.expect("1 charts")


async def test_a_run_shows_values_artifacts_and_where_it_came_from(world: World) -> None:
    run = world.run("tree", params={"depth": "3"})
    async with console(world.engine, f"run {run[:6]}") as deck:
        await deck.expect("1 charts", "auc", "chart 1 of 2")
        await deck.press("2")
        await deck.expect_line("depth", "3")
        await deck.press("3")
        await deck.expect_line("model/model.skops", "4 B")
        await deck.press("enter")
        await deck.expect("tree", "Esc close")
        await deck.press("escape", "4")
        await deck.expect_line("car_loan", "training", "5,000 rows")
        await deck.expect("python", "commit")
        await deck.press("l")
        await deck.expect("Came from")


async def test_a_wide_terminal_shows_values_beside_the_charts(world: World) -> None:
    run = world.run("tree")
    async with console(world.engine, f"run {run}", LARGE) as deck:
        await deck.expect("Parameters", "depth", "auc", "loss", "1 charts", "0.70┤")
        await deck.press("full_stop")
        await deck.expect("@0")
        await deck.press("L")
        await deck.expect("log")


async def test_comparing_shows_what_differs_first_and_moves_the_baseline(world: World) -> None:
    first = world.run("tree", auc=0.8, params={"depth": "3", "lr": "0.1"})
    second = world.run("forest", auc=0.9, params={"depth": "7", "lr": "0.1"})
    async with console(world.engine, f"compare {first},{second}") as deck:
        await deck.expect("A tree", "B forest", "baseline tree")
        await deck.expect_line("auc", "0.8", "0.9 +0.1")
        lines = deck.lines()
        differs, same = (next(i for i, line in enumerate(lines) if word in line) for word in ("depth", "lr  "))
        assert differs < same
        await deck.press("b")
        await deck.expect("baseline forest")
        await deck.expect_line("auc", "0.8 -0.1", "0.9")
        await deck.press("down")
        await deck.expect("── loss")


async def test_more_runs_than_fit_are_reached_sideways(world: World) -> None:
    runs = [world.run(f"run-{number}") for number in range(9)]
    async with console(world.engine, "compare " + ",".join(runs)) as deck:
        await deck.expect("A run-0", "← → 5 more")
        await deck.press(*["right"] * 9)
        await deck.expect("I run-8")


async def test_the_audit_log_shows_who_changed_what_and_the_difference(guarded: World) -> None:
    guarded.promote(guarded.version())
    async with console(guarded.engine, "audit") as deck:
        await deck.expect_line("ada", "promote", "version churn/1", "ship it")
        await deck.press("slash")
        await deck.type("verb=promote kind=version")
        await deck.expect("1 record")
        await deck.press("enter", "d")
        await deck.expect("- Registered", "+ Production")
        await deck.press("escape", "enter")
        await deck.expect("Record", "who", "ada", "ship it", "After")
        await deck.press("escape", "s")
        await deck.expect("What was where", "churn/1")


async def test_the_audit_log_is_verified_from_the_console(guarded: World) -> None:
    guarded.promote(guarded.version())
    async with console(guarded.engine, "audit") as deck:
        await deck.press("K")
        await deck.expect("records and the tree agree. Head:")


async def test_an_object_has_its_own_audit_and_its_past(guarded: World) -> None:
    guarded.promote(guarded.version())
    async with console(guarded.engine, "audit churn/1") as deck:
        await deck.expect_line("register", "version churn/1")
        assert "experiment" not in deck.text()


async def test_approving_what_one_asked_for_oneself_is_refused(guarded: World) -> None:
    guarded.version()
    guarded.engine.approvals.request("churn", 1, to=Stage.PRODUCTION, reason="mine")
    async with console(guarded.engine, "approvals") as deck:
        await deck.expect("○ open")
        await deck.press("a")
        await deck.type("me too")
        await deck.press("enter", "y")
        await deck.expect("a second person")
    assert guarded.engine.approvals.get(1).state.value == "open"


async def test_rejecting_withdrawing_and_deciding_too_late(guarded: World) -> None:
    from engine.core.access import Role

    guarded.version()
    guarded.version(auc=0.92)
    for number in (1, 2):
        guarded.engine.approvals.request("churn", number, to=Stage.PRODUCTION, reason=f"number {number}")
    async with console(guarded.as_("alice", Role.APPROVER), "approvals") as deck:
        await deck.expect_line("churn/2", "○ open")
        await deck.press("x")
        await deck.type("too slow")
        await deck.press("enter")
        await deck.expect_line("churn/2", "✗ rejected")
        await deck.press("a")
        await deck.expect("nothing can be decided any more")
    async with console(guarded.engine, "approvals") as deck:
        await deck.expect_line("churn/1", "○ open")
        await deck.press("W")
        await deck.expect("Take your own request back.")
        await deck.press("enter")
        await deck.expect_line("churn/1", "· withdrawn")


async def test_experiments_are_made_renamed_deleted_and_restored(world: World) -> None:
    async with console(world.engine, "experiments") as deck:
        await deck.expect("No experiments yet.")
        await deck.press("n")
        await deck.type("churn")
        await deck.press("enter")
        await deck.expect_line("churn", "active")
        await deck.press("D")
        await deck.expect_line("churn", "0", "deleted")  # the row, not the message, which has no count of runs
        await deck.press("D")
        await deck.expect("churn is deleted already.")
        await deck.press("u")
        await deck.expect_line("churn", "active")


async def test_the_workspace_shows_policy_and_storage_and_is_checked_and_backed_up(
    guarded: World, tmp_path: Path
) -> None:
    guarded.promote(guarded.version())
    async with console(guarded.engine, "workspace", LARGE) as deck:
        await deck.expect_line("approver", "alice")
        await deck.expect_line("→ production", "approvals 1 of any approver", "gates metric, fields")
        await deck.expect_line("traces", "kept for ever")
        await deck.expect("Audit log", "Storage", "not checked in this session")
        await deck.press("K")
        await deck.expect_line("✓ database", "sound")
        await deck.press("B")
        await deck.type(str(tmp_path / "kept"))
        await deck.press("enter")
        await deck.expect("Backed up to")
    assert (tmp_path / "kept" / "control.db").is_file()


async def test_a_wrong_policy_is_shown_where_the_policy_stands(world: World) -> None:
    world.version()
    world.write_policy("[roles]\nadmin = 5\n")
    async with console(world.engine, "workspace") as deck:
        await deck.expect("admin", "line 2")


async def test_models_are_made_edited_and_deleted(world: World) -> None:
    async with console(world.engine, "models", LARGE) as deck:
        await deck.expect("No registered models yet.")
        await deck.press("n")
        await deck.type("fraud")
        await deck.press("enter")
        await deck.type("ops")
        await deck.press("enter", "enter")
        await deck.expect_line("fraud", "ops")
        await deck.press("p")
        await deck.expect("fraud has no versions")
        await deck.press("D")
        await deck.expect("CANNOT BE UNDONE")
        await deck.type("made by mistake")
        await deck.press("enter")
        await deck.type("fraud")
        await deck.press("enter", "y")
        await deck.expect("No registered models yet.")


async def test_a_promotion_is_one_row_that_says_what_moved(world: World) -> None:
    world.promote(world.version(), to=Stage.STAGING)
    async with console(world.engine) as deck:
        await deck.expect_line("promote", "churn/1  Registered → Staging")
        assert "promotion 1" not in deck.text()
        assert len([line for line in deck.lines() if " promote " in line]) == 1
        await deck.press("A")
        await deck.expect_line("promote", "churn/1  Registered → Staging")
        await deck.expect_line("promote", "version churn/1")


async def test_the_inbox_begins_with_what_waits(guarded: World) -> None:
    for _ in range(2):
        version = guarded.version()
        guarded.engine.approvals.request("churn", version.version, to=Stage.PRODUCTION, reason="better")
    guarded.engine.approvals.withdraw(2, "not yet")
    async with console(guarded.engine) as deck:
        await deck.expect("Waiting for approval")
        await deck.expect_line("withdraw", "churn/2 → Production", "not yet")
        await deck.press("a")
        await deck.expect_line("churn/2", "· withdrawn")
        rows = [line for line in deck.lines() if "churn/" in line]
        assert "○ open" in rows[0]
        await deck.press("enter")
        await deck.expect("promotion churn/1/production")


async def test_an_approver_answers_for_a_pickle_and_takes_the_word_back(world: World) -> None:
    version = world.version()
    async with console(world.engine, "versions", LARGE) as shown:
        await shown.expect("churn/1")
        await shown.press("ctrl+p")
        await shown.type("allow pickle")
        await shown.press("enter")
        await shown.expect("IT MAY RUN CODE", "A pickle is code")
        await shown.type("made by us")
        await shown.press("enter", "y")
        await shown.expect("The pickle of churn/1 may be loaded")
        assert world.engine.builds.pickle_allowed(version.digest)
        await shown.press("ctrl+p")
        await shown.type("forbid pickle")
        await shown.press("enter")
        await shown.expect("Take the word")
        await shown.type("not sure")
        await shown.press("enter", "y")
        await shown.expect("The pickle of churn/1 is not loaded any more.")
    assert not world.engine.builds.pickle_allowed(version.digest)
