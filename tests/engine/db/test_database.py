"""The one writer: durable, undone as a whole, and every failure a sentence with an exit code."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.core.access import Actor
from engine.core.errors import (
    Busy,
    QuarterdeckError,
    ReadOnlyMode,
    WorkspaceCorrupt,
    WorkspaceFull,
    WorkspaceReadOnly,
)
from engine.db.database import Database
from tests.builders import make_database

pytestmark = pytest.mark.disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.db.transaction import Transaction

ADA = Actor("ada")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    yield made
    made.close()


def emit(tx: Transaction, key: str) -> None:
    tx.emit(kind="run", change="created", key=key)


def keys(database: Database) -> list[str]:
    with database.snapshot() as snapshot:
        return [row[0] for row in snapshot.execute("SELECT key FROM event ORDER BY id")]


def test_a_transaction_is_kept_when_its_block_ends(database: Database) -> None:
    with database.transaction(ADA) as tx:
        emit(tx, "a")
    assert keys(database) == ["a"]


def test_a_transaction_is_undone_when_its_block_raises(database: Database) -> None:
    with pytest.raises(LookupError), database.transaction(ADA) as tx:
        emit(tx, "a")
        raise LookupError
    assert keys(database) == []
    with database.transaction(ADA) as tx:
        emit(tx, "b")
    assert keys(database) == ["b"]


def test_every_commit_is_durable(database: Database) -> None:
    with database.transaction(ADA) as tx:
        assert tx.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert tx.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_second_transaction_in_the_same_thread_is_a_mistake_that_is_told(database: Database) -> None:
    with database.transaction(ADA), pytest.raises(RuntimeError, match="already open"), database.transaction(ADA):
        pass


def test_threads_take_turns(database: Database) -> None:
    def write(name: str) -> None:
        for number in range(20):
            with database.transaction(ADA) as tx:
                emit(tx, f"{name}{number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys(database))) == 80


def test_a_snapshot_sees_one_instant(database: Database) -> None:
    with database.snapshot() as snapshot:
        before = snapshot.execute("SELECT count(*) FROM event").fetchone()[0]
        with database.transaction(ADA) as tx:
            emit(tx, "a")
        with database.snapshot() as inner:
            assert inner.execute("SELECT count(*) FROM event").fetchone()[0] == before
    assert keys(database) == ["a"]


def test_a_snapshot_cannot_write(database: Database) -> None:
    with pytest.raises(QuarterdeckError), database.snapshot() as snapshot:
        snapshot.execute("DELETE FROM event")


def test_readers_keep_as_much_as_they_are_told_those_there_and_those_to_come(database: Database) -> None:
    def kept() -> int:
        with database.snapshot() as snapshot:
            return -int(snapshot.execute("PRAGMA cache_size").fetchone()[0])

    before = kept()
    database.keep_read(before * 2)
    assert kept() == before * 2
    database.close()
    assert kept() == before * 2


def test_a_read_only_database_refuses_before_it_touches_the_file(tmp_path: Path) -> None:
    path = make_database(tmp_path).path
    before = path.read_bytes()
    database = Database(path, read_only=True)
    database.migrate()
    with pytest.raises(ReadOnlyMode), database.transaction(ADA):
        pass
    assert keys(database) == []
    database.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be read" * 20, b"SQLite format 3\0" * 80]
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(content)
    with pytest.raises(WorkspaceCorrupt, match=r"control\.db"):
        Database(path).migrate()
    assert path.read_bytes() == content


def test_a_full_disk_is_named_and_nothing_is_half_written(database: Database) -> None:
    with database.transaction(ADA) as tx:
        emit(tx, "before")
        pages = tx.execute("PRAGMA page_count").fetchone()[0]
        tx.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(WorkspaceFull, match="nothing was written"), database.transaction(ADA) as tx:
        for number in range(10_000):
            tx.execute("INSERT INTO event (time_ms, kind, change, key) VALUES (0, 'run', 'x', ?)", (f"{number:0200d}",))
    assert keys(database) == ["before"]


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceReadOnly, match="directory is not there"):
        Database(tmp_path / "gone" / "control.db").migrate()


def test_a_writer_that_never_lets_go_makes_others_busy_not_wrong(tmp_path: Path) -> None:
    path = make_database(tmp_path).path
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    impatient = Database(path, busy_timeout_ms=20)
    with pytest.raises(Busy, match="locked for too long") as caught, impatient.transaction(ADA):
        pass
    assert caught.value.exit_code == 3
    holder.execute("COMMIT")
    with impatient.transaction(ADA) as tx:
        emit(tx, "a")
    assert keys(impatient) == ["a"]
    impatient.close()
    holder.close()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    def schema() -> list[tuple[str, str]]:
        with database.snapshot() as snapshot:
            return snapshot.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()

    before = schema()
    database.migrate()
    assert schema() == before
