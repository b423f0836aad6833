from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.live import REPAINT_SECONDS, Health, LiveFeed, Throttle, merge
from engine.core.errors import WorkspaceError
from engine.core.events import Changes, Event
from engine.registry.model import Stage
from tests.console.driver import console
from tests.console.world import World

if TYPE_CHECKING:
    from textual.message import Message


def test_a_throttle_passes_the_first_at_once_and_then_keeps_its_distance() -> None:
    now = [100.0]
    throttle = Throttle(0.25, lambda: now[0])
    assert throttle.wait() <= 0
    throttle.passed()
    assert throttle.wait() == pytest.approx(0.25)
    now[0] += 0.25
    assert throttle.wait() <= 0


_EVENTS = st.lists(
    st.tuples(st.sampled_from(["run", "model"]), st.sampled_from(["created", "changed"]), st.sampled_from("abc")),
    max_size=12,
)


def _changes(things: list[tuple[str, str, str]], start: int) -> Changes:
    events = [Event(start + place, 0, kind, change, key) for place, (kind, change, key) in enumerate(things)]
    latest = {(event.kind, event.change, event.key): event for event in events}
    return Changes(tuple(sorted(latest.values(), key=lambda event: event.id)))


@given(_EVENTS, _EVENTS)
def test_merging_two_looks_is_one_look_at_both(
    first: list[tuple[str, str, str]], second: list[tuple[str, str, str]]
) -> None:
    merged = merge(_changes(first, 1), _changes(second, 100))
    whole = {
        (event.kind, event.change, event.key) for event in (*_changes(first, 1).events, *_changes(second, 100).events)
    }
    assert {(event.kind, event.change, event.key) for event in merged.events} == whole
    assert [event.id for event in merged.events] == sorted(event.id for event in merged.events)


def test_what_was_missed_in_either_look_is_missed_in_both() -> None:
    assert merge(Changes((), missed=True), Changes(())).missed
    assert merge(None, Changes((), missed=True)).missed


class _Script:
    """A feed that does what it is told, one look at a time."""

    def __init__(self, looks: list[Changes | Exception | None]) -> None:
        self._looks = looks

    def poll(self) -> Changes | None:
        look = self._looks.pop(0) if self._looks else None
        if isinstance(look, Exception):
            raise look
        return look

    def close(self) -> None:
        pass


def _heard(connect: Callable[[], _Script], enough: Callable[[list[Message]], bool]) -> list[Message]:
    messages: list[Message] = []
    done = threading.Event()

    def post(message: Message) -> None:
        messages.append(message)
        if enough(messages):
            done.set()

    feed = LiveFeed(connect, post)
    feed.start()
    try:
        assert done.wait(10), f"only {messages} came"
    finally:
        feed.close()
    return messages


def test_changes_close_together_come_as_one_after_the_first() -> None:
    looks = [Changes((Event(number, 0, "run", "logged", str(number), number),)) for number in range(1, 4)]
    messages = _heard(lambda: _Script(list(looks)), lambda heard: len(heard) == 2)
    changes = [message.changes for message in messages if isinstance(message, LiveFeed.Changed)]
    assert [len(each.events) for each in changes] == [1, 2]
    assert REPAINT_SECONDS >= 0.25


def test_a_failing_feed_is_stale_and_recovers_with_everything_to_be_read_again() -> None:
    scripts = [_Script([WorkspaceError("The disk is gone.")]), _Script([])]
    messages = _heard(lambda: scripts.pop(0) if len(scripts) > 1 else scripts[0], lambda heard: len(heard) == 3)
    first, second, third = messages
    assert isinstance(first, LiveFeed.HealthChanged)
    assert (first.health, first.why) == (Health.STALE, "The disk is gone.")
    assert isinstance(second, LiveFeed.HealthChanged)
    assert second.health is Health.LIVE
    assert isinstance(third, LiveFeed.Changed)
    assert third.changes.missed


async def test_a_stale_screen_says_so_keeps_its_rows_and_changes_nothing(world: World) -> None:
    world.version()
    async with console(world.engine, "versions churn") as deck:
        await deck.expect("churn/1")
        deck.app.post_message(LiveFeed.HealthChanged(Health.STALE, 14, "The database is locked."))
        await deck.expect("● stale 14 s", "churn/1")
        await deck.press("A")
        await deck.expect("Alias is off for now")
        deck.app.post_message(LiveFeed.HealthChanged(Health.OFFLINE, 31, "The database is locked."))
        await deck.expect("✗ offline")
        deck.app.post_message(LiveFeed.HealthChanged(Health.LIVE))
        await deck.expect("● live", "The workspace answers again.")


async def test_what_another_process_commits_comes_to_the_screen(world: World) -> None:
    run = world.engine.runs.start("churn", "elsewhere", capture=False)
    program = (
        "import sys; from engine import api\n"
        "with api.open(sys.argv[1]) as engine:\n"
        "    engine.runs.log_batch(sys.argv[2], metrics=[('auc', 0.123, 1, 1)])\n"
        "    engine.models.create('fraud', 'from elsewhere')\n"
    )
    async with console(world.engine, "runs") as deck:
        await deck.expect("elsewhere")
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(world.workspace.path), run.id)
        assert await child.wait() == 0
        await deck.press("ctrl+r")
        await deck.expect_line("elsewhere", "0.123")
        await deck.press("colon")
        await deck.type("models")
        await deck.press("enter")
        await deck.expect_line("fraud", "0s")
    run.finish()


async def test_pulse_shows_a_live_run_move(world: World) -> None:
    run = world.engine.runs.start("churn", "training", capture=False)
    run.log_metric("auc", 0.5)
    async with console(world.engine) as deck:
        await deck.expect_line("training", "● running", "auc 0.5")
        run.log_metric("auc", 0.75, step=1)
        await deck.expect_line("training", "auc 0.75")
        run.finish()
        await deck.expect_line("✓ 1 finished")


async def test_the_charts_of_a_run_move(world: World) -> None:
    run = world.engine.runs.start("churn", "training", capture=False)
    run.log_metric("auc", 0.5)
    async with console(world.engine, f"run {run.id}") as deck:
        await deck.expect("auc", "0.5")
        run.log_metric("auc", 0.875, step=1)
        await deck.expect("0.875")
        run.log_metric("loss", 0.25, step=1)
        await deck.expect("chart 1 of 2")
        run.finish()
        await deck.expect("✓ finished")


async def test_an_inbox_that_was_empty_fills_by_itself(guarded: World) -> None:
    version = guarded.version()
    async with console(guarded.engine, "approvals") as deck:
        await deck.expect("Nothing waits for approval")
        guarded.as_("bob").approvals.request("churn", version.version, to=Stage.PRODUCTION, reason="please")
        await deck.expect_line("churn/1", "○ open", "bob", "please")


async def test_a_view_catches_up_when_it_is_shown_again(world: World) -> None:
    world.version()
    async with console(world.engine, "models") as deck:
        await deck.expect_line("churn", "1")
        await deck.press("enter")
        await deck.expect("versions churn")
        world.as_("bob").models.create("fraud")
        world.as_("bob").models.update("churn", owner="maria")
        await deck.expect_line("churn/1")
        await deck.press("escape")
        await deck.expect_line("churn", "maria")
        await deck.expect("fraud", "2 models")
