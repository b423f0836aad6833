"""A group: many transactions, one durable commit, and each of them undone alone when it fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.core.access import Actor
from engine.core.errors import ReadOnlyMode, WorkspaceError
from engine.db.connection import Durability
from engine.db.database import Database
from tests.faults import Faults

pytestmark = pytest.mark.disk

ANNA = Actor("anna")
INSERT = "INSERT INTO experiment (name, created_ms, updated_ms) VALUES (?, 0, 0)"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Database]:
    with closing(Database(path, **options)) as database:
        database.migrate()
        yield database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "control.db") as found:
        yield found


def add(database: Database, name: str) -> None:
    with database.transaction(ANNA) as tx:
        tx.execute(INSERT, (name,))
        tx.emit(kind="experiment", change="created", key=name)


def names(database: Database) -> list[str]:
    with database.snapshot() as view:
        return [name for (name,) in view.execute("SELECT name FROM experiment ORDER BY id")]


def test_a_group_is_seen_by_others_as_one_commit(tmp_path: Path) -> None:
    statements: list[str] = []

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    with opened(tmp_path / "control.db", connect=traced) as database, opened(tmp_path / "control.db") as other:
        statements.clear()
        with database.group():
            for name in ("a", "b", "c"):
                add(database, name)
            assert names(other) == []
        assert names(other) == ["a", "b", "c"]
        assert statements.count("COMMIT") == 1


def test_a_transaction_that_raises_is_undone_alone(database: Database) -> None:
    feed = database.feed()
    with database.group():
        add(database, "kept")
        with pytest.raises(ZeroDivisionError), database.transaction(ANNA) as tx:
            tx.execute(INSERT, ("lost",))
            tx.emit(kind="experiment", change="created", key="lost")
            _ = 1 / 0
        add(database, "kept too")
    assert names(database) == ["kept", "kept too"]
    with closing(feed):
        news = feed.poll()
    assert news is not None
    assert {event.key for event in news.events} == {"kept", "kept too"}


def test_readings_inside_see_what_the_group_has_written(database: Database) -> None:
    with database.group():
        add(database, "new")
        assert names(database) == ["new"]


def test_a_group_that_raises_keeps_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.group():
        add(database, "lost")
        _ = 1 / 0
    assert names(database) == []
    add(database, "after")
    assert names(database) == ["after"]


def test_a_constraint_that_fails_leaves_the_group_whole(database: Database) -> None:
    with database.group():
        add(database, "one")
        with pytest.raises(sqlite3.IntegrityError):
            add(database, "one")
        add(database, "two")
    assert names(database) == ["one", "two"]


@pytest.mark.parametrize("statement", range(1, 12))
def test_a_failing_disk_keeps_all_or_nothing(tmp_path: Path, statement: int) -> None:
    faults = Faults()
    with opened(tmp_path / "control.db", connect=faults.connect) as database:
        add(database, "before")
        kept: list[str] = []
        faults.arm(statement, for_good=True)
        with pytest.raises(WorkspaceError), database.group():
            for name in ("a", "b"):
                add(database, name)
                kept.append(name)
            raise WorkspaceError("the group ends in any case")
        faults.disarm()
        assert names(database) == ["before"]


def test_a_transaction_after_the_whole_was_undone_is_refused(database: Database) -> None:
    def take_part() -> None:
        with database.transaction(ANNA) as tx:
            tx.execute("ROLLBACK")  # what SQLite does by itself when the disk is full

    with pytest.raises(WorkspaceError, match="no such savepoint"), database.group():
        add(database, "a")
        with pytest.raises(WorkspaceError, match="no such savepoint"):
            take_part()
        with pytest.raises(WorkspaceError, match="could not be kept"):
            add(database, "b")
    assert names(database) == []


def test_groups_do_not_nest(database: Database) -> None:
    with database.group(), pytest.raises(RuntimeError, match="already open"), database.group():
        pytest.fail("a group inside a group")


def test_a_read_only_database_takes_no_group_member(tmp_path: Path) -> None:
    with opened(tmp_path / "control.db"):
        pass
    with opened(tmp_path / "control.db", read_only=True) as database, pytest.raises(ReadOnlyMode):
        add(database, "a")


@pytest.mark.parametrize(("durability", "level"), [(Durability.FULL, 2), (Durability.RELAXED, 1)])
def test_durability_is_what_the_writer_waits_for(tmp_path: Path, durability: Durability, level: int) -> None:
    with opened(tmp_path / "control.db", durability=durability) as database, database.transaction(ANNA) as tx:
        assert tx.execute("PRAGMA synchronous").fetchone() == (level,)


def test_checkpoints_beside_the_writer_move_a_long_log(database: Database) -> None:
    log = database.path.with_name("control.db-wal")
    database.checkpoint(at_bytes=1 << 20)
    for number in range(40):
        add(database, f"{number}" + "x" * 60_000)
    assert log.stat().st_size > 1 << 20
    before = database.path.stat().st_size
    database.checkpoint(at_bytes=1 << 20)
    assert database.path.stat().st_size > before + (1 << 20)
    assert len(names(database)) == 40


def test_a_checkpoint_in_silence_gives_the_space_of_the_log_back(database: Database) -> None:
    log = database.path.with_name("control.db-wal")
    add(database, "x" * 60_000)
    with database.snapshot() as view:
        assert view.execute("SELECT count(*) FROM experiment").fetchone() == (1,)
        add(database, "y" * 60_000)
        database.checkpoint(1, empty=True)
        assert log.stat().st_size  # somebody still reads what stands in it
    database.checkpoint(1, empty=True)
    assert log.stat().st_size == 0
    assert len(names(database)) == 2


def learn(database: Database, key: str) -> dict[str, Any]:
    """Keep something in the memory of transactions; what was there before."""
    with database.transaction(ANNA) as tx:
        before = {name: dict(known) for name, known in tx.memory.items()}
        tx.memory.setdefault("keys", {})[key] = len(before)
    return before


def test_what_transactions_learn_outlives_them(database: Database) -> None:
    assert learn(database, "a") == {}
    with database.group():
        assert learn(database, "b") == {"keys": {"a": 0}}
    assert set(learn(database, "c")["keys"]) == {"a", "b"}


def test_what_transactions_have_learned_is_forgotten_when_something_is_undone(database: Database) -> None:
    learn(database, "a")
    with database.group():
        with pytest.raises(ZeroDivisionError), database.transaction(ANNA) as tx:
            raise ZeroDivisionError
        assert learn(database, "b") == {}
    with pytest.raises(ZeroDivisionError), database.group():
        learn(database, "c")
        raise ZeroDivisionError
    assert learn(database, "d") == {}
    with pytest.raises(ZeroDivisionError), database.transaction(ANNA) as tx:
        assert tx.memory
        raise ZeroDivisionError
    assert learn(database, "e") == {}


def test_what_transactions_have_learned_is_forgotten_when_another_process_may_have_written(tmp_path: Path) -> None:
    with opened(tmp_path / "control.db") as database, opened(tmp_path / "control.db") as other:
        learn(database, "a")
        add(other, "from elsewhere")
        assert learn(database, "b") == {}
        database.close()
        add(other, "again")
        assert learn(database, "c") == {}


def events(database: Database) -> list[str]:
    with database.snapshot() as view:
        return [key for (key,) in view.execute("SELECT key FROM event ORDER BY id")]


def test_a_group_tells_the_same_event_once(database: Database) -> None:
    def log(key: str) -> None:
        with database.transaction(ANNA) as tx:
            tx.emit(kind="run", change="logged", key=key)

    with database.group():
        for key in ("a", "a", "b", "a"):
            log(key)
    assert events(database) == ["a", "b"]
    with database.group():
        log("a")
    assert events(database) == ["a", "b", "a"]


def test_an_event_that_was_undone_is_told_by_the_next(database: Database) -> None:
    with database.group():
        for fails in (True, False):
            with suppress(ZeroDivisionError), database.transaction(ANNA) as tx:
                tx.emit(kind="run", change="logged", key="a")
                if fails:
                    raise ZeroDivisionError
    assert events(database) == ["a"]
