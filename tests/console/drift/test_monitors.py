"""Monitors, windows and drift in the console: what was found, feature by feature, and the keys that act on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.driver import LARGE, SMALL, console
from tests.engine.monitoring.test_drifting import rows, watching
from tests.engine.monitoring.test_performing import World
from tests.engine.monitoring.town import Town


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A monitor that saw four quiet windows and two that moved; nothing here changes it."""
    made = Town(tmp_path_factory.mktemp("town"))
    watching(made, segments=["plan"], tests=["drift", "quality"])
    for seed, shift in enumerate((0.0, 0.0, 0.0, 0.0, 1.0, 1.0)):
        made.minute(rows(300, seed, shift=shift))
    made.run()
    yield made
    made.database.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.database.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_monitors_are_listed_with_their_last_verdict(seen: Town, size: tuple[int, int]) -> None:
    async with console(seen.operator, "monitors", size) as deck:
        await deck.expect_line("watch", "✗ drift", "endpoint churn")
        await deck.press("enter")
        await deck.expect("Windows", "tests", "drift, quality")


async def test_nothing_watched_says_how_to_begin(town: Town) -> None:
    async with console(town.operator, "monitors") as deck:
        await deck.expect("Nothing is watched.", "qd monitors create")
    async with console(town.operator, "drift") as deck:
        await deck.expect("Nothing is watched.")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_drift_shows_features_over_time_the_worst_first(seen: Town, size: tuple[int, int]) -> None:
    async with console(seen.operator, "drift", size) as deck:
        await deck.expect_line("churn/1", "✗ drift", "1 alert")
        lines = deck.lines()
        (age,) = [place for place, line in enumerate(lines) if line.lstrip().startswith("age ")]
        (income,) = [place for place, line in enumerate(lines) if line.lstrip().startswith("income ")]
        assert age < income
        assert "█" in lines[age] or "▇" in lines[age]
        await deck.press("enter")
        await deck.expect("monitor watch")


async def test_a_window_compares_feature_by_feature(seen: Town) -> None:
    async with console(seen.operator, "results watch", LARGE) as deck:
        await deck.expect_line("✗ drift", "churn/1")
        await deck.press("enter")
        await deck.expect("Features")
        await deck.expect_line("age", "✗ drift")
        await deck.expect_line("income", "✓ stable")
        await deck.press("enter")
        await deck.expect_line("reference", "▁")
        await deck.expect_line("current", "▁")
        await deck.expect_line("below", "%")
        await deck.press("enter")
        await deck.expect_gone("below")


async def test_a_window_of_performance_names_segments_the_worst_first(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"])
    world.learned()
    ids, chances, truths = world.asked[world.minute(600)]
    town.labelled(ids, [1 - each if chance < 0.5 else each for each, chance in zip(truths, chances, strict=True)])
    town.run()
    async with console(town.operator, "results watch", LARGE) as deck:
        await deck.expect_line("✗ drift", "churn/1")
        await deck.press("enter")
        await deck.expect("Segments", "Numbers")
        await deck.expect_line("side = left", "rows", "accuracy", "at first")
        lines = deck.lines()
        (left,) = [place for place, line in enumerate(lines) if line.lstrip().startswith("side = left")]
        assert lines[left + 1].lstrip().startswith("side = right")
        assert "no drift" in lines[left + 1]
    async with console(town.operator, "alert 1", LARGE) as deck:
        await deck.expect_line("side = left", "accuracy")
    async with console(town.operator, "monitor watch", LARGE) as deck:
        await deck.expect_line("side = left", "accuracy")


async def test_an_alert_opens_with_the_worst_feature_unfolded(seen: Town) -> None:
    async with console(seen.operator, "alert 1", LARGE) as deck:
        await deck.expect("Features", "Windows", "Next: ")
        await deck.expect_line("age", "✗ drift", "standard deviations")
        await deck.expect_line("reference", "▁")
        await deck.expect_line("plan = ", "rows")
        await deck.press("G")
        await deck.expect_line("opened", "bob")


async def test_pulse_names_what_is_watched(seen: Town) -> None:
    async with console(seen.operator, "pulse", LARGE) as deck:
        await deck.expect("Watched  1 monitor")
        await deck.expect_line("watch", "✗ drift", "endpoint churn")
        await deck.press("D")
        await deck.expect_line("churn/1", "✗ drift")


async def test_a_monitor_is_made_run_paused_resumed_and_deleted(town: Town) -> None:
    async with console(town.operator, "monitors") as deck:
        await deck.expect("Nothing is watched.")
        await deck.press("n")
        await deck.expect("target", "window")
        await deck.type("mine")
        await deck.press("tab")
        await deck.type("churn")
        await deck.press("enter", "enter", "enter")
        await deck.expect_line("mine", "○ not yet")
        await deck.press("r")
        await deck.expect("mine: nothing new to look at.")
        await deck.press("P")
        await deck.expect("reason")
        await deck.type("moving")
        await deck.press("enter")
        await deck.expect_line("mine", "■ paused", "moving")
        await deck.press("R")
        await deck.expect("mine looks again.")
        await deck.press("X")
        await deck.expect("CANNOT BE UNDONE")
        await deck.type("mine")
        await deck.press("enter", "y")
        await deck.expect("Nothing is watched.")
    assert town.monitors.page().items == ()


async def test_one_setting_is_changed_as_the_policy_would_say_it(town: Town) -> None:
    town.watch()
    async with console(town.operator, "monitor watch", LARGE) as deck:
        await deck.expect("endpoint churn")
        await deck.press("E")
        await deck.expect("setting")
        await deck.press("tab")
        await deck.type("5m")
        await deck.press("enter")
        await deck.expect("watch: window is 5m now.")
        await deck.expect_line("window", "5m")
    assert str(town.monitors.get("watch").settings.window) == "5m"


async def test_a_back_test_says_how_often_it_would_have_told_people(seen: Town) -> None:
    async with console(seen.operator, "monitor watch", LARGE) as deck:
        await deck.expect("Windows")
        await deck.press("b")
        await deck.expect("how far back")
        await deck.press("backspace", "backspace")
        await deck.type("10m")
        await deck.press("enter")
        await deck.expect("was tried on the past; :job 1 shows what it would have told")
    assert "watch" in seen.operator.jobs.log(1)
