"""Changing who answers: the diff first, `y` with Cancel focused, then desired against observed until it is served."""

from __future__ import annotations

import pytest

from console.endpoints.acts import typed_weights
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.endpoints.model import Share
from tests.console.driver import LARGE, SMALL, console
from tests.console.served import PLAN, Served

_NAMES = {" ": "space", "%": "percent_sign", ".": "full_stop", "-": "minus", ">": "greater_than_sign"}


def _canary(served: Served, weight: int = 100) -> None:
    served.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=weight, reason="try it")
    served.acknowledge()


def _shares(served: Served) -> dict[int, int]:
    return {each.version: each.weight for each in served.engine.endpoints.get("churn").deployments if each.share}


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("place", ["endpoints", "endpoint churn"])
async def test_rollback_is_one_key_a_diff_and_y(served: Served, place: str, size: tuple[int, int]) -> None:
    _canary(served)
    async with console(served.engine, place, size) as shown:
        await shown.expect("planes 1")
        await shown.press("z")
        await shown.expect("Roll churn back", "LIVE TRAFFIC", "churn/2: canary 10 % → standby")
        await shown.press("y")
        await shown.expect("generation 3 recorded; served by 0 of 1 data plane")
        assert "Generation 3 of churn is served" not in shown.text()
        served.acknowledge()
        await shown.expect("Generation 3 of churn is served by 1 of 1 data plane. Undo: Z.")
    assert _shares(served) == {1: 1_000, 2: 0}


async def test_keys_typed_ahead_roll_back_too(served: Served) -> None:
    _canary(served)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        shown.send("z", "y")
        await shown.expect("generation 3 recorded")
    assert _shares(served) == {1: 1_000, 2: 0}


async def test_cancel_has_the_keyboard(served: Served) -> None:
    _canary(served)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("z")
        await shown.expect("canary 10 % → standby")
        await shown.press("enter")
        await shown.expect("nothing was changed")
    assert _shares(served) == {1: 900, 2: 100}


async def test_undo_brings_back_what_was_before(served: Served) -> None:
    _canary(served)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("Z")
        await shown.expect("Undo the last change", "churn/2: canary 10 % → not loaded")
        await shown.press("y")
        await shown.expect("generation 3 recorded")
    assert _shares(served) == {1: 1_000}


async def test_the_typed_word_undoes_the_newest_change_as_messages_promise_and_not_the_routes(served: Served) -> None:
    _canary(served)
    served.engine.models.create("boat")
    served.engine.models.rename("boat", "ship")
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.type(":undo")
        await shown.press("enter")
        await shown.expect("boat", "ship", "[ y  undo ]")
    assert _shares(served) == {1: 900, 2: 100}


@pytest.mark.parametrize("typed", ["10", "12.5", "12.5%"])
async def test_typed_percentages_show_the_resulting_bar_and_hold(served: Served, typed: str) -> None:
    _canary(served, 50)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("t")
        await shown.expect("Traffic of churn", "1 95 %  2 5 %")
        await shown.press("backspace")
        await shown.pilot.press(
            *(each if each.isalnum() else {".": "full_stop", "%": "percent_sign"}[each] for each in typed)
        )
        said = typed.rstrip("%")
        await shown.expect(f"2 {said} %", f"canary 5 % → canary {said} %")
        await shown.press("tab", "tab")
        await shown.type("more")
        await shown.press("enter", "y")
        await shown.expect("generation 3 recorded")
    assert _shares(served)[2] == float(said) * 10


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("101", "more than all requests"),
        ("1.25", "finer than 0.1 %"),
        ("abc", "is no share"),
        ("100", "must keep something"),
    ],
)
async def test_a_wrong_percentage_is_said_while_it_is_typed(served: Served, typed: str, problem: str) -> None:
    _canary(served, 50)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("t")
        await shown.expect("Traffic of churn")
        await shown.press("backspace")
        await shown.type(typed)
        await shown.expect(problem)
    assert _shares(served) == {1: 950, 2: 50}


