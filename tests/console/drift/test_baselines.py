"""Baselines in the console: made from a version's page, and compared with on request."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.driver import LARGE, console
from tests.engine.monitoring.test_drifting import rows, with_baseline
from tests.engine.monitoring.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.database.close()


def written(path: Path, shift: float = 0.0) -> Path:
    """A file of rows."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["age", "income", "plan"])
        writer.writeheader()
        writer.writerows(rows(600, 3, shift=shift))
    return path


async def test_a_baseline_is_made_from_a_file_and_shown(town: Town, tmp_path: Path) -> None:
    source = written(tmp_path / "train.csv")
    async with console(town.operator, "version churn/1", LARGE) as deck:
        await deck.expect("none; B makes one")
        await deck.press("B")
        await deck.expect("from", "reason")
        await deck.press("backspace", *["backspace"] * 8)
        await deck.type("files")
        await deck.press("tab", "backspace", "backspace")
        deck.send(*str(source))
        await deck.press("enter", "enter")
        await deck.expect("Baseline 1 of churn/1 is in force: 600 rows.")
    (made,) = town.operator.drift.baselines("churn", 1)
    assert (made.rows, made.features, made.created_by) == (600, 3, "bob")


async def test_files_are_compared_with_the_baseline_in_force(town: Town, tmp_path: Path) -> None:
    with_baseline(town)
    source = written(tmp_path / "now.csv", shift=1.0)
    async with console(town.operator, "version churn/1", LARGE) as deck:
        await deck.expect_line("1", "in force", "production", "2,000 rows")
        await deck.press("F")
        await deck.expect("files")
        deck.send(*str(source))
        await deck.press("enter")
        await deck.expect("1 of 3 features drifted", "standard deviations")
        await deck.expect_line("age", "✗ drift")
        await deck.press("escape")
        await deck.expect("version churn/1")


async def test_what_cannot_be_compared_is_said_and_nothing_is_lost(town: Town) -> None:
    async with console(town.operator, "version churn/1", LARGE) as deck:
        await deck.expect("none; B makes one")
        await deck.press("K")
        await deck.expect("how far back")
        await deck.press("enter")
        await deck.expect("churn/1 has no baseline.")
