"""Sections of a run in a narrow column: what was measured can be read, whatever its name takes."""

from __future__ import annotations

import pytest

from console.runs.sections import value_lines
from console.text import measure, plain
from tests.console.world import World

LONG = "system/network_receive_megabytes_of_the_second_card"


@pytest.mark.parametrize("width", [30, 44, 120])
def test_names_give_way_to_values(world: World, width: int) -> None:
    with world.engine.runs.start("churn") as run:
        run.log_metrics({LONG: 0.12345, "auc": 0.98765})
    lines = value_lines(world.engine.runs.get(run.id), width)
    text = [plain(line.parts) for line in lines]
    assert any("0.12345" in line for line in text)
    assert text[1].split() == ["auc", "0.98765"]
    assert max(measure(line.parts) for line in lines) <= width