@pytest.mark.parametrize(
    ("answers", "weights"),
    [
        ({"2": "10", "1": ""}, {2: 100}),
        ({"2": "12.5", "1": "87.5"}, {2: 125, 1: 875}),
        ({"2": "0", "1": ""}, {2: 0}),
    ],
)
def test_percentages_become_shares(answers: dict[str, str], weights: dict[int, int]) -> None:
    assert typed_weights(answers, [2, 1], 1) == weights


@pytest.mark.parametrize("answers", [{"2": "10", "1": "91"}, {"2": "100"}, {"2": "60", "3": "50"}])
def test_shares_that_are_not_all_are_refused(answers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        typed_weights(answers, [2, 3, 1], 1)


async def test_killing_takes_the_name(served: Served) -> None:
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("K")
        await shown.expect("CALLERS WILL BE REFUSED", "type churn")
        await shown.type("broken")
        await shown.press("enter")
        await shown.type("chur")
        await shown.press("enter", "y")
        await shown.expect("Type exactly churn")
        await shown.type("n")
        await shown.press("enter", "y")
        await shown.expect("KILLED: every request is refused")
        served.acknowledge()
        await shown.press("V")
        await shown.expect("answer again", "every request is refused with 503")
        await shown.type("mended")
        await shown.press("enter", "y")
        await shown.expect("generation 3 recorded")
    assert not served.engine.endpoints.get("churn").desired.killed  # type: ignore[union-attr]  # it has one


async def test_a_plane_that_cannot_take_it_over_is_no_success(served: Served) -> None:
    _canary(served)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("z")
        await shown.expect("→ standby")
        await shown.press("y")
        await shown.expect("generation 3 recorded")
        served.acknowledge(problem="no memory is left")
        await shown.expect("no memory is left", "✗ failing")
        assert "is served by 1 of 1" not in shown.text()


async def test_without_a_data_plane_it_is_recorded_and_said_so(served: Served) -> None:
    _canary(served)
    served.end_plane()
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("○ Pending")
        await shown.press("z")
        await shown.expect("→ standby")
        await shown.press("y")
        await shown.expect("Generation 3 recorded; no data plane runs: start one with qd serve")


async def test_two_operators_at_once_do_not_overwrite_each_other(served: Served) -> None:
    _canary(served)
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◆ Live")
        await shown.press("z")
        await shown.expect("→ standby")
        served.as_("bob").endpoints.traffic("churn", {2: 300}, reason="mine")
        await shown.press("y")
        await shown.expect("changed")
    assert _shares(served) == {1: 700, 2: 300}


async def test_a_rollout_of_a_version_that_is_built_first_is_a_job_bound_to_what_was_seen(served: Served) -> None:
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◆ Live")
        await shown.type(":promote endpoint churn --version 2 --reason better")
        await shown.press("enter")
        await shown.expect("plan (or policy's)")
        await shown.press("tab", "tab", "enter", "y")
        await shown.expect("Job 1 is done: roll out churn 2")
    said = ("endpoints", "promote", "churn", "2", "--reason", "better", "--expect", "1")
    assert served.engine.jobs.get(1).words == said


async def test_a_rollout_is_begun_paused_resumed_and_aborted(served: Served) -> None:
    served.engine.builds.build("churn", 2)
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◆ Live")
        await shown.press("p")
        await shown.expect("Roll a version out by steps")
        await shown.type("2")
        await shown.press("tab")
        await shown.pilot.press(*(_NAMES.get(each, each) for each in PLAN))
        await shown.press("tab")
        await shown.type("better")
        await shown.press("enter", "y")
        await shown.expect_line("● running", "10% 10m")
        served.acknowledge()
        for key, word in (("P", "! paused"), ("R", "● running"), ("x", "■ aborted")):
            await shown.press(key)
            await shown.expect("reason")
            await shown.press(*(["tab"] if key == "R" else []))
            await shown.type("why")
            await shown.press("enter", *(["y"] if key in "Rx" else []))
            served.acknowledge()
            await shown.expect(word)
    assert served.engine.rollouts.open_of("churn") is None


async def test_rolling_back_a_canary_on_its_way_ends_its_rollout(served: Served) -> None:
    served.engine.rollouts.start("churn", 2, reason="better", plan="10% 10m -> 100%")
    served.acknowledge()
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◇ Canary")
        await shown.press("z")
        await shown.expect("→ standby")
        await shown.press("y")
        await shown.expect("■ aborted")
    assert _shares(served) == {1: 1_000, 2: 0}
    assert served.engine.rollouts.open_of("churn") is None


async def test_what_moved_under_an_operator_is_not_given_up_unseen(served: Served) -> None:
    served.engine.rollouts.start("churn", 2, reason="better", plan="10% 10m -> 100%")
    served.acknowledge()
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◇ Canary")
        await shown.press("z")
        await shown.expect("→ standby")
        served.engine.endpoints.traffic("churn", {2: 300}, reason="another operator")
        await shown.press("y")
        await shown.expect("generation 3 now, not 2")
    assert _shares(served) == {1: 700, 2: 300}
    assert served.engine.rollouts.open_of("churn") is not None


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("t", "Only one version is loaded"),
        ("P", "No rollout is open"),
        ("R", "No rollout is open"),
        ("x", "No rollout is open"),
        ("V", "It is not killed"),
        ("U", "Only what is live is loaded"),
    ],
)
async def test_a_key_that_does_nothing_says_why(served: Served, key: str, why: str) -> None:
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press(key)
        await shown.expect(why)


