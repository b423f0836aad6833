"""Names that attack the terminal, the markup and the reader, on every screen and dialog."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from engine.registry.model import Stage
from engine.tracking.model import DatasetInput
from tests.bench.pty.session import PtySession
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import HOSTILE, SIGNATURE, World

LONG = HOSTILE + "x" * 10_000 + "e" + "\u0301" * 500


def _attack(world: World) -> str:
    """A workspace in which every text that can be hostile is; returns the run's id."""
    engine = world.engine
    run = engine.runs.start(HOSTILE, LONG[:500], params={HOSTILE: LONG[:5_000]}, capture=False)
    run.log_batch([(HOSTILE, value, step, step) for step, value in enumerate((0.5, float("nan"), float("inf"), 0.7))])
    run.log_metric("auc", 0.9, step=1)
    run.set_tag(HOSTILE, LONG[:5_000])
    run.note(LONG)
    run.log_dataset(DatasetInput(HOSTILE, HOSTILE, schema=HOSTILE, rows=3, context=HOSTILE))
    run.log_bytes(HOSTILE.encode(), "model/model.txt")
    run.finish()
    engine.models.register(
        "churn", run_id=run.id, signature=SIGNATURE, flavor="sk", owner=HOSTILE[:100], description=LONG[:3_000]
    )
    engine.models.set_version_tag("churn", 1, HOSTILE, HOSTILE)
    engine.models.update("churn", description=HOSTILE, owner=HOSTILE[:100])
    engine.approvals.request("churn", 1, to=Stage.PRODUCTION, reason=HOSTILE)
    engine.promotions.promote("churn", 1, to=Stage.STAGING, reason=HOSTILE)
    return run.id


def _is_harmless(deck: Console) -> bool:
    return all(character.isprintable() for line in deck.lines() for character in line)


SCREENS = (
    ("pulse", ()),
    ("runs", ("y",)),
    ("runs", ("question_mark",)),
    ("runs", ("n",)),
    ("runs", ("ctrl+o",)),
    ("runs", ("c",)),
    ("run {run}", ("2", "3", "down", "enter")),
    ("run {run}", ("4",)),
    ("compare {run},{other}", ("down", "b")),
    ("experiments", ("N",)),
    ("models", ("e",)),
    ("models", ("y",)),
    ("versions", ("y",)),
    ("board", ()),
    ("version churn/1", ("G",)),
    ("promotion churn/1/production", ("a",)),
    ("promotion churn/1/staging", ("G",)),
    ("history churn", ()),
    ("state", ()),
    ("lineage {run}", ()),
    ("approvals", ("a",)),
    ("audit", ("d",)),
    ("record 3", ()),
    ("runs", ("ctrl+p",)),
)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(("words", "keys"), SCREENS)
async def test_hostile_names_come_through_harmless(
    guarded: World, words: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    run, other = _attack(guarded), guarded.run("tame")
    async with console(guarded.engine, words.format(run=run, other=other), size) as deck:
        await deck.until(lambda: deck.app.view is not None and len(deck.text().split()) > 20, "the screen")
        assert _is_harmless(deck)
        for key in keys:
            await deck.press(key)
            await deck.pilot.pause()
            assert _is_harmless(deck)


async def test_hostile_typing_and_pasting_do_no_harm(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        for opener in ("slash", "colon"):
            await deck.press(opener)
            for character in "[/nope]":
                await deck.press(*([] if not character.isalnum() else [character]))
            deck.app.screen.focused.insert(HOSTILE, 0)  # type: ignore[union-attr]  # what a paste does
            await deck.pilot.pause()
            assert _is_harmless(deck)
            await deck.press("enter")
            assert _is_harmless(deck)
            await deck.press("escape", "escape")


def test_a_hostile_model_name_is_refused_by_the_engine(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.engine.models.create(HOSTILE)


@pytest.mark.slow
def test_no_hostile_byte_reaches_a_real_terminal(guarded: World) -> None:
    run = _attack(guarded)
    guarded.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(guarded.workspace.path), "console", "runs"]
    with PtySession(argv, columns=100, rows=30, environ={"PYTHONPATH": str(Path.cwd())}) as session:
        session.until_text("1 run")
        for keys, shown in (("y", "run_id"), ("\x1b", "1 run"), ("\r", "charts"), ("2", "Parameters"), ("4", "Data")):
            session.send(keys)
            session.until_text(shown)
        session.send(f":lineage {run}\r")
        session.until_text("Came from")
        session.send("q")
        assert session.wait() == 0
        output = session.output
    for attack in (b"\x1b]0;", b"owned\x07", b"\xc2\x9b", b"\x1b[31mred", "\u202e".encode()):
        assert attack not in output
