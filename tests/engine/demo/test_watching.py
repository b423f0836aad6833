"""The demo's world really drifts: its monitors find the change of the loans, and tell a season from a change."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from engine.demo.data import load_tasks, loans
from engine.demo.traffic import LOANS_FROM, questions
from engine.demo.watching import MONITORS, WEATHER, write_weather
from engine.monitoring.model import MonitorResult, Verdict
from engine.policy.monitors import checked_settings
from tests.engine.monitoring.town import MINUTE_MS, Town

CHANGE = 2_500
"""The first loan of the other world."""


def test_the_settings_of_its_monitors_are_valid() -> None:
    for settings in MONITORS.values():
        checked_settings(settings)


def test_loans_are_asked_in_the_order_they_were_given_with_their_truths() -> None:
    asked = [each for each in islice(questions(), 30) if each.endpoint == "car-loan"]
    assert [each.truth for each in asked] == [truth for _, truth in loans()[LOANS_FROM : LOANS_FROM + 10]]
    assert all(each.truth is None for each in islice(questions(), 30) if each.endpoint != "car-loan")


def test_its_loans_raise_a_real_alert_within_a_minute_of_traffic(town: Town, tmp_path: Path) -> None:
    task = next(each for each in load_tasks() if each.name == "car-loan")
    reference = tmp_path / "training.csv"
    task.train.to_csv(reference, index=False)
    town.operator.drift.baseline("churn", 1, [str(reference)])
    settings = {**MONITORS["car-loan"], "target": "endpoint churn", "tests": ["drift", "quality"], "segments": []}
    town.monitors.create("loans", settings)
    rows = [row for row, _ in loans()[2_200:3_000]]
    second_ms, found = 1_000, list[MonitorResult]()
    for place in range(0, len(rows), 13):  # a third of the demo's forty questions a second
        town.asked(rows[place : place + 13])
        town.clock.advance(second_ms)
        found += town.monitors.run("loans")
    opened = [each for each in found if "opened" in each.paged]
    assert len(opened) == 1
    assert opened[0].window.end_ms - found[0].window.start_ms < MINUTE_MS
    assert "car_value" in opened[0].sentence
    quiet = [each for each in found if each.window.last <= CHANGE - 2_200]
    assert {each.verdict for each in quiet} == {Verdict.OK}


def test_a_threshold_that_knows_no_season_alarms_always_and_the_other_explains(town: Town) -> None:
    write_weather(town.workspace.path / WEATHER)
    verdicts = {}
    for name in ("weather-naive", "weather-by-season"):
        town.monitors.create(name, MONITORS[name])
        town.clock.advance(10**12)  # beyond the files' times
        verdicts[name] = town.monitors.run(name)
    naive, calm = verdicts.values()
    assert [each.verdict for each in naive] == [Verdict.DRIFT] * 4
    assert [each.verdict for each in calm][1:] == [Verdict.WAITING] * 3  # the winter of 2015 really was a warm one
    assert all("that is the season" in each.sentence for each in calm[1:])
