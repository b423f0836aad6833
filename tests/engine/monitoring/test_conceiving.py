"""Detectors hear each value once, in order, and go on bit for bit whoever looks next."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from engine.monitoring.model import Kind, MonitorResult, Verdict
from engine.policy.monitors import DETECTORS
from tests.engine.monitoring.town import Town


def minute(town: Town, random: Random, wrong: float, rows: int = 200, *, score: float = 0.7) -> None:
    """Have rows be asked whose answers are wrong that often, and say so at once."""
    chances = [min(1.0, max(0.0, random.gauss(score, 0.05))) for _ in range(rows)]
    ids = town.minute([{"x": each} for each in chances], answers=[1] * rows, chances=chances)
    town.labelled(ids, [int(random.random() >= wrong) for _ in range(rows)])


def looked(town: Town, random: Random, wrong: float, **options: Any) -> tuple[MonitorResult, ...]:
    """The same, and what the monitor finds then."""
    minute(town, random, wrong, **options)
    return town.run()


def streams(found: Any) -> dict[str, Any]:
    return {each["stream"]: each for each in found.report["streams"]}


@pytest.mark.parametrize("detector", DETECTORS)
def test_more_errors_are_detected_and_raised(town: Town, detector: str) -> None:
    random = Random(1)
    town.watch(tests=["concept"], streams=["errors"], detector=detector)
    quiet = [found for _ in range(5) for found in looked(town, random, 0.1)]
    alarms = sum(each.verdict is Verdict.DRIFT for each in quiet)
    assert alarms <= (detector == "ddm")  # which is known to cry wolf
    found = [found for _ in range(3) for found in looked(town, random, 0.9)]
    assert Verdict.DRIFT in {each.verdict for each in found}
    alert = town.operator.alerts.page().items[0]
    assert alert.key == "concept errors"
    assert "more errors" in alert.sentence


def test_fewer_errors_are_no_reason_to_wake_anybody(town: Town) -> None:
    random = Random(2)
    town.watch(tests=["concept"], streams=["errors"])
    found = [found for wrong in (0.6, 0.6, 0.6, 0.1, 0.1, 0.1) for found in looked(town, random, wrong)]
    assert any(streams(each)["errors"]["detections"] for each in found)
    assert {each.verdict for each in found} == {Verdict.OK}
    assert town.operator.alerts.page().items == ()


def test_scores_that_move_are_heard_without_labels(town: Town) -> None:
    random = Random(3)
    town.watch(tests=["concept"], streams=["scores", "latency"])
    for score in (0.7, 0.7, 0.7, 0.4, 0.4):
        minute(town, random, 0.1, score=score)
    found = town.run()
    assert [each.kind for each in found] == [Kind.CONCEPT] * 5
    assert any(streams(each)["scores"]["detections"] for each in found[3:])
    assert not any(streams(each)["latency"]["detections"] for each in found)


def test_values_are_heard_once_though_windows_overlap(town: Town) -> None:
    random = Random(4)
    town.watch(tests=["concept"], streams=["scores", "errors"], window="2m", step="1m")
    for _ in range(4):
        minute(town, random, 0.1, rows=60)
    found = town.run()
    assert sum(streams(each)["scores"]["values"] for each in found) == 240
    assert sum(streams(each)["errors"]["values"] for each in found) == 240


def test_labels_that_come_late_are_heard_when_they_come(town: Town) -> None:
    town.watch(tests=["concept"], streams=["errors"])
    ids = town.minute([{"x": 0.5}] * 50, answers=[1] * 50, chances=[0.5] * 50)
    assert streams(town.run()[0])["errors"]["values"] == 0
    town.labelled(ids, [1] * 50)
    town.minute([{"x": 0.5}])
    assert streams(town.run()[0])["errors"]["values"] == 50
    town.minute([{"x": 0.5}])
    assert streams(town.run()[0])["errors"]["values"] == 0


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_detector_goes_on_where_the_last_look_left_it(town: Town, detector: str) -> None:
    random = Random(5)
    town.watch("often", tests=["concept"], detector=detector, streams=["errors", "scores"])
    town.watch("once", tests=["concept"], detector=detector, streams=["errors", "scores"])
    for wrong in (0.2, 0.2, 0.3, 0.6, 0.6):
        minute(town, random, wrong, rows=130)
        town.run("often")  # another process would do: nothing is kept but what is stored
    town.run("once")
    often, once = ([streams(each) for each in town.results(monitor=name)] for name in ("often", "once"))
    assert [each["scores"] for each in often] == [each["scores"] for each in once]
    heard = [sum(each["errors"]["values"] for each in found) for found in (often, once)]
    assert heard == [650, 650]


def test_errors_of_numbers_are_measured_in_their_own_unit(town: Town) -> None:
    random = Random(6)
    town.watch(tests=["concept"], streams=["errors"], metric="mae")
    found: list[MonitorResult] = []
    for spread in (100.0, 100.0, 100.0, 900.0, 900.0):
        truths = [random.uniform(0, 1e5) for _ in range(200)]
        ids = town.minute([{"x": each} for each in truths], answers=[each + random.gauss(0, spread) for each in truths])
        town.labelled(ids, truths)
        found += town.run()
    assert [each.verdict for each in found][:3] == [Verdict.OK] * 3
    assert Verdict.DRIFT in {each.verdict for each in found[3:]}
