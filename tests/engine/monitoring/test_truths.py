"""Labels are a feature of the comparison: of the baseline where it has them, else of the version's first ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engine.drift.document import report_from
from engine.drift.model import Decision, FeatureResult, Role
from engine.monitoring.model import Kind, MonitorResult
from tests.engine.monitoring.test_drifting import rows, watching, with_baseline
from tests.engine.monitoring.town import Town

if TYPE_CHECKING:
    from pathlib import Path

Draw = Callable[[Random], object]


def yes(chance: float) -> Draw:
    return lambda random: int(random.random() < chance)


def minute(town: Town, draw: Draw, seed: int, share: float = 1.0) -> list[str]:
    """Have a minute of the same world pass, with labels; returns the ids of its requests."""
    random = Random(seed)
    ids = town.minute(rows(400, seed))
    told = ids[: int(share * len(ids))]
    town.labelled(told, [draw(random) for _ in told])
    return ids


def labels_of(result: MonitorResult) -> list[FeatureResult]:
    report = report_from(json.loads(json.dumps(result.report)))
    return [each for each in report.features if each.role is Role.LABEL]


def drift(found: Sequence[MonitorResult]) -> MonitorResult:
    (one,) = [each for each in found if each.kind is Kind.DRIFT]
    return one


def test_labels_are_compared_with_the_first_ones_of_the_version(town: Town) -> None:
    watching(town)
    for seed in (10, 11):
        minute(town, yes(0.2), seed)
        assert labels_of(drift(town.run())) == []
    minute(town, yes(0.2), 12)
    (same,) = labels_of(drift(town.run()))
    assert (same.name, same.decision, same.n_cur) == ("label", Decision.STABLE, 400)
    minute(town, yes(0.6), 13)
    moved = drift(town.run())
    (label,) = labels_of(moved)
    assert (label.decision, label.n_ref) == (Decision.DRIFT, 800)
    assert "label" in moved.sentence
    assert moved.paged == ("opened",)


def test_labels_that_come_late_are_compared_when_they_come(town: Town) -> None:
    watching(town)
    for seed in (10, 11):
        minute(town, yes(0.2), seed)
        town.run()
    ids = minute(town, yes(0.2), 12, share=0.0)
    assert labels_of(drift(town.run())) == []
    town.labelled(ids, [1] * len(ids))
    minute(town, yes(0.2), 13, share=0.0)
    (label,) = labels_of(drift(town.run()))
    assert (label.decision, label.n_cur) == (Decision.DRIFT, 400)


def test_each_label_counts_once(town: Town) -> None:
    watching(town)
    for seed in (10, 11, 12):
        minute(town, yes(0.2), seed)
        town.run()
    minute(town, yes(0.2), 13, share=0.0)
    assert labels_of(drift(town.run())) == []


@pytest.mark.parametrize(
    ("written", "draw"),
    [
        ([0, 0, 0, 1], lambda random: random.random() < 0.25),
        (["no", "no", "no", "yes"], lambda random: "yes" if random.random() < 0.25 else "no"),
        (["False", "False", "False", "True"], lambda random: int(random.random() < 0.25)),
        ([0.5, 1.5, 2.5, 3.5], lambda random: random.choice([0.5, 1.5, 2.5, 3.5])),
    ],
)
def test_labels_of_the_baseline_are_what_labels_are_compared_with(
    town: Town, tmp_path: Path, written: Sequence[object], draw: Draw
) -> None:
    lines = [f"{row['age']},{row['plan']},{written[place % 4]}" for place, row in enumerate(rows(2_000, 1))]
    data = tmp_path / "data.csv"
    data.write_text("\n".join(["age,plan,outcome", *lines]) + "\n")
    town.operator.drift.baseline("churn", 1, [str(data)], labels=["outcome"])
    town.watch(tests=["drift"])
    minute(town, draw, 10)
    quiet = drift(town.run())
    (label,) = labels_of(quiet)
    assert (label.name, label.decision, label.n_cur, label.nulls_cur) == ("outcome", Decision.STABLE, 400, 0.0)
    minute(town, lambda _: written[3], 11)
    (label,) = labels_of(drift(town.run()))
    assert label.decision is Decision.DRIFT


def test_labels_that_are_numbers_are_compared_as_numbers(town: Town) -> None:
    watching(town)
    for seed, around in enumerate((50.0, 50.0, 50.0, 90.0)):
        minute(town, lambda random, around=around: round(random.gauss(around, 20)), seed)  # type: ignore[misc]
        town.run()
    found = [label for each in town.results(kind="drift") for label in labels_of(each)]
    assert [(each.kind, each.decision) for each in found] == [
        ("number", Decision.STABLE),
        ("number", Decision.DRIFT),
    ]


def test_without_labels_nothing_is_said_of_them(town: Town) -> None:
    with_baseline(town)
    town.watch(tests=["drift"])
    minute(town, yes(0.5), 10, share=0.02)
    assert labels_of(drift(town.run()[-1:])) == []


def test_a_column_of_labels_in_files_has_their_role(town: Town, tmp_path: Path) -> None:
    def write(name: str, chance: float, *, seed: int) -> None:
        random = Random(seed)
        lines = [f"{random.gauss(0, 1)},{int(random.random() < chance)}" for _ in range(1_000)]
        path = tmp_path / name
        path.write_text("\n".join(["x,label", *lines]) + "\n")

    write("reference.csv", 0.2, seed=1)
    write("day-1.csv", 0.2, seed=2)
    write("day-2.csv", 0.7, seed=3)
    (tmp_path / "day-3.csv").write_text("\n".join(["x", *(str(Random(each).gauss(0, 1)) for each in range(1_000))]))
    town.clock.advance(10**12)
    files = {"target": f"files {tmp_path}/day-*.csv", "against": f"files {tmp_path}/reference.csv"}
    town.monitors.create("watch", {**files, "tests": ["drift"]})
    found = [[(each.name, each.decision) for each in labels_of(result)] for result in town.run()]
    assert found == [[("label", Decision.STABLE)], [("label", Decision.DRIFT)], []]


def test_labels_nobody_thought_of_do_not_keep_the_rest_from_being_compared(town: Town) -> None:
    watching(town)
    odd: list[Any] = ["x" * 900, 1e300, -0.0, True, "\u202e", 2**70, "nan", "[1]"]
    for seed in range(4):
        minute(town, lambda random: random.choice(odd), seed)
        found = drift(town.run())
        assert found.report["features"]
