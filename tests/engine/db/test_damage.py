"""Damaged files, logs cut short, readers that stay for long, connections that broke: said plainly, nothing lost."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.access import Actor
from engine.core.errors import QuarterdeckError, WorkspaceCorrupt, WorkspaceError
from engine.db import connection
from engine.db.connection import WAL_LIMIT_BYTES
from engine.db.database import Database
from tests.builders import make_database, make_workspace
from tests.faults import Faults

ADA = Actor("ada")
pytestmark = [
    pytest.mark.disk,
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # newer Pythons warn of threads
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    yield made
    made.close()


def emit(database: Database, *keys: str) -> None:
    with database.transaction(ADA) as tx:
        for key in keys:
            tx.emit(kind="run", change="created", key=key)


def keys(database: Database) -> list[str]:
    with database.snapshot() as snapshot:
        return [row[0] for row in snapshot.execute("SELECT key FROM event ORDER BY id")]


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def left_by_a_killed_process(path: Path) -> None:
    """Fifty one-event transactions, all of them still in the log."""
    child = os.fork()
    if child == 0:
        database = Database(path)
        for number in range(50):
            emit(database, f"{number:03d}")
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def spoil(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(os.urandom(64))


@pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("damage", [cut, spoil])
def test_a_spoilt_log_loses_its_end_and_never_the_middle(
    tmp_path: Path, damage: Callable[[Path, int], None], place: float
) -> None:
    with closing(make_database(tmp_path)) as database:
        path = database.path
    left_by_a_killed_process(path)
    log = log_of(path)
    damage(log, int(log.stat().st_size * place))
    path.with_name(path.name + "-shm").unlink()
    with closing(Database(path)) as database:
        found = keys(database)
        assert found == [f"{number:03d}" for number in range(len(found))]
        emit(database, "next")
        assert keys(database) == [*found, "next"]
        with database.snapshot() as snapshot:
            assert snapshot.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_truncated_database_is_named_damaged_or_read_right(tmp_path: Path) -> None:
    with closing(make_database(tmp_path)) as database:
        emit(database, *(f"{number:0100d}" for number in range(5_000)))
        path = database.path
    content = path.read_bytes()
    for part in range(1, 20):
        path.write_bytes(content[: len(content) * part // 20])
        with closing(Database(path)) as database:
            with pytest.raises(WorkspaceCorrupt, match=r"control\.db is damaged"):
                keys(database)
            with pytest.raises(WorkspaceCorrupt), database.transaction(ADA) as tx:
                tx.execute("PRAGMA integrity_check").fetchall()
                tx.execute("SELECT sum(length(key)) FROM event").fetchone()
        path.with_name(path.name + "-wal").unlink(missing_ok=True)
        path.with_name(path.name + "-shm").unlink(missing_ok=True)


def test_a_damaged_page_is_named_when_it_is_read(tmp_path: Path) -> None:
    with closing(make_database(tmp_path)) as database:
        emit(database, *(f"{number:0100d}" for number in range(5_000)))
        with database.snapshot() as snapshot:
            root = snapshot.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'event'").fetchone()[0]
        path = database.path
    with path.open("r+b") as file:
        file.seek((root - 1) * connection.PAGE_SIZE)
        file.write(b"\xff" * connection.PAGE_SIZE)
    with closing(Database(path)) as database:
        database.migrate()
        with pytest.raises(WorkspaceCorrupt, match="qd db restore"):
            keys(database)
        with pytest.raises(WorkspaceCorrupt):
            emit(database, "next")


def test_the_log_shrinks_after_a_long_reader_has_gone(database: Database) -> None:
    big = "x" * 100_000
    log = log_of(database.path)

    def write(megabytes: int) -> None:
        for _ in range(megabytes):
            emit(database, *([big] * 10))

    with database.snapshot() as snapshot:
        assert snapshot.execute("SELECT count(*) FROM event").fetchone() == (0,)
        write(WAL_LIMIT_BYTES // 1_000_000 + 20)
        assert log.stat().st_size > WAL_LIMIT_BYTES
        assert snapshot.execute("SELECT count(*) FROM event").fetchone() == (0,)
    write(3)
    assert log.stat().st_size <= WAL_LIMIT_BYTES


def test_threads_that_come_and_go_leave_no_connection_behind(database: Database) -> None:
    emit(database, "a")
    keys(database)
    before = open_files()
    for _ in range(50):
        thread = threading.Thread(target=keys, args=(database,))
        thread.start()
        thread.join()
    assert open_files() <= before


def test_many_readings_at_once_do_not_disturb_each_other(database: Database) -> None:
    emit(database, "a")
    together = threading.Barrier(8)
    found: list[list[str]] = []

    def read() -> None:
        with database.snapshot() as snapshot:
            snapshot.execute("SELECT 1 FROM event").fetchone()
            together.wait(30)
            found.append(keys(database))

    threads = [threading.Thread(target=read) for _ in range(7)]
    for thread in threads:
        thread.start()
    while together.n_waiting < 7:
        threading.Event().wait(0.001)
    emit(database, "b")
    together.wait(30)
    for thread in threads:
        thread.join()
    assert found == [["a"]] * 7
    assert keys(database) == ["a", "b"]


@pytest.mark.parametrize("for_good", [False, True])
def test_a_connection_that_broke_is_not_used_again(tmp_path: Path, for_good: bool) -> None:
    faults = Faults()
    with closing(Database(make_workspace(tmp_path).control_db, connect=faults.connect)) as database:
        database.migrate()
        emit(database, "before")
        for number in range(1, 6):
            faults.arm(number, for_good=for_good)
            with pytest.raises(WorkspaceError):
                emit(database, "lost", "lost")
            faults.disarm()
        emit(database, "after")
        faults.arm(2, for_good=for_good)
        with pytest.raises(WorkspaceError):
            keys(database)
        faults.disarm()
        assert keys(database) == ["before", "after"]


def test_closing_while_others_read_lets_them_finish(database: Database) -> None:
    emit(database, "a")
    with database.snapshot() as snapshot:
        snapshot.execute("SELECT 1 FROM event").fetchone()
        database.close()
        assert snapshot.execute("SELECT key FROM event").fetchall() == [("a",)]
    assert keys(database) == ["a"]


def test_a_closed_database_can_be_used_again(database: Database) -> None:
    emit(database, "a")
    database.close()
    database.close()
    emit(database, "b")
    assert keys(database) == ["a", "b"]


def test_errors_that_are_nobodys_fault_pass_as_they_are(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.transaction(ADA) as tx:
        tx.execute("INSERT INTO workspace VALUES (1, 'x', 0)")
    emit(database, "a")
    assert keys(database) == ["a"]


def test_a_statement_that_is_wrong_is_an_error_of_ours(database: Database) -> None:
    with pytest.raises(QuarterdeckError), database.snapshot() as snapshot:
        snapshot.execute("SELECT nothing FROM nowhere")
