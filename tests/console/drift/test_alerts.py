"""Alerts in the console: found, told, taken on, silenced and resolved with the keyboard."""

from __future__ import annotations

import pytest

from engine.alerts.model import AlertState, Level, Severity, Signal
from engine.alerts.raising import observe
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import HOSTILE, World

HOUR = 3_600_000


def found(world: World, key: str = "drift", **said: object) -> None:
    """One more bad window, as a monitor's process would store it."""
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(60_000)
    now_ms = world.clock.now_ms()
    facts: dict[str, object] = {
        "monitor": "loans",
        "model": "churn",
        "version": 1,
        "sentence": "car_value went up",
        "next_step": "Look at car_value.",
        "evidence": {"psi": 0.31},
    }
    window = {"window_start_ms": now_ms - HOUR, "window_end_ms": now_ms}
    other = world.as_("qd monitors")
    with other.database.transaction(Actor("qd monitors")) as tx:
        observe(tx, Signal(key=key, level=Level.BAD, **window, **facts | said))  # type: ignore[arg-type]  # of its own type


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_alerts_are_listed_the_worst_first(world: World, size: tuple[int, int]) -> None:
    found(world)
    found(world, "nulls", severity=Severity.CRITICAL, sentence="half of it is missing")
    async with console(world.engine, "alerts", size) as deck:
        await deck.expect_line("▲ critical", "● open", "churn/1")
        await deck.expect_line("△ warning", "● open", "churn/1")
        lines = deck.text()
        assert lines.index("critical") < lines.index("warning")


async def test_no_alerts_say_what_makes_some(world: World) -> None:
    async with console(world.engine, "alerts") as deck:
        await deck.expect("No monitor has found anything.", "qd monitors create")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_an_alert_shows_its_numbers_and_what_to_do(world: World, size: tuple[int, int]) -> None:
    found(world)
    async with console(world.engine, "alert 1", size) as deck:
        await deck.expect("car_value went up", "Next: Look at car_value.", "What happened")
        await deck.expect_line("psi", "0.31")
        await deck.expect_line("found by", "loans (drift) in 1 window")
        await deck.expect_line("opened", "qd monitors")


async def test_an_alert_that_comes_up_is_said_wherever_one_is(world: World) -> None:
    world.run("first")
    async with console(world.engine, "runs") as deck:
        await deck.expect("first")
        rung: list[bool] = []
        deck.app.bell = lambda: rung.append(True)  # type: ignore[method-assign]
        found(world)
        await deck.expect_line("warning churn/1: car_value went up", ":alert 1")
        assert rung == [True]


async def test_a_silenced_alert_disturbs_nobody(world: World) -> None:
    world.engine.alerts.silence(until_ms=world.clock.now_ms() + HOUR, reason="known", monitor="loans")
    async with console(world.engine, "alerts") as deck:
        await deck.expect("No monitor has found anything.")
        rung: list[bool] = []
        deck.app.bell = lambda: rung.append(True)  # type: ignore[method-assign]
        found(world)
        await deck.expect_line("◌ silenced", "churn/1")
        assert not rung


async def test_an_alert_is_taken_on_and_given_back(world: World) -> None:
    found(world)
    async with console(world.engine, "alerts") as deck:
        await deck.expect("● open")
        await deck.press("a")
        await deck.expect("what is being done")
        await deck.type("looking")
        await deck.press("enter", "enter")
        await deck.expect_line("◐ taken on", "churn/1")
        assert world.engine.alerts.get(1).owner == "ada"
        await deck.press("B")
        await deck.expect("reason")
        await deck.press("enter")
        await deck.expect_line("● open", "churn/1")


async def test_several_are_resolved_with_one_question_that_names_them(world: World) -> None:
    found(world)
    found(world, "nulls", sentence="half of it is missing")
    async with console(world.engine, "alerts") as deck:
        await deck.expect("● open")
        await deck.press("space", "down", "space", "x")
        await deck.expect("reason", "car_value went up", "half of it is missing")
        await deck.type("retrained")
        await deck.press("enter")
        await deck.expect("Resolve: 2 done")
        await deck.expect_line("✓ resolved")
    assert {each.state for each in world.engine.alerts.page().items} == {AlertState.RESOLVED}
    assert {each.resolution for each in world.engine.alerts.page().items} == {"retrained"}


