"""Windows are compared with their reference; pages keep to the budget."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from engine.alerts.model import AlertState
from engine.drift.baseline_model import Stretch
from engine.drift.document import report_from
from engine.monitoring.model import Kind, Verdict
from tests.engine.monitoring.town import MINUTE_MS, Town

PLANS = ("gold", "tin", "zinc")


def rows(count: int, seed: int, *, shift: float = 0.0, plans: tuple[str, ...] = PLANS) -> list[dict[str, Any]]:
    """Rows of one world, or of one that has moved."""
    random = Random(seed)
    return [
        {"age": random.gauss(40 + 10 * shift, 10), "income": random.lognormvariate(3, 1), "plan": random.choice(plans)}
        for _ in range(count)
    ]


def with_baseline(town: Town) -> None:
    """Make a baseline of what the endpoint was asked until now."""
    start_ms = town.clock.now_ms()
    town.asked(rows(2_000, 1), times=[start_ms + place for place in range(2_000)])
    town.clock.advance(MINUTE_MS)
    town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))


def watching(town: Town, **settings: Any) -> None:
    """Make a baseline, and a monitor that has looked at the window it was made of."""
    with_baseline(town)
    town.watch(**{"tests": ["drift"], **settings})
    town.run()


def alerts(town: Town) -> list[tuple[str, AlertState, int]]:
    """What was raised."""
    found = town.operator.alerts.page().items
    return [(each.key, each.state, each.windows) for each in found]


def test_without_a_baseline_it_waits_and_says_how_to_make_one(town: Town) -> None:
    town.watch(tests=["drift"])
    town.minute(rows(50, 1))
    (found,) = town.run()
    assert (found.kind, found.verdict) == (Kind.DRIFT, Verdict.WAITING)
    assert "qd drift baseline churn 1" in found.next_step
    assert alerts(town) == []


def test_a_quiet_world_pages_nobody_and_a_moved_one_does_with_evidence(town: Town) -> None:
    watching(town)
    for seed in range(10, 15):
        town.minute(rows(400, seed))
    quiet = town.run()
    assert {each.verdict for each in quiet} == {Verdict.OK}
    town.minute(rows(400, 20, shift=1.0))
    (moved,) = town.run()
    assert (moved.verdict, moved.paged) == (Verdict.DRIFT, ("opened",))
    assert "age" in moved.sentence
    (alert,) = town.operator.alerts.page().items
    assert (alert.model, alert.version, alert.endpoint) == ("churn", 1, "churn")
    assert [each["name"] for each in alert.evidence["features"]] == ["age"]  # type: ignore[attr-defined]  # JSON
    assert alert.next_step
    report = report_from(json.loads(json.dumps(moved.report)))
    assert report.drifted[0].name == "age"
    assert report.drifted[0].bins
    assert moved.report["paging"]


def test_good_windows_end_the_alert(town: Town) -> None:
    watching(town)
    for seed, shift in enumerate((1.0, 1.0, 0.0, 0.0)):
        town.minute(rows(400, seed, shift=shift))
    assert [each.paged for each in town.run()] == [("opened",), (), (), ("resolved",)]
    assert alerts(town) == [("drift", AlertState.RESOLVED, 2)]


def test_too_few_rows_are_no_verdict(town: Town) -> None:
    watching(town)
    town.minute(rows(8, 3))
    (found,) = town.run()
    assert found.verdict is Verdict.WAITING
    town.minute([])
    (empty,) = town.run()
    assert (empty.verdict, empty.rows) == (Verdict.WAITING, 0)


def test_a_fixed_threshold_is_there_by_name(town: Town) -> None:
    watching(town, method="psi", threshold=0.000001)
    town.minute(rows(400, 3))
    (found,) = town.run()
    assert (found.verdict, found.paged) == (Verdict.DRIFT, ("opened",))


def test_segments_show_where_it_happens(town: Town) -> None:
    watching(town, segments=["plan"])
    town.minute(rows(600, 3))
    moved = [row | {"age": row["age"] + 30} if row["plan"] == "zinc" else row for row in rows(600, 4)]
    town.minute(moved)
    first, second = town.run()
    assert [each["drifted"] for each in first.report["by_segment"]] == [[], [], []]  # type: ignore[attr-defined]  # JSON
    worst = second.report["by_segment"][0]  # type: ignore[index]  # JSON
    assert (worst["segment"], worst["drifted"]) == ("plan = zinc", ["age"])
    assert "plan = zinc" in second.sentence


def test_the_window_before_can_be_the_reference(town: Town) -> None:
    town.watch(tests=["drift"], reference="previous")
    for seed, shift in enumerate((0.0, 0.0, 1.5, 1.5)):
        town.minute(rows(500, seed, shift=shift))
    assert [each.verdict for each in town.run()] == [Verdict.WAITING, Verdict.OK, Verdict.DRIFT, Verdict.OK]


def test_a_season_ago_can_be_the_reference(town: Town) -> None:
    town.watch(tests=["drift"], reference="season", season="2m")
    for seed, shift in enumerate((0.0, 3.0, 0.0, 3.0, 3.0)):
        town.minute(rows(500, seed, shift=shift))
    found = town.run()
    assert [each.verdict for each in found] == [Verdict.WAITING] * 2 + [Verdict.OK, Verdict.OK, Verdict.DRIFT]


def test_answers_drift_too(town: Town) -> None:
    start_ms = town.clock.now_ms()
    random = Random(5)
    chances = [random.betavariate(2, 5) for _ in range(2_000)]
    times = [start_ms + place for place in range(2_000)]
    town.asked(rows(2_000, 1), times=times, answers=[int(each > 0.5) for each in chances], chances=chances)
    town.clock.advance(MINUTE_MS)
    town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))
    town.watch(tests=["drift"])
    town.run()
    later = [random.betavariate(5, 2) for _ in range(500)]
    town.minute(rows(500, 2), answers=[int(each > 0.5) for each in later], chances=later)
    (found,) = town.run()
    report = report_from(json.loads(json.dumps(found.report)))
    assert {each.name for each in report.drifted} == {"prediction", "prediction of 0", "prediction of 1"}


@pytest.mark.parametrize("column", ["age", "plan"])
def test_only_the_columns_asked_for_are_compared(town: Town, column: str) -> None:
    watching(town, columns=[column])
    town.minute(rows(500, 1, shift=2.0, plans=("gold",)))
    (found,) = town.run()
    report = report_from(json.loads(json.dumps(found.report)))
    assert [each.name for each in report.features] == [column]


def test_a_back_test_says_what_would_have_been_paged(town: Town) -> None:
    watching(town)
    since_ms = town.clock.now_ms()
    for seed, shift in enumerate((0.0, 0.0, 1.0, 0.0, 0.0, 0.0)):
        town.minute(rows(400, seed, shift=shift))
    test = town.monitors.backtest("watch", since_ms=since_ms)
    assert test.windows == 6
    assert [each.window.start_ms - since_ms for each in test.pages] == [2 * MINUTE_MS]
    assert len(town.results()) == 1
    assert alerts(town) == []
    assert [(each.window, each.verdict, each.paged, each.value) for each in town.run()] == [
        (each.window, each.verdict, each.paged, each.value) for each in test.results
    ]


def test_a_replay_finds_the_same_bit_by_bit(town: Town) -> None:
    watching(town, tests=["drift", "quality"], segments=["plan"])
    for seed, shift in enumerate((0.0, 0.5, 0.2, 0.0)):
        town.minute(rows(300, seed, shift=shift))
    first = town.monitors.backtest("watch")
    again = town.monitors.backtest("watch")
    assert json.dumps([dict(each.report) for each in first.results]) == json.dumps(
        [dict(each.report) for each in again.results]
    )
