"""A database that goes away, is replaced or locked while somebody looks: it is said, what was read stays, it mends."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import api
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World

PARTS = ("control.db", "control.db-wal", "control.db-shm")


def _away(workspace: Path) -> Callable[[], None]:
    """Take the database away; gives what brings it back."""
    moved = [name for name in PARTS if (workspace / name).exists()]
    for name in moved:
        (workspace / name).rename(workspace / f"away-{name}")

    def back() -> None:
        for name in reversed(moved):
            (workspace / f"away-{name}").rename(workspace / name)

    return back


@pytest.fixture
def busy(world: World) -> World:
    for name in ("first", "second"):
        with world.engine.runs.start("churn", name=name) as run:
            run.log_metric("auc", 0.9)
    return world


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_database_that_is_gone_is_said_and_what_was_read_stays(busy: World, size: tuple[int, int]) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs", size=size) as deck:
            await deck.expect("second", "live")
            back = _away(busy.workspace.path)
            await deck.expect("stale", "The workspace database")
            await deck.expect("second")
            await _nothing_changes(deck)
            await deck.type(":models")
            await deck.press("enter")
            await deck.expect("models", "The workspace database")
            back()
            await deck.expect("live", "No registered models yet")
            await deck.press("left_square_bracket")
            await deck.expect("second")


async def _nothing_changes(deck: Console) -> None:
    await deck.press("D")
    await deck.expect("is off until the workspace answers again")


async def test_a_copy_in_its_place_is_read_from_then_on(busy: World) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            with sqlite3.connect(busy.workspace.path / "control.db") as now:
                copy = sqlite3.connect(busy.workspace.path / "copy.db")
                now.backup(copy)
                copy.execute("UPDATE run SET name = 'restored' WHERE name = 'second'")
                copy.commit()
                copy.close()
            os.replace(busy.workspace.path / "copy.db", busy.workspace.path / "control.db")  # noqa: PTH105 over it
            for name in PARTS[1:]:
                (busy.workspace.path / name).unlink(missing_ok=True)
            await deck.expect("restored", "live")


async def test_a_change_that_waits_says_so_and_happens(busy: World) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            other = sqlite3.connect(busy.workspace.path / "control.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            await deck.press("D")
            await deck.expect("Waiting for the workspace")
            other.execute("ROLLBACK")
            other.close()
            await deck.expect("Deleted")
