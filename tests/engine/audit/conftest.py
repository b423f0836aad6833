from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.audit.service import AuditLog, record
from engine.core.access import Actor
from engine.core.clock import ManualClock
from engine.db.database import Database
from tests.builders import put_database

Fill = Callable[[int], None]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_760_000_000_000)


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Iterator[Database]:
    put_database(tmp_path / "control.db")
    database = Database(tmp_path / "control.db", clock=clock)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def log(database: Database, clock: ManualClock) -> AuditLog:
    return AuditLog(database, clock)


@pytest.fixture
def fill(database: Database, clock: ManualClock) -> Fill:
    """Writes a number of varied records, one second apart."""

    def write(count: int) -> None:
        for number in range(count):
            with database.transaction(Actor(("ann", "bob")[number % 2], origin="local", via="cli")) as tx:
                record(
                    tx,
                    verb=("register", "promote", "tag")[number % 3],
                    kind="version",
                    key=f"churn/{number % 4 + 1}",
                    before=None if number % 5 == 0 else {"stage": "Staging", "score": number / 7},
                    after=None if number % 7 == 3 else {"stage": "Production", "score": number},
                    reason="because" if number % 2 else "",
                )
            clock.advance(1_000)

    return write
