"""What stands beside endpoints: captured predictions, endpoints of others, processes, where a version serves."""

from __future__ import annotations

import json

import pytest

from engine.endpoints.model import Share
from engine.probing.keeping import keep
from engine.probing.model import Probe, Protocol
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Origin
from engine.telemetry.spool import Spool
from tests.console.driver import LARGE, SMALL, console
from tests.console.served import GATE, Served

DEAD = "http://127.0.0.1:9"
"""Nobody listens there."""


def _capture(served: Served, *statuses: int) -> None:
    endpoint = served.engine.endpoints.get("churn")
    origin = Origin(endpoint.row_id, endpoint.deployments[0].id, 1, "live", "churn", 1, ("age", "income"))
    spool = Spool(served.workspace.spool, GATE)
    for number, status in enumerate(statuses):
        rows, outputs = json.dumps([[41, 1200.5]]).encode(), json.dumps({"predict": [1]}).encode()
        now_ms = served.clock.now_ms()
        spool.put_prediction(CapturedPrediction(origin, f"r-{number}", now_ms, 930, status, rows, outputs))
    spool.close()
    intake = Intake(served.telemetry_database, served.workspace.spool)
    while intake.run():
        pass


async def test_captured_predictions_are_listed_filtered_and_opened(served: Served) -> None:
    _capture(served, 200, 200, 503)
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect("Failed requests", "503")
        await shown.expect_line("sent 3", "stored 3", "dropped 0")
        await shown.press("l")
        await shown.expect("3 captured predictions")
        await shown.expect_line("200", "churn/1", "live", "0.93", "age=41 income=1200")
        await shown.type("/status=503")
        await shown.press("enter")
        await shown.expect("1 captured prediction")
        await shown.press("enter")
        await shown.expect('"request_id": "r-2"', '"labels"')


async def test_without_captured_predictions_it_says_how_to_get_them(served: Served) -> None:
    async with console(served.engine, "predictions churn") as shown:
        await shown.expect("Nothing was captured")


async def test_an_endpoint_of_others_is_registered_probed_and_forgotten(served: Served) -> None:
    async with console(served.engine, "external", LARGE) as shown:
        await shown.expect("Nobody else's endpoints are registered.")
        await shown.press("n")
        await shown.expect("Register a URL")
        await shown.type("theirs")
        await shown.press("tab")
        await shown.type(DEAD)
        await shown.press("tab", "tab", "enter")
        await shown.expect_line("theirs", "? unknown", "v2", DEAD)
        await shown.press("r")
        await shown.expect_line("theirs", "✗ failing")
        await shown.press("enter")
        await shown.expect("What was wrong", "somebody else serves it")
        await shown.press("X")
        await shown.expect("theirs is not probed any more; its history goes.")
        await shown.type("gone")
        await shown.press("tab")
        await shown.type("theirs")
        await shown.press("enter", "y")
        await shown.expect("theirs is not probed any more.")
    assert served.engine.probing.page().items == ()


def _they_answered(served: Served, latency_us: int = 12_400, *, ok: bool = True) -> None:
    """Tell of a probe of `theirs`, whose certificate holds for 40 days."""
    found = served.engine.probing.register("theirs", "https://models.example/v2", model="fraud")
    ends_ms = served.clock.now_ms() + 40 * 86_400_000
    problem = "" if ok else "It answered 500."
    probe = Probe(served.clock.now_ms(), ok, 200 if ok else 500, latency_us, problem, ends_ms)
    keep(served.telemetry_database, served.engine.access.actor, found.row_id, probe)


async def test_endpoints_of_others_stand_beside_ours_in_one_list(served: Served) -> None:
    _they_answered(served)
    async with console(served.engine, "endpoints", LARGE) as shown:
        await shown.expect_line("churn", "own", "✓ healthy")
        await shown.expect_line("theirs", "external", "✓ healthy", "fraud", "12.4", "https://models.", "tls 40d")
        await shown.type("/kind=external")
        await shown.press("enter")
        await shown.expect("1 endpoint")
        await shown.press("enter")
        await shown.expect("somebody else serves it", "certificate  40d 00h")


async def test_on_a_small_screen_kind_health_and_latency_of_others_are_there(served: Served) -> None:
    _they_answered(served, ok=False)
    async with console(served.engine, "endpoints", SMALL) as shown:
        await shown.expect_line("theirs", "✗ failing", "ext", "12.4")


@pytest.mark.parametrize("key", ["t", "z", "Z", "p", "D", "S", "X", "K", "b", "E", "l"])
async def test_nothing_of_others_can_be_changed_from_our_list(served: Served, key: str) -> None:
    served.engine.probing.register("another", DEAD)
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("another", "? unknown", "ext")
        await shown.press(key)
        await shown.expect("Somebody else serves it: it is only looked at from here.")


async def test_one_that_is_registered_meanwhile_appears_and_one_that_is_forgotten_goes(served: Served) -> None:
    async with console(served.engine, "endpoints") as shown:
        await shown.expect_line("churn", "✓ healthy")
        served.engine.probing.register("theirs", DEAD)
        await shown.expect_line("theirs", "? unknown")
        served.engine.probing.delete("theirs", reason="gone")
        await shown.expect_gone("theirs")


async def test_the_first_screen_has_tiles_for_those_of_others(served: Served) -> None:
    _they_answered(served, ok=False)
    async with console(served.engine, "pulse", LARGE) as shown:
        await shown.expect_line("churn", "✓ healthy")
        await shown.expect_line("theirs", "✗ failing", "external", "12.4 ms", "tls 40d", "It answered 500.")


async def test_how_an_endpoint_of_others_is_probed_is_edited(served: Served) -> None:
    served.engine.probing.register("theirs", DEAD, protocol=Protocol.HTTP)
    async with console(served.engine, "external", LARGE) as shown:
        await shown.expect("theirs")
        await shown.press("E", "tab", "tab")
        for _ in "30s":
            await shown.press("backspace")
        await shown.type("1m")
        await shown.press("tab", "tab", "enter")
        await shown.expect("theirs edited")
    assert served.engine.probing.get("theirs").endpoint.interval_ms == 60_000


async def test_a_version_says_where_it_serves(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=50, reason="try")
    served.acknowledge()
    async with console(served.engine, "version churn/2") as shown:
        await shown.expect("Serves")
        await shown.expect_line("churn", "◇ Canary", "5 %")


async def test_the_state_of_a_moment_says_what_was_routed(served: Served) -> None:
    async with console(served.engine, "state") as shown:
        await shown.expect_line("churn", "generation 1", "deploy by ada", "first")


async def test_without_qd_up_its_page_says_what_it_is_for(served: Served) -> None:
    async with console(served.engine, "processes") as shown:
        await shown.expect("Nothing keeps processes of this workspace running.", "qd up")


async def test_without_jobs_their_page_says_so(served: Served) -> None:
    async with console(served.engine, "jobs") as shown:
        await shown.expect("No jobs yet.")
