"""The list of endpoints: a word for health, traffic, latency, what is desired and what is observed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.endpoints.model import Share
from tests.console.driver import LARGE, SMALL, console
from tests.console.served import PLAN, Served


def _kill(served: Served) -> None:
    served.engine.endpoints.kill("churn", reason="broken")
    served.acknowledge()


def _cannot(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, reason="better")
    served.acknowledge(problem="the twin does not load")


def _half(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, reason="better")


def _no_plane(served: Served) -> None:
    served.end_plane()


def _errors(served: Served) -> None:
    served.answer(1, 200, errors=20)


def _some_errors(served: Served) -> None:
    served.answer(1, 200, errors=3)


def _nothing(_served: Served) -> None:
    return


HEALTH = {
    "✓ healthy": _nothing,
    "■ KILLED": _kill,
    "✗ failing": _cannot,
    "? unacknowledged": _half,
    "✗ not served": _no_plane,
    "! degraded": _some_errors,
}


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("word", HEALTH)
async def test_health_is_a_word(served: Served, word: str, size: tuple[int, int]) -> None:
    HEALTH[word](served)
    async with console(served.engine, "endpoints", size) as shown:
        await shown.expect_line("churn", word)


@pytest.mark.parametrize("make", [_errors, _cannot], ids=["requests fail", "a plane cannot"])
async def test_what_fails_is_said_to_fail(served: Served, make: Callable[[Served], None]) -> None:
    make(served)
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("churn", "✗ failing")


async def test_an_endpoint_without_versions_is_empty(served: Served) -> None:
    served.engine.endpoints.create("spare", "churn")
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("spare", "· empty")


async def test_rates_latencies_and_errors_are_those_of_live_and_canary_together(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    served.engine.endpoints.deploy("churn", 3, share=Share.SHADOW, reason="look")
    served.acknowledge()
    served.answer(1, 900, slow=100)
    served.answer(2, 100, errors=4)
    served.answer(3, 5_000, errors=5_000)  # nobody gets a shadow's answers
    async with console(served.engine, "endpoints", LARGE) as shown:
        await shown.expect_line("churn", "◆ 1", "100", "0.52/17.0/17.0", "0.40", "1 90 % · 2 10 %", "█▒ ")


async def test_generations_stand_beside_each_other_only_while_they_differ(served: Served) -> None:
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("churn", "✓ healthy")
        assert "/" not in shown.line("churn").split()[-1]
        served.engine.endpoints.deploy("churn", 2, reason="better")
        await shown.expect_line("churn", "? unacknowledged", "2/1")
        served.acknowledge()
        await shown.expect_line("churn", "✓ healthy", "◆ 2")


async def test_a_rollout_shows_its_step(served: Served) -> None:
    served.engine.rollouts.start("churn", 2, reason="better", plan=PLAN)
    async with console(served.engine, "endpoints", LARGE) as shown:
        await shown.expect_line("churn", "1/3 shadow")
        served.engine.rollouts.pause("churn", reason="lunch")
        await shown.expect_line("churn", "1/3 shadow PAUSED")


async def test_what_is_reported_appears_within_a_second_or_two(served: Served) -> None:
    async with console(served.engine, "endpoints", LARGE) as shown:
        await shown.expect_line("churn", "✓ healthy")
        served.answer(1, 1_230)
        await shown.expect_line("churn", "123")


async def test_the_list_is_filtered_by_name_and_model(served: Served) -> None:
    served.engine.endpoints.create("spare", "churn", owner="lab")
    async with console(served.engine, "endpoints") as shown:
        await shown.expect("spare", "2 endpoints")
        await shown.type("/owner=lab")
        await shown.expect("1 endpoint")
        assert "churn  " not in shown.text()


async def test_an_endpoint_that_is_deleted_leaves_the_list(served: Served) -> None:
    served.engine.endpoints.create("spare", "churn")
    async with console(served.engine, "endpoints") as shown:
        await shown.expect("spare")
        served.engine.endpoints.delete("spare", reason="unused")
        await shown.expect_gone("spare")


async def test_without_endpoints_the_list_says_how_to_make_one(served: Served) -> None:
    served.engine.endpoints.delete("churn", reason="gone", force=True)
    async with console(served.engine, "endpoints") as shown:
        await shown.expect("No endpoints yet.", "qd endpoints create NAME MODEL", "qd serve")


async def test_an_endpoint_is_made_here(served: Served) -> None:
    async with console(served.engine, "endpoints") as shown:
        await shown.expect("churn")
        await shown.press("n")
        await shown.expect("Make an endpoint")
        await shown.type("lab")
        await shown.press("tab")
        await shown.type("churn")
        await shown.press("tab", "tab", "enter")
        await shown.expect("Endpoint lab made", "nothing is deployed")
    assert served.engine.endpoints.get("lab").model == "churn"


async def test_a_dying_data_plane_is_seen_within_a_second_from_any_screen(served: Served) -> None:
    async with console(served.engine, "models") as shown:
        await shown.expect("planes 1")
        served.end_plane()
        await shown.expect("gate-1:4711 is gone; none is left", "✗ churn not served")


async def test_pulse_tells_how_endpoints_do(served: Served) -> None:
    served.answer(1, 400, errors=30)
    async with console(served.engine, "pulse") as shown:
        await shown.expect_line("churn", "✗ failing", "◆ 1", "40/s", "7.5 % err")
        served.end_plane()
        await shown.expect_line("churn", "✗ not served", "gen 1/")


async def test_a_lost_workspace_is_seen_within_a_second(served: Served) -> None:
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("churn", "✓ healthy")
        served.workspace.control_db.rename(served.workspace.control_db.with_name("away"))
        await shown.expect("● stale")
        await shown.press("z")
        await shown.expect("is off for now")
        served.workspace.control_db.with_name("away").rename(served.workspace.control_db)
        await shown.expect("● live")
