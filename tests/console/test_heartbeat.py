"""What is asked once a second, where an answer takes longer than that."""

from __future__ import annotations

import threading

from console.heartbeat import Heartbeat
from console.serving import Beat, PlaneWatch
from engine.api import Engine
from tests.console.driver import console
from tests.console.world import World


class Slow(PlaneWatch):
    """Looks at data planes once it may."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.began, self.may = threading.Semaphore(0), threading.Event()
        self.looks = 0

    def look(self) -> Beat:
        """Look, and count."""
        self.looks += 1
        self.began.release()
        self.may.wait(30)
        return super().look()


async def test_an_answer_that_takes_longer_than_a_second_is_awaited_not_given_up(world: World) -> None:
    async with console(world.engine, "models") as deck:
        await deck.expect("No registered models yet")
        slow = Slow(world.engine)
        heartbeat = Heartbeat(deck.app, slow)
        heartbeat.beat()
        assert slow.began.acquire(timeout=30)
        heartbeat.beat()
        heartbeat.beat()
        slow.may.set()
        await deck.rest()
        assert slow.looks == 1
        heartbeat.beat()
        await deck.rest()
        assert slow.looks == 2
