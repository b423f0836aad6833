"""Deploying: a version is chosen, made ready in a job, given a share, and served."""

from __future__ import annotations

import pytest

from console.endpoints.deploying import deploy_wish
from engine.core.errors import InvalidInput
from engine.endpoints.model import Cause, RouteWish, Share
from engine.jobs.model import JobState
from tests.console.driver import LARGE, Console, console
from tests.console.served import Served


async def test_a_version_goes_from_the_list_to_a_share(served: Served) -> None:
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("◆ Live")
        await shown.press("D")
        await shown.expect_line("churn/1", "live", "ready")
        await shown.expect_line("churn/3", "Registered", "to be built")
        await shown.press("enter")
        await shown.expect("Deploy churn/3 to churn", "churn/3: not loaded → canary 5 %")
        await shown.press("tab", "tab")
        await shown.type("try")
        await shown.press("enter", "y")
        await shown.expect("generation 2 recorded")
        served.acknowledge()
        await shown.expect_line("3", "◇ Canary", "5 %")


async def test_a_build_goes_on_when_its_dialog_is_left_and_is_listed(served: Served) -> None:
    served.gate.clear()
    async with console(served.engine, "endpoint churn") as shown:
        await _begin(shown)
        await shown.expect("comparing answers", "1/3")
        await shown.press("escape")
        await shown.expect("1 job")
        await shown.type(":jobs")
        await shown.press("enter")
        await shown.expect_line("● running", "build churn/3", "comparing answers")
        served.gate.set()
        await shown.expect_line("✓ done", "build churn/3")
        await shown.expect("Deploy churn/3 to churn")


async def test_a_build_goes_on_when_the_console_is_left_without_a_question(served: Served) -> None:
    served.gate.clear()
    async with console(served.engine, "endpoint churn") as shown:
        await _begin(shown)
        await shown.press("escape", "q")
    assert served.engine.jobs.get(1).state is JobState.RUNNING
    served.gate.set()
    async with console(served.engine, "jobs") as shown:
        await shown.expect_line("✓ done", "build churn/3")


@pytest.mark.parametrize("where", ["dialog", "jobs"])
async def test_a_build_is_given_up(served: Served, where: str) -> None:
    served.gate.clear()
    async with console(served.engine, "endpoint churn") as shown:
        await _begin(shown)
        if where == "dialog":
            await shown.press("x")
            await shown.type(":jobs")
            await shown.press("enter")
        else:
            await shown.press("escape")
            await shown.type(":jobs")
            await shown.press("enter")
            await shown.expect("● running")
            await shown.press("x")
        await shown.expect_line("■ given up", "build churn/3")
        await shown.expect_gone("1 job ")


async def test_a_version_that_cannot_be_served_says_why(served: Served) -> None:
    served.refused.touch()
    served.gate.clear()
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await _begin(shown)
        served.gate.set()
        await shown.expect("churn/3 answers differently.")
        await shown.expect_gone("Making churn/3 ready")


async def _begin(shown: Console) -> None:
    await shown.expect("◆ Live")
    await shown.press("D")
    await shown.expect("churn/3")
    await shown.press("enter")
    await shown.expect("Making churn/3 ready")


@pytest.mark.parametrize(
    ("answers", "wish"),
    [
        ({"share": "canary", "weight": "12.5"}, RouteWish(Cause.DEPLOY, 3, Share.CANARY, 125)),
        ({"share": "Shadow", "weight": "5"}, RouteWish(Cause.DEPLOY, 3, Share.SHADOW)),
        ({"share": "live"}, RouteWish(Cause.DEPLOY, 3, Share.LIVE)),
    ],
)
def test_what_is_typed_becomes_a_wish(answers: dict[str, str], wish: RouteWish) -> None:
    assert deploy_wish(answers, 3) == wish


@pytest.mark.parametrize("answers", [{}, {"share": "all"}, {"share": "canary"}, {"share": "canary", "weight": "x"}])
def test_what_is_no_share_is_refused(answers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        deploy_wish(answers, 3)
