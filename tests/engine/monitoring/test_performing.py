"""Performance is estimated before labels come and realised once they have; every number stays as it was known."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from engine.alerts.model import AlertState
from engine.monitoring.model import Basis, Kind, MonitorResult, PerformancePoint, Verdict
from tests.engine.monitoring.town import MINUTE_MS, Town

RARE = {"tests": ["performance"], "every": "1m"}


class World:
    """Binary outcomes whose probabilities a model knows, as long as the world stays as it was."""

    def __init__(self, town: Town, seed: int = 1, **settings: Any) -> None:
        self.town = town
        self.random = Random(seed)
        town.watch(**{**RARE, **settings})
        self.asked: list[tuple[list[str], list[float], list[int]]] = []

    def minute(self, rows: int = 300, *, flip: float = 0.0) -> int:
        """Have so many rows be asked; `flip` of the outcomes go the other way than the model thinks."""
        chances = [self.random.betavariate(0.7, 0.7) for _ in range(rows)]
        truths = [int(self.random.random() < each) for each in chances]
        truths = [1 - each if self.random.random() < flip else each for each in truths]
        inputs = [{"x": each, "side": "left" if each < 0.5 else "right"} for each in chances]
        ids = self.town.minute(inputs, answers=[int(each > 0.5) for each in chances], chances=chances)
        self.asked.append((ids, chances, truths))
        return len(self.asked) - 1

    def label(self, minute: int, share: slice = slice(None)) -> None:
        """Say what was true of some of a minute's rows."""
        ids, _, truths = self.asked[minute]
        self.town.labelled(ids[share], truths[share])

    def learned(self) -> None:
        """Let the standard be learned from three minutes."""
        for _ in range(3):
            self.label(self.minute())
            self.town.run()

    def auc(self, minute: int) -> float:
        _, chances, truths = self.asked[minute]
        return float(metrics.roc_auc_score(truths, chances))


def points(town: Town, basis: Basis, metric: str = "auc") -> list[PerformancePoint]:
    return [each for each in town.monitors.performance("watch", metric=metric) if each.basis is basis]


def realised(result: MonitorResult, metric: str = "auc") -> Any:
    return result.report["realised"][metric]["value"]  # type: ignore[index]  # JSON


def test_before_labels_come_performance_is_estimated_with_its_error(town: Town) -> None:
    world = World(town)
    world.minute(2_000)
    (found,) = town.run()
    (point,) = points(town, Basis.ESTIMATED)
    assert found.verdict is Verdict.WAITING  # there is nothing to hold it against
    assert point.value is not None
    assert point.error is not None
    assert abs(point.value - world.auc(0)) < 3 * point.error < 0.05
    assert points(town, Basis.REALISED) == []


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        ("auc", metrics.roc_auc_score),
        ("accuracy", lambda truths, chances: metrics.accuracy_score(truths, np.array(chances) > 0.5)),
        ("f1", lambda truths, chances: metrics.f1_score(truths, np.array(chances) > 0.5)),
        ("log_loss", metrics.log_loss),
        ("brier", metrics.brier_score_loss),
    ],
)
def test_realised_scores_are_those_of_scikit_learn(town: Town, metric: str, score: Any) -> None:
    world = World(town)
    world.label(world.minute(500))
    (found,) = town.run()
    _, chances, truths = world.asked[0]
    assert realised(found, metric) == pytest.approx(score(truths, chances), abs=1e-12)


def test_late_labels_revise_the_window_and_both_series_stay(town: Town) -> None:
    world = World(town)
    world.minute()
    town.run()
    world.label(0, slice(0, 100))
    town.clock.advance(1)
    (partly,) = town.run()
    world.label(0)
    town.clock.advance(1)
    (whole,) = town.run()
    assert [each.revision for each in town.results()] == [0, 1, 2]
    assert (partly.verdict, whole.report["labelled"]) == (Verdict.WAITING, 300)
    assert [(each.revision, each.rows) for each in points(town, Basis.REALISED)] == [(1, 100), (2, 300)]
    assert [each.revision for each in points(town, Basis.ESTIMATED)] == [0]
    assert realised(whole) == pytest.approx(world.auc(0))
    made = [each.made_ms for each in points(town, Basis.REALISED)]
    assert made == sorted(set(made))


