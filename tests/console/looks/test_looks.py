"""How screens look, cell by cell: a change of any of them is to be seen and wanted. `make looks` draws them anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from engine.core.clock import ManualClock
from engine.registry.model import Stage
from engine.tracking.model import RunStatus
from tests.console.driver import LARGE, SMALL, console
from tests.console.looks.picture import picture
from tests.console.world import GUARDED, HOSTILE, World

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


@dataclass(frozen=True)
class Look:
    """One screen in one state.

    Args:
        words: Where to begin, as after `:`.
        keys: What is pressed then.
        expect: What stands on the screen when it is as wanted.
    """

    words: str
    keys: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    type: str = ""


WIDE = f"{3:032}"
"""The third run."""

LOOKS = {
    "pulse": Look("pulse", expect=("Production", "Lately", "live")),
    "runs": Look("runs", expect=("7 runs", "live")),
    "runs-marked": Look("runs", ("space", "ampersand"), ("1 marked", "mean")),
    "runs-filtered": Look("runs", ("slash",), ("2 runs",), type="boost"),
    "runs-nothing-found": Look("runs /nothing-like-that", expect=("No run matches",)),
    "run": Look(f"run {WIDE}", expect=("auc", "wide")),
    "run-values": Look(f"run {WIDE}", ("2",), ("depth",)),
    "compare": Look("runs /boost", ("space", "j", "space", "x"), ("Parameters that differ",)),
    "models": Look("models", expect=("churn", "live")),
    "versions": Look("versions churn", expect=("Production", "Staging")),
    "version": Look("version churn/2", expect=("churn",)),
    "promotion": Look("promotion churn/2/production", expect=("Gates for Production",)),
    "approvals": Look("approvals", expect=("churn",)),
    "endpoints-none": Look("endpoints", expect=("No endpoints",)),
    "experiments": Look("experiments", expect=("churn",)),
    "lineage": Look("version churn/1", ("l",), ("car_loan",)),
    "audit": Look("audit", expect=("promote",)),
    "jobs-none": Look("jobs", expect=("No jobs yet",)),
    "help": Look("runs", ("question_mark",), ("In runs",)),
    "palette": Look("runs", ("ctrl+p",), ("Palette",)),
    "columns": Look("runs", ("ctrl+o",), ("Columns",)),
    "undo": Look("runs", ("z",), ("Changes back", "Cancel")),
    "past": Look("models @#3", expect=("PAST",)),
    "board": Look("board", expect=("live",)),
    "history": Look("history churn", expect=("live",)),
    "state": Look("state", expect=("live",)),
    "record": Look("record 3", expect=("live",)),
    "glossary": Look("glossary", expect=("live",)),
    "log": Look("log", expect=("live",)),
    "alerts-none": Look("alerts", expect=("live",)),
    "monitors-none": Look("monitors", expect=("live",)),
    "drift-none": Look("drift", expect=("live",)),
    "results-none": Look("results", expect=("live",)),
    "external-none": Look("external", expect=("live",)),
    "prompts-none": Look("prompts", expect=("live",)),
    "traces-none": Look("traces", expect=("live",)),
    "error": Look("run nope", expect=("nope",)),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A workspace in which every screen has something to show; nobody changes it."""
    clock = ManualClock()
    world = World(tmp_path_factory.mktemp("looks"), GUARDED, clock)
    for number in (1, 2):
        world.run(f"boost-{number}", auc=0.9 + number / 100, params={"depth": str(number), "lr": "0.1", "seed": "7"})
        clock.advance(60_000)
    world.run("wide")
    world.run(HOSTILE, status=RunStatus.FAILED)
    clock.advance(3_600_000)
    running = world.engine.runs.start("churn", "at-it", capture=False)
    running.log_batch([("auc", 0.9 - 0.2 / (1 + step), step, clock.now_ms() + step) for step in range(20)])
    world.promote(world.version())
    second = world.version(auc=0.95)
    clock.advance(5_000)
    world.engine.promotions.promote(second.model, second.version, to=Stage.STAGING, reason="to be looked at")
    world.engine.approvals.request(second.model, second.version, to=Stage.PRODUCTION, reason="better auc")
    yield world
    running.finish()
    world.close()


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])
@pytest.mark.parametrize("name", LOOKS)
async def test_a_screen_looks_as_it_did(
    filled: World, name: str, size: tuple[int, int], snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(filled.workspace.path.parent))
    look = LOOKS[name]
    async with console(filled.engine, look.words, size) as deck:
        await deck.expect(*(look.expect if not look.keys else ("live",)))
        await deck.press(*look.keys)
        await deck.type(look.type)
        await deck.expect(*look.expect)
        await deck.rest()
        assert picture(deck.strips()) == snapshot
