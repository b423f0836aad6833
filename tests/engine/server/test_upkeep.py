"""What goes on beside the answering of requests never ends it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import engine
from engine.core.clock import SystemClock
from engine.core.errors import WorkspaceReplaced
from engine.db.database import Database
from engine.processes.lock import ServerLock
from engine.server import upkeep
from engine.server.measures import Measures
from engine.server.upkeep import Upkeep, kept_going
from tests.builders import empty_workspace


def _unexpected(error: WorkspaceReplaced) -> None:
    raise AssertionError(error)


def _full(*arguments: Any, **options: Any) -> sqlite3.Connection:
    class Full(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            if "wal_checkpoint" in sql:
                failure = sqlite3.OperationalError("database or disk is full")
                failure.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise failure
            return super().execute(sql, parameters)

    return sqlite3.connect(*arguments, **options, factory=Full)


async def test_a_disk_too_full_for_the_log_to_be_moved_ends_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(upkeep, "CHECKPOINT_BYTES", 0)
    monkeypatch.setattr(upkeep, "TELL_S", 0.001)
    measures = Measures(clients=int, queue=int)
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        opened.experiments.ensure_default()
        faulty = Database(opened.database.path, clock=SystemClock(), connect=_full)
        monkeypatch.setattr(opened, "database", faulty)
        with ServerLock(opened.workspace).take() as lock:
            going = asyncio.ensure_future(Upkeep(opened, lock, measures, lost=_unexpected).run())
            done, _ = await asyncio.wait([going], timeout=0.3)
            assert not done
            going.cancel()
        faulty.close()


async def test_silence_after_many_requests_empties_the_log(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(upkeep, "CHECKPOINT_BYTES", 1)
    monkeypatch.setattr(upkeep, "TELL_S", 0.01)
    measures = Measures(clients=int, queue=int)
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        opened.experiments.create("x" * 200)
        log = opened.database.path.with_name("control.db-wal")
        assert log.stat().st_size
        with ServerLock(opened.workspace).take() as lock:
            going = asyncio.ensure_future(Upkeep(opened, lock, measures, lost=_unexpected).run())
            async with asyncio.timeout(30):
                while log.stat().st_size:  # noqa: ASYNC110 a file tells nobody that it has changed
                    await asyncio.sleep(0.01)
            going.cancel()


async def test_what_fails_unforeseen_is_told_and_begins_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(upkeep, "AGAIN_S", 0.0)
    measures = Measures(clients=int, queue=int)
    again = asyncio.Event()
    begun = 0

    async def fail() -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            again.set()
        raise OSError("gone\x1b[31m")

    going = asyncio.ensure_future(kept_going(fail, measures))
    await asyncio.wait_for(again.wait(), 30)
    going.cancel()
    told = measures.status(0).errors[-1]
    assert "fail: OSError: gone" in told
    assert "\x1b" not in told