@pytest.mark.parametrize("key", ["t", "z", "p", "D", "K", "Z", "S", "E", "X"])
async def test_a_viewer_is_told_which_role_it_takes(served: Served, key: str) -> None:
    _canary(served)
    async with console(served.as_("eve", Role.VIEWER), "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press(key)
        await shown.expect("needs the role operator")


async def test_the_last_change_is_copied_as_a_command(served: Served) -> None:
    _canary(served)
    copied: list[str] = []
    async with console(served.engine, "endpoint churn") as shown:
        shown.app.copy_to_clipboard = copied.append  # type: ignore[method-assign, assignment]  # what the terminal would get
        await shown.expect("◆ Live")
        await shown.press("z")
        await shown.expect("→ standby")
        await shown.press("y")
        await shown.expect("generation 3 recorded")
        await shown.type(":copy-cli")
        await shown.press("enter")
        await shown.expect("Copied")
    assert copied == ["qd endpoints rollback churn --reason 'rolled back by hand'"]


async def test_a_shadow_is_put_on_and_off(served: Served) -> None:
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◆ Live")
        for generation in (2, 3):
            if generation == 3:
                await shown.expect_line("● 2", "2 shadow")  # what was changed before is on the screen
            await shown.press("S")
            await shown.expect("Shadow behind churn")
            if generation == 2:
                await shown.type("2")
                await shown.press("tab")
            await shown.type("look")
            await shown.press("enter", "y")
            await shown.expect(f"generation {generation} recorded")
            served.acknowledge()
            await shown.expect(f"Generation {generation} of churn is served")
    assert {each.version: each.share for each in served.engine.endpoints.get("churn").deployments}[2] is Share.STANDBY


async def test_an_endpoint_is_deleted_by_its_name(served: Served) -> None:
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("◆ Live")
        await shown.press("X")
        await shown.expect("It serves churn/1 now: its callers will get 404.")
        await shown.type("over")
        await shown.press("tab")
        await shown.type("churn")
        await shown.press("enter", "y")
        await shown.expect("churn is deleted", "No endpoints yet.")