def test_a_label_here_and_there_is_not_worth_another_look(town: Town) -> None:
    world = World(town)
    world.minute()
    world.label(0, slice(0, 200))
    town.run()
    world.label(0, slice(200, 210))
    assert town.run() == ()
    world.label(0, slice(210, 230))
    assert len(town.run()) == 1


def test_labels_that_came_before_their_request_are_joined_too(town: Town) -> None:
    world = World(town)
    ids = [f"r-{town._asked + 1 + place}" for place in range(100)]  # noqa: SLF001 ids that will be given
    town.labelled(ids, [0] * 100)
    world.minute(100)
    (found,) = town.run()
    assert found.report["labelled"] == 100


def test_a_window_waits_for_its_labels_as_long_as_it_is_told(town: Town) -> None:
    world = World(town, label_delay="5m")
    for _ in range(3):
        world.label(world.minute(), slice(0, 60))
        town.run()
    assert {each.verdict for each in town.results()} == {Verdict.WAITING}
    town.clock.advance(5 * MINUTE_MS)
    assert len(town.run()) >= 1


def test_a_model_that_gets_worse_pages_though_its_labels_come_late(town: Town) -> None:
    world = World(town, tolerance=0.01)
    world.learned()
    bad = world.minute(500, flip=0.4)
    town.run()
    assert town.operator.alerts.page().items == ()  # the probabilities look as ever
    world.label(bad)
    (found,) = town.run()
    assert (found.verdict, found.paged, found.revision) == (Verdict.DRIFT, ("opened",), 1)
    (alert,) = town.operator.alerts.page().items
    assert (alert.key, alert.state, alert.model, alert.version) == ("performance", AlertState.OPEN, "churn", 1)
    assert alert.evidence["metric"] == "auc"
    assert "churn/1" in alert.next_step


def test_a_model_that_stays_as_good_pages_nobody(town: Town) -> None:
    world = World(town, tolerance=0.0)
    world.learned()
    for _ in range(12):
        world.label(world.minute(200))
        town.run()
    assert town.operator.alerts.page().items == ()


def test_less_certain_answers_are_an_estimate_of_worse_performance(town: Town) -> None:
    world = World(town)
    world.learned()
    chances = [world.random.uniform(0.35, 0.65) for _ in range(800)]
    town.minute([{"x": each} for each in chances], answers=[int(each > 0.5) for each in chances], chances=chances)
    (found,) = town.run()
    assert (found.verdict, found.paged) == (Verdict.DRIFT, ("opened",))
    assert [each.key for each in town.operator.alerts.page().items] == ["performance estimate"]
    assert "estimated" in found.sentence


def test_a_bound_holds_whatever_the_standard_says(town: Town) -> None:
    world = World(town, metric="accuracy", least=0.99)
    world.label(world.minute())
    (found,) = town.run()
    assert (found.verdict, found.paged) == (Verdict.DRIFT, ("opened",))
    assert "0.99" in found.sentence


def segments(result: MonitorResult) -> dict[str, Any]:
    told: Sequence[Any] = result.report["by_segment"]  # type: ignore[assignment]  # JSON
    return {each["segment"]: each for each in told}


