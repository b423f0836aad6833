"""What stands beside endpoints: captured predictions, endpoints of others, processes, where a version serves."""

from __future__ import annotations

import json

from engine.endpoints.model import Share
from engine.probing.model import Protocol
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Origin
from engine.telemetry.spool import Spool
from tests.console.driver import LARGE, console
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
        await shown.expect("No jobs yet in this session.")