async def test_an_alert_is_silenced_from_its_page_and_heard_again_from_the_list_of_silences(world: World) -> None:
    found(world)
    async with console(world.engine, "alert 1") as deck:
        await deck.expect("car_value went up")
        await deck.press("s")
        await deck.expect("how long")
        await deck.press("enter", "enter")
        await deck.type("known")
        await deck.press("enter")
        await deck.expect("◌ silenced", "Silence 1 holds for 2h")
        await deck.type(":silences")
        await deck.press("enter")
        await deck.expect_line("monitor loans, key drift", "known")
        await deck.press("x")
        await deck.expect("ended, ada")
    assert world.engine.alerts.get(1).silence is None


async def test_retraining_is_asked_for_from_an_alert(world: World) -> None:
    world.version()
    found(world)
    async with console(world.engine, "alert 1") as deck:
        await deck.expect("car_value went up")
        await deck.press("T")
        await deck.expect("reason")
        await deck.type("drifted")
        await deck.press("enter")
        await deck.expect("Retraining of churn is asked for")
    (entry,) = [each for each in world.engine.audit.page().items if each.verb == "ask retraining"]
    assert (entry.key, entry.reason, entry.actor) == ("churn", "drifted", "ada")


async def test_an_alert_leads_to_its_version(world: World) -> None:
    world.version()
    found(world)
    async with console(world.engine, "alert 1", LARGE) as deck:
        await deck.expect("car_value went up")
        await deck.press("v")
        await deck.expect("version churn/1", "digest")


async def test_an_alert_leads_to_the_run_that_made_its_version(world: World) -> None:
    world.version()
    found(world)
    async with console(world.engine, "alert 1", LARGE) as deck:
        await deck.expect("car_value went up")
        await deck.press("r")
        await deck.expect("alert 1 › run ")  # noqa: RUF001 the arrowhead between breadcrumbs


async def test_pulse_shows_what_nobody_has_resolved(world: World) -> None:
    world.version()
    found(world)
    async with console(world.engine, "pulse", LARGE) as deck:
        await deck.expect_line("churn/1", "△ warning", "● open", "car_value went up")
        found(world, "nulls", severity=Severity.CRITICAL, sentence="half of it is missing")
        await deck.expect_line("▲ critical", "half of it is missing")
        await deck.press("L")
        await deck.expect("pulse › alerts")  # noqa: RUF001 the arrowhead between breadcrumbs


async def test_a_viewer_is_told_why_nothing_can_be_done(world: World) -> None:
    found(world)
    async with console(world.as_("eve", Role.VIEWER), "alerts") as deck:
        await deck.expect("● open")
        await deck.press("x")
        await deck.expect("needs the role operator")


async def test_what_was_found_in_hostile_data_harms_nothing(world: World) -> None:
    found(world, sentence=HOSTILE, evidence={HOSTILE: HOSTILE}, monitor="loans", next_step=HOSTILE)
    async with console(world.engine, "alerts", LARGE) as deck:
        await deck.expect("● open")
        assert "\x1b" not in deck.text()
        await deck.press("enter")
        await deck.expect("What happened")
        assert "\x1b" not in deck.text()


@pytest.mark.parametrize("name", ["99", "x", "9" * 40, "9" * 5_000, "²"])
async def test_an_alert_that_is_not_there_is_named_as_such(world: World, name: str) -> None:
    async with console(world.engine, f"alert {name}") as deck:
        await deck.expect("There is no alert")


@pytest.mark.parametrize("command", ["result ²", "record ²"])
async def test_a_digit_that_is_no_number_names_nothing(world: World, command: str) -> None:
    async with console(world.engine, command) as deck:
        await deck.expect("There is no window ²" if command.startswith("result") else "A record is named by its number")