def test_segments_are_scored_the_worst_first(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"])
    world.label(world.minute(600))
    (found,) = town.run()
    told = list(segments(found).values())
    assert {each["segment"] for each in told} == {"side = left", "side = right"}
    assert told[0]["value"] <= told[1]["value"]
    assert told[0]["segment"] in found.sentence
    assert [(each["drifted"], each["basis"], each["reference"]) for each in told] == [([], "realised", None)] * 2


def test_before_labels_come_segments_are_estimated(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"])
    world.minute(600)
    (found,) = town.run()
    _, chances, _ = world.asked[0]
    left = [max(each, 1 - each) for each in chances if each < 0.5]
    told = segments(found)["side = left"]
    assert (told["basis"], told["realised"], told["rows"]) == ("estimated", None, len(left))
    assert told["value"] == pytest.approx(np.mean(left))


def test_a_segment_that_got_worse_is_named_in_what_pages(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"])
    world.learned()
    minute = world.minute(600)
    ids, chances, truths = world.asked[minute]
    truths = [1 - each if chance < 0.5 else each for each, chance in zip(truths, chances, strict=True)]
    town.labelled(ids, truths)
    (found,) = town.run()
    told = segments(found)
    assert [(name, each["drifted"]) for name, each in told.items()] == [
        ("side = left", ["accuracy"]),
        ("side = right", []),
    ]
    assert told["side = left"]["reference"]["value"] > 0.6 > told["side = left"]["value"]
    assert "Worst in side = left" in found.sentence
    (alert,) = town.operator.alerts.page().items
    assert "side = left" in alert.sentence


def test_no_segment_is_named_worse_while_the_world_stays(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"], tolerance=0.0)
    world.learned()
    for _ in range(8):
        world.label(world.minute(200))
        town.run()
    named = [each for found in town.results() for each in segments(found).values() if each["drifted"]]
    assert len(named) <= 1


def test_labels_that_come_late_count_towards_the_first_window_of_a_segment(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side"])
    world.minute(600)
    for share in (slice(0, 150), slice(150, 600)):
        world.label(0, share)
        town.run()
    world.label(world.minute(600))
    town.run()
    _, chances, truths = world.asked[0]
    right = [each for each, chance in zip(truths, chances, strict=True) if chance >= 0.5]
    first = segments(town.results()[-1])["side = right"]["reference"]
    assert (first["rows"], first["value"]) == (len(right), pytest.approx(np.mean(right)))


def test_a_segment_with_few_labels_is_not_scored_as_realised(town: Town) -> None:
    world = World(town, metric="accuracy", segments=["side", "absent"])
    world.label(world.minute(600), slice(0, 20))
    (found,) = town.run()
    assert {each["basis"] for each in segments(found).values()} == {"estimated"}


@pytest.mark.parametrize("spoken", ["bool", "text", "number", "float"])
def test_labels_mean_the_same_however_they_are_written(town: Town, spoken: str) -> None:
    said = {"bool": bool, "text": str, "number": int, "float": float}[spoken]
    world = World(town)
    world.minute()
    ids, _, truths = world.asked[0]
    town.labelled(ids, [said(each) for each in truths])
    (found,) = town.run()
    assert realised(found) == pytest.approx(world.auc(0))


def test_numbers_are_scored_and_estimated_once_their_errors_are_known(town: Town) -> None:
    town.watch(tests=["performance"], metric="mae")
    random = Random(3)

    def minute(noise: float) -> tuple[list[str], list[float], list[float]]:
        inputs = [{"x": random.uniform(0, 10), "noise": noise} for _ in range(300)]
        answers = [2.0 * row["x"] for row in inputs]
        truths = [
            each + random.gauss(0, 1 + row["noise"] * row["x"]) for each, row in zip(answers, inputs, strict=True)
        ]
        return town.minute(inputs, answers=answers), answers, truths

    for _ in range(2):
        ids, _, truths = minute(0.5)
        town.labelled(ids, truths)
        town.run()
    _, answers, truths = minute(0.5)
    (found,) = town.run()
    assert found.kind is Kind.PERFORMANCE
    point = points(town, Basis.ESTIMATED, "mae")[-1]
    expected = metrics.mean_absolute_error(truths, answers)
    assert point.value is not None
    assert abs(point.value - expected) < 0.2 * expected
    assert {each.metric for each in town.monitors.performance("watch")} == {"mae", "rmse"}


def test_what_cannot_be_scored_waits(town: Town) -> None:
    town.watch(tests=["performance"])
    town.minute([{"x": 1.0}] * 50)
    (found,) = town.run()
    assert (found.verdict, found.rows) == (Verdict.WAITING, 50)


def test_a_metric_that_does_not_fit_is_said(town: Town) -> None:
    world = World(town, metric="rmse")
    world.minute()
    (found,) = town.run()
    assert found.verdict is Verdict.WAITING
    assert "auc" in found.next_step


def test_a_back_test_sees_labels_only_once_they_came(town: Town) -> None:
    world = World(town)
    world.learned()
    bad = world.minute(500, flip=0.4)
    for _ in range(2):
        world.minute()
    world.label(bad)
    town.clock.advance(MINUTE_MS)
    test = town.monitors.backtest("watch")
    opened = [each for each in test.pages if "opened" in each.paged]
    assert len(opened) == 1
    assert opened[0].revision > 0
    assert opened[0].made_ms > opened[0].window.end_ms + MINUTE_MS


def test_labels_alone_do_not_have_drift_and_quality_look_again(town: Town) -> None:
    world = World(town, tests=["quality", "performance"])
    world.minute()
    town.run()
    world.label(0)
    assert [each.kind for each in town.run()] == [Kind.PERFORMANCE]
