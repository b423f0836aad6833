"""Monitors are declared by command or in the policy file, look at windows in order, and say what they found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.alerts.model import AlertState
from engine.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PolicyInvalid,
    QuarterdeckError,
    ReadOnlyMode,
)
from engine.monitoring.model import ResultQuery, Source, Verdict
from engine.policy.monitors import written_settings
from tests.engine.monitoring.town import MINUTE_MS, Town

ROWS = [{"age": 40 + place % 7, "plan": ("gold", "tin")[place % 2]} for place in range(50)]
OF_FILE = """
[monitors.nightly]
target = "endpoint churn"
window = "1h"
raise = "2 of 3"
"""


def test_a_monitor_is_kept_as_it_was_made(town: Town) -> None:
    made = town.monitors.create("m", {"target": "endpoint churn", "window": "500 rows", "budget": "2 per 7d"})
    assert town.monitors.get("m") == made
    assert written_settings(made.settings)["step"] == "500 rows"
    assert made.source is Source.COMMAND
    assert made.enabled
    assert [each.name for each in town.monitors.page().items] == ["m"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "target"),
        ({"target": "endpont churn"}, "target"),
        ({"target": "churn@staging"}, "target"),
        ({"target": "endpoint churn", "window": "0s"}, "window"),
        ({"target": "endpoint churn", "window": "10 rows", "step": "1m"}, "step"),
        ({"target": "endpoint churn", "window": "1m", "step": "2m"}, "step"),
        ({"target": "endpoint churn", "raise": "3 of 2"}, "raise"),
        ({"target": "endpoint churn", "tests": []}, "tests"),
        ({"target": "endpoint churn", "tests": ["vibes"]}, "tests"),
        ({"target": "endpoint churn", "budget": "none"}, "budget"),
        ({"target": "endpoint churn", "widow": "1m"}, "widow"),
        ({"target": "endpoint churn", "clear": 0}, "clear"),
        ({"target": "endpoint churn", "against": "churn"}, "against"),
    ],
)
def test_wrong_settings_are_refused_by_their_name(town: Town, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        town.monitors.create("m", settings)
    assert town.monitors.page().items == ()


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 64, "\x1b[31m", "ä"])
def test_a_name_that_cannot_be_one_is_refused(town: Town, name: str) -> None:
    with pytest.raises(InvalidInput):
        town.watch(name)


def test_a_name_is_given_once(town: Town) -> None:
    town.watch()
    with pytest.raises(AlreadyExists):
        town.watch()


def test_a_change_keeps_what_it_does_not_name(town: Town) -> None:
    town.watch(severity="critical", window="2m")
    changed = town.monitors.change("watch", {"window": "5m"})
    assert (str(changed.settings.window), str(changed.settings.step)) == ("5m", "5m")
    assert changed.settings.severity == "critical"
    assert town.monitors.get("watch") == changed


def test_a_monitor_of_the_file_is_listed_and_changed_there_alone(town: Town) -> None:
    town.set_policy(OF_FILE)
    found = town.monitors.get("nightly")
    assert (found.source, found.settings.raise_k, found.settings.raise_m) == (Source.FILE, 2, 3)
    for call, arguments in (
        (town.monitors.change, ("nightly", {"window": "2h"})),
        (town.monitors.delete, ("nightly",)),
        (town.monitors.create, ("nightly", {"target": "endpoint churn"})),
    ):
        with pytest.raises(Conflict, match=r"quarterdeck\.toml"):
            call(*arguments)
    town.monitors.pause("nightly", reason="month end")
    assert town.monitors.get("nightly").paused == "month end"
    town.set_policy("")
    assert town.monitors.page().items == ()


def test_a_paused_monitor_is_not_due_and_catches_up(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    assert [each.name for each in town.monitors.due()] == ["watch"]
    town.monitors.pause("watch", reason="migration")
    assert town.monitors.due() == ()
    with pytest.raises(Conflict):
        town.monitors.pause("watch", reason="again")
    for _ in range(2):
        town.minute(ROWS)
    town.monitors.resume("watch")
    assert len(town.run()) == 3
    with pytest.raises(Conflict):
        town.monitors.resume("watch")


def test_every_change_is_audited_with_who_and_why(town: Town) -> None:
    town.watch()
    town.monitors.change("watch", {"severity": "critical"})
    town.monitors.pause("watch", reason="migration")
    town.monitors.resume("watch", reason="done")
    town.monitors.delete("watch")
    entries = [each for each in town.engine().audit.page().items if each.kind == "monitor"]
    assert [each.verb for each in entries] == ["delete", "resume", "pause", "change", "create"]
    assert {each.actor for each in entries} == {"bob"}
    assert entries[2].reason == "migration"


@pytest.mark.parametrize("operation", ["create", "change", "delete", "pause", "resume", "run"])
def test_only_operators_change_monitors(town: Town, operation: str) -> None:
    town.watch()
    visitor = town.engine("zoe").monitors
    refused: dict[str, Callable[[], object]] = {
        "create": lambda: visitor.create("other", {"target": "endpoint churn"}),
        "change": lambda: visitor.change("watch", {"severity": "info"}),
        "delete": lambda: visitor.delete("watch"),
        "pause": lambda: visitor.pause("watch", reason="x"),
        "resume": lambda: visitor.resume("watch"),
        "run": lambda: visitor.run("watch"),
    }
    with pytest.raises(PermissionDenied):
        refused[operation]()
    with pytest.raises(ReadOnlyMode):
        town.engine("bob", read_only=True).monitors.run("watch")


@pytest.mark.parametrize("operation", ["get", "run", "pause", "delete", "backtest", "performance"])
def test_what_is_not_there_is_said(town: Town, operation: str) -> None:
    service = town.monitors
    asked: dict[str, Callable[[], object]] = {
        "get": lambda: service.get("ghost"),
        "run": lambda: service.run("ghost"),
        "pause": lambda: service.pause("ghost", reason="x"),
        "delete": lambda: service.delete("ghost"),
        "backtest": lambda: service.backtest("ghost"),
        "performance": lambda: service.performance("ghost"),
    }
    with pytest.raises(NotFound, match="ghost"):
        asked[operation]()


def test_a_window_is_looked_at_once_when_it_is_over(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    first = town.run()
    assert [(each.window.end_ms, each.rows, each.verdict) for each in first] == [(town.clock.now_ms(), 50, Verdict.OK)]
    assert town.run() == ()
    town.asked(ROWS)
    assert town.run() == ()  # it is not over
    town.clock.advance(MINUTE_MS)
    assert [each.rows for each in town.run()] == [50]
    assert town.results() == [*first, *town.results()[1:]]


def test_windows_wait_for_late_rows_as_long_as_they_are_told(town: Town) -> None:
    town.minute(ROWS)
    town.watch(lateness="30s")
    assert town.run() == ()
    town.clock.advance(30_000)
    assert len(town.run()) == 1


def test_rows_that_come_after_all_have_the_window_looked_at_again(town: Town) -> None:
    start_ms = town.clock.now_ms()
    town.minute(ROWS)
    town.watch()
    town.run()
    town.asked(ROWS[:10], times=[start_ms + 1] * 10)
    again = town.run()
    assert [(each.revision, each.rows, each.window.start_ms) for each in again] == [(1, 60, start_ms)]
    assert [each.rows for each in town.results()] == [50, 60]
    assert [each.rows for each in town.results(latest=True)] == [60]


def test_windows_of_rows_are_cut_where_they_are_full(town: Town) -> None:
    town.watch(window="40 rows", step="20 rows")
    town.asked(ROWS)
    town.run()
    town.clock.advance(1_000)
    town.asked(ROWS)
    town.clock.advance(1_000)
    found = [*town.results(), *town.run()]
    assert [(each.rows, each.window.first) for each in found] == [(40, 1), (40, 21), (40, 41), (40, 61)]
    ends = [each.window.end_ms for each in found]
    assert ends == sorted(set(ends))


def test_a_dry_run_keeps_nothing(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    dry = town.monitors.run("watch", dry=True)
    assert town.results() == []
    kept = town.run()
    assert [(each.window, each.verdict, each.report) for each in dry] == [
        (each.window, each.verdict, each.report) for each in kept
    ]


def test_another_window_begins_anew_and_keeps_what_was_found(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    town.run()
    town.minute(ROWS)
    town.monitors.change("watch", {"window": "30s"})
    assert [each.rows for each in town.run()] == [25]
    assert len(town.results()) == 2


def test_versions_are_told_apart(town: Town) -> None:
    town.watch()
    now_ms = town.clock.now_ms()
    town.asked(ROWS[:20], times=[now_ms] * 20, version=2, share="canary")
    town.asked(ROWS[:5], times=[now_ms] * 5, version=2, share="shadow")
    town.minute(ROWS)
    assert sorted((each.subject.key, each.subject.share, each.rows) for each in town.run()) == [
        ("churn/1", "live", 50),
        ("churn/2", "canary", 20),
    ]


def test_a_stage_is_watched_wherever_its_version_answers(town: Town) -> None:
    town.promote(1)
    town.monitors.create(
        "stage", {"target": "churn@production", "window": "1m", "lateness": "0s", "tests": ["quality"]}
    )
    town.minute(ROWS)
    assert [(each.subject.key, each.rows) for each in town.run("stage")] == [("churn/1", 50)]


def test_a_target_that_is_gone_is_a_problem_not_an_end(town: Town) -> None:
    town.minute(ROWS)
    town.monitors.create("lost", {"target": "endpoint nowhere"})
    assert town.run("lost") == ()
    assert "nowhere" in town.monitors.get("lost").problem


def test_results_are_listed_in_pages(town: Town) -> None:
    town.watch()
    for _ in range(5):
        town.minute(ROWS)
    town.run()
    first = town.monitors.results(ResultQuery(limit=3))
    rest = town.monitors.results(ResultQuery(limit=3, page_token=first.next_page_token))
    ids = [each.id for each in (*first.items, *rest.items)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == len(town.results())
    assert town.monitors.result(ids[0]) == first.items[0]
    (bare,) = town.monitors.results(ResultQuery(limit=1, reports=False)).items
    assert bare == replace(first.items[0], report={})
    for wrong in (ResultQuery(limit=0), ResultQuery(page_token="zzz")):  # noqa: S106 a place in a list
        with pytest.raises(QuarterdeckError):
            town.monitors.results(wrong)


def test_deleting_a_monitor_ends_its_alerts(town: Town) -> None:
    town.watch()
    for _ in range(4):
        town.minute(ROWS)
    town.minute([])
    town.run()
    active = "state != 'resolved'"
    assert len(town.operator.alerts.page(active).items) == 1
    town.monitors.delete("watch")
    assert town.operator.alerts.page(active).items == ()
    assert town.results() == []


def alarming(town: Town, name: str) -> None:
    """Have the monitor of that name have an open alert: its endpoint falls silent."""
    for _ in range(4):
        town.minute(ROWS)
        town.run(name)
    town.minute([])
    assert any("opened" in each.paged for each in town.run(name))


def test_alerts_of_a_monitor_that_is_declared_no_more_end(town: Town) -> None:
    declared = '[monitors.nightly]\ntarget = "endpoint churn"\nwindow = "1m"\nlateness = "0s"\ntests = ["quality"]\n'
    town.set_policy(declared)
    alarming(town, "nightly")
    assert town.monitors.end_undeclared() == ()
    town.set_policy("")
    (change,) = town.monitors.end_undeclared()
    (alert,) = town.operator.alerts.page().items
    assert (alert.state, alert.resolution) == (AlertState.RESOLVED, "Its monitor is declared no more.")
    assert (change.alert, change.sentence) == (alert.id, alert.resolution)
    assert town.monitors.end_undeclared() == ()
    town.set_policy(declared)
    assert [each.monitor for each in town.results()] == ["nightly"] * 5
    town.minute(ROWS)
    assert len(town.run("nightly")) == 1


def test_alerts_of_monitors_made_by_command_stay(town: Town) -> None:
    town.watch()
    alarming(town, "watch")
    town.set_policy("")
    assert town.monitors.end_undeclared() == ()
    assert town.operator.alerts.page().items[0].state is AlertState.OPEN


def test_while_the_policy_is_wrong_no_alert_ends(town: Town) -> None:
    town.set_policy(
        '[monitors.nightly]\ntarget = "endpoint churn"\nwindow = "1m"\ntests = ["quality"]\nlateness = "0s"'
    )
    alarming(town, "nightly")
    town.set_policy("[monitors.nightly\n")
    with pytest.raises(PolicyInvalid):
        town.monitors.end_undeclared()
    town.set_policy("")
    assert len(town.monitors.end_undeclared()) == 1
