"""Probing on a schedule: each endpoint in its own time, none held up by another, and old findings forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.probing import rounds
from engine.probing.asking import Asker
from engine.probing.model import DAY_MS, ExternalChange, HealthState, Protocol
from engine.probing.rounds import HOURS_KEPT_MS, PROBES_KEPT_MS, Rounds
from engine.probing.service import Probing
from tests.engine.endpoints.desk import Desk
from tests.engine.probing.fake import served
from tests.engine.supervision.programs import until


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


class Prober:
    """Rounds over a desk's workspace, by its clock."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.said: list[str] = []
        path = desk.workspace.telemetry_db
        self.telemetry = Database(path, clock=desk.clock, durability=Durability.RELAXED, schema=TELEMETRY)
        self.rounds = Rounds(desk.database, self.telemetry, desk.clock, Asker(desk.clock))

    def run(self, *steps: Callable[[], bool]) -> None:
        """Go on until each of the steps has come true, one after the other."""
        left = list(steps)

        async def rest(_seconds: float) -> bool:
            await asyncio.sleep(0.01)
            while left:
                if not await asyncio.to_thread(left[0]):
                    break
                left.pop(0)
            return not left

        async def bounded() -> None:
            async with asyncio.timeout(20):
                await self.rounds.run(rest, self.said.append)

        asyncio.run(bounded())


@pytest.fixture
def prober(desk: Desk) -> Iterator[Prober]:
    made = Prober(desk)
    yield made
    made.telemetry.close()


def probing(desk: Desk) -> Probing:
    return desk.engine().probing


def count(desk: Desk, name: str) -> int:
    return len(probing(desk).history(name, limit=1_000).items)


def test_each_is_asked_when_it_is_due_and_not_before(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        for name, interval_ms in (("often", 1_000), ("seldom", 60_000)):
            probing(desk).register(name, fake.url, protocol=Protocol.HTTP, interval_ms=interval_ms)

        def later() -> bool:
            desk.clock.advance(1_000)
            return True

        both = [lambda: count(desk, "often") == 1, lambda: count(desk, "seldom") == 1]
        prober.run(*both, later, lambda: count(desk, "often") == 2, later, lambda: count(desk, "often") == 3)
        assert count(desk, "seldom") == 1


def test_one_that_hangs_holds_up_no_other(desk: Desk, prober: Prober) -> None:
    with served({}) as hanging, served({"/": (200, b"", {})}) as fake:

        def hang(_handler: BaseHTTPRequestHandler) -> None:
            hanging.let_go.wait(30)

        hanging.act = hang
        for number in range(rounds.AT_ONCE - 1):
            url = f"{hanging.url}/{number}"
            probing(desk).register(f"a{number}", url, protocol=Protocol.HTTP, timeout_ms=60_000)
        probing(desk).register("well", fake.url, protocol=Protocol.HTTP)
        prober.run(lambda: count(desk, "well") == 1)
        assert count(desk, "a0") == 0


def test_one_that_is_changed_is_asked_at_once_and_one_that_is_gone_is_not(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        probing(desk).register("theirs", "http://127.0.0.1:9", protocol=Protocol.HTTP, interval_ms=60_000)

        def change() -> bool:
            desk.clock.advance(1)
            probing(desk).update("theirs", ExternalChange(url=fake.url))
            return True

        prober.run(
            lambda: probing(desk).health("theirs").state is HealthState.FAILING,
            change,
            lambda: probing(desk).history("theirs").items[0].ok,
        )
        asked = len(fake.asked)
        probing(desk).delete("theirs")
        desk.clock.advance(120_000)
        looked = iter(range(5))
        prober.run(lambda: next(looked) == 4)
        assert len(fake.asked) == asked


def test_a_restart_asks_nobody_before_their_time(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        probing(desk).register("theirs", fake.url, protocol=Protocol.HTTP, interval_ms=60_000)
        prober.run(lambda: count(desk, "theirs") == 1)
        looked = iter(range(5))
        Prober(desk).run(lambda: next(looked) == 4)
        assert count(desk, "theirs") == 1


def test_news_are_of_changes_of_health_only(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        probing(desk).register("theirs", fake.url, protocol=Protocol.HTTP, interval_ms=1_000)
        feed = desk.engine().feed()

        def later() -> bool:
            desk.clock.advance(1_000)
            return True

        prober.run(lambda: count(desk, "theirs") == 1, later, lambda: count(desk, "theirs") == 2)
        changes = feed.poll()
        assert changes is not None
        assert [(each.change, each.key) for each in changes.events] == [("health", "theirs")]
        feed.close()


def test_old_findings_are_forgotten_and_sums_are_kept_longer(desk: Desk, prober: Prober) -> None:
    service = probing(desk)
    service.register("theirs", "http://127.0.0.1:9", protocol=Protocol.HTTP, interval_ms=DAY_MS)
    service.probe_now("theirs")
    desk.clock.advance(PROBES_KEPT_MS + 1)
    service.probe_now("theirs")
    looked = iter(range(9))
    prober.run(lambda: next(looked) == 2)
    assert len(service.history("theirs").items) == 1
    assert len(service.hours("theirs")) == 2
    desk.clock.advance(HOURS_KEPT_MS - PROBES_KEPT_MS)
    prober.run(lambda: next(looked) == 5)
    assert len(service.hours("theirs")) < 3
    assert all(hour.start_ms >= desk.clock.now_ms() - HOURS_KEPT_MS for hour in service.hours("theirs"))


def test_findings_go_into_the_database_that_is_there_now(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        probing(desk).register("theirs", fake.url, protocol=Protocol.HTTP, interval_ms=1_000)

        def lose() -> bool:
            path = desk.workspace.telemetry_db
            for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                each.unlink(missing_ok=True)
            desk.clock.advance(1_000)
            return True

        prober.run(lambda: count(desk, "theirs") == 1, lose, lambda: count(desk, "theirs") == 1)
        assert len(fake.asked) == 2
        assert prober.said == []


def test_a_database_that_cannot_be_written_is_told_of_once_and_mended_by_itself(desk: Desk, prober: Prober) -> None:
    with served({"/": (200, b"", {})}) as fake:
        probing(desk).register("theirs", fake.url, protocol=Protocol.HTTP, interval_ms=1_000)
        path = desk.workspace.telemetry_db
        path.mkdir()

        def later() -> bool:
            desk.clock.advance(1_000)
            return True

        def mend() -> bool:
            path.rmdir()
            return later()

        looked = iter(range(5))
        prober.run(lambda: bool(prober.said), later, lambda: next(looked) == 4, mend, path.is_file)
        until(lambda: count(desk, "theirs") >= 1)
        assert len(prober.said) == 1
