"""Rows that depend on each other count for less: a slow wave in production is no drift of a model."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from engine.drift.baseline_model import Stretch
from engine.drift.document import report_from
from engine.monitoring.model import Verdict
from tests.engine.monitoring.town import MINUTE_MS, Town


def waves(count: int, seed: int, *, shift: float = 0.0) -> list[dict[str, Any]]:
    """Rows of which each is nearly the one before, and a column of rows that are not."""
    random = Random(seed)
    level, rows = random.gauss(0, 1), []
    for _ in range(count):
        level = 0.98 * level + 0.2 * random.gauss(0, 1)
        rows.append({"slow": level + shift, "quick": random.gauss(0, 1)})
    return rows


def with_waves(town: Town) -> None:
    """A baseline of production whose rows depend on each other."""
    start_ms = town.clock.now_ms()
    town.asked(waves(4_000, 1), times=[start_ms + place for place in range(4_000)])
    town.clock.advance(MINUTE_MS)
    town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))


def test_a_baseline_of_production_knows_how_much_its_rows_depend_on_each_other(town: Town) -> None:
    with_waves(town)
    _, content = town.operator.drift.reference("churn", 1)
    assert content.inflations["slow"] > 10
    assert content.inflations.get("quick", 1.0) < 2


def test_slow_waves_seldom_alarm_and_a_step_of_independent_rows_does(town: Town) -> None:
    with_waves(town)
    town.watch(tests=["drift"])
    town.run()
    for seed in range(10, 30):
        town.minute(waves(400, seed))
    alarmed = [each for each in town.run() if each.verdict is Verdict.DRIFT]
    assert len(alarmed) <= 3  # of 20; taken for independent, nearly all of them would
    town.minute([row | {"quick": row["quick"] + 1} for row in waves(400, 20)])
    (moved,) = town.run()
    report = report_from(json.loads(json.dumps(moved.report)))
    assert "quick" in [each.name for each in report.drifted]
