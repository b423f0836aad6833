"""The screen of one endpoint: versions, tests of a rollout, shadows, data planes, generations."""

from __future__ import annotations

import pytest

from engine.endpoints.model import Share
from tests.console.driver import LARGE, SMALL, console
from tests.console.served import PLAN, Served

MINUTE_MS = 60_000


def _busy(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=125, reason="try it")
    served.engine.endpoints.deploy("churn", 3, share=Share.SHADOW, reason="look")
    served.acknowledge()
    for second in range(1, 20):
        served.answer(1, 90, slow=9, seconds_ago=second)
        served.answer(2, 10, errors=second % 2, seconds_ago=second)
        served.answer(3, 50, seconds_ago=second)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_each_version_stands_with_state_share_runtime_and_numbers(served: Served, size: tuple[int, int]) -> None:
    _busy(served)
    async with console(served.engine, "endpoint churn", size) as shown:
        await shown.expect_line("1", "◆ Live", "87.5 %", "linear", "0.52", "17.0")
        await shown.expect_line("2", "◇ Canary", "12.5 %", "linear")
        await shown.expect_line("3", "◌ Shadow", "copies")
        await shown.expect("████", "1 87.5 %", "2 12.5 %", "shadow 3", "generation 3, served by 1 of 1 data plane")


async def test_a_shadow_is_compared_with_the_live_version(served: Served) -> None:
    _busy(served)
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect_line("3", "90.00 %", "950", "0.01", "57")


async def test_latencies_of_live_and_canary_stand_over_one_axis(served: Served) -> None:
    _busy(served)
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect_line("1 live", "█", "1,710")
        await shown.expect_line("2 canary", "█", "190")
        assert " ms" in shown.text()


async def test_sparklines_move_while_traffic_is_reported(served: Served) -> None:
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect_line("1", "◆ Live", "▁▁▁▁")
        served.answer(1, 500)
        await shown.expect_line("1", "◆ Live", "▁█")


async def test_the_plan_of_a_rollout_shows_step_time_left_and_tests(served: Served) -> None:
    served.engine.rollouts.start("churn", 2, reason="better", plan=PLAN)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect_line("● running", "shadow 1m", "10% 10m", "100%", "waits for the data planes")
        served.acknowledge()
        analyst = served.engine.analyst
        analyst.tick()
        for _ in range(3):
            served.clock.advance(6_000)  # type: ignore[attr-defined]  # the clock of a test stands still
            served.answer(1, 600, seconds_ago=0)
            served.answer(2, 600, seconds_ago=0)
            analyst.tick()
        await shown.expect_line("● running", "left")
        await shown.expect_line("failed", "0.00", "+1", "%")
        await shown.expect("1,800 requests of this step, 50 needed; 1,800 compared with 1,800")


async def test_a_verdict_stands_with_its_numbers(served: Served) -> None:
    served.engine.rollouts.start("churn", 2, reason="better", plan=PLAN)
    served.acknowledge()
    analyst = served.engine.analyst
    analyst.tick()
    for _ in range(3):
        served.clock.advance(6_000)  # type: ignore[attr-defined]  # same
        served.answer(1, 600, seconds_ago=0)
        served.answer(2, 600, errors=300, seconds_ago=0)
        analyst.tick()
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect_line("✗ failed", "shadow 1m")
        await shown.expect("✗ FAIL", "50.0%")
        await shown.expect_line("2", "✗ RolledBack")


async def test_data_planes_say_what_they_serve_and_why_they_cannot(served: Served) -> None:
    served.start_plane("gate-2:9")
    served.engine.endpoints.deploy("churn", 2, reason="better")
    served.acknowledge("gate-2:9")
    served.acknowledge(problem="no memory is left")
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect_line("gate-1:4711", "✗ cannot", "1")
        await shown.expect_line("gate-2:9", "✓ serves", "2")
        await shown.expect("no memory is left", "served by 1 of 2 data planes")


async def test_generations_say_who_did_what_and_why(served: Served) -> None:
    served.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=50, reason="a closer look")
    async with console(served.engine, "endpoint churn", LARGE) as shown:
        await shown.expect_line("○ 2", "deploy", "1 95 % · 2 5 %", "ada", "a closer look")
        await shown.expect_line("● 1", "deploy", "1 100 %", "first")


async def test_an_unknown_endpoint_is_said_to_be_unknown(served: Served) -> None:
    async with console(served.engine, "endpoint nowhere") as shown:
        await shown.expect("nowhere")
        await shown.expect("There is no endpoint")


async def test_a_damaged_telemetry_database_is_said_and_what_is_routed_still_shows(served: Served) -> None:
    served.telemetry_database.close()
    served.workspace.telemetry_db.write_bytes(b"this is no database" * 300)
    for ending in ("-wal", "-shm"):
        served.workspace.telemetry_db.with_name(served.workspace.telemetry_db.name + ending).unlink(missing_ok=True)
    async with console(served.engine, "endpoint churn") as shown:
        await shown.expect("Traffic cannot be read", "1 100 %", "telemetry unreadable")


async def test_without_unicode_only_ascii_is_sent_by_the_bars(served: Served) -> None:
    from console.endpoints.histogram import histogram_lines

    lines = histogram_lines([("1 live", {40: 5, 60: 1}, "")], 60, unicode=False)
    assert all(text.isascii() for text, _ in lines[0].parts)
