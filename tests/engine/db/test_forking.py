"""Forked processes: neither the parent nor the child loses or spoils anything, whoever closes first."""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

import engine
from engine.core.access import Actor
from engine.core.errors import WorkspaceError
from engine.db import forking
from engine.db.database import Database
from engine.tracking.model import RunStatus
from tests.builders import make_database

ADA = Actor("ada")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons warn of threads


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    emit(made, "parent")
    yield made
    made.close()


def emit(database: Database, key: str) -> None:
    with database.transaction(ADA) as tx:
        tx.emit(kind="run", change="created", key=key)


def keys(database: Database) -> list[str]:
    with database.snapshot() as snapshot:
        return [row[0] for row in snapshot.execute("SELECT key FROM event ORDER BY id")]


def written(database: Database, key: str) -> bool:
    emit(database, key)
    return True


class Child:
    """A forked child that does one thing when it is told to, and reports whether it went well.

    Args:
        act: What it does; true when all went well.
    """

    def __init__(self, act: Callable[[], bool]) -> None:
        reading, self._telling = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 2
            try:
                os.read(reading, 1)
                code = 0 if act() else 1
            finally:
                os._exit(code)
        os.close(reading)

    def go(self) -> int:
        """Let it act; returns its exit code."""
        os.write(self._telling, b"1")
        os.close(self._telling)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_what_a_child_writes_after_its_parent_has_closed_is_kept(database: Database) -> None:
    """The parent, as the last to close, deletes the log; a child with an inherited lock would write into nothing."""

    def write() -> bool:
        for number in range(20):
            emit(database, f"child {number}")
        return True

    child = Child(write)
    assert keys(database) == ["parent"]
    database.close()
    assert child.go() == 0
    with closing(sqlite3.connect(database.path)) as other:
        assert other.execute("SELECT count(*) FROM event").fetchone() == (21,)
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_parent_and_child_both_go_on(database: Database) -> None:
    def write() -> bool:
        emit(database, "child")
        return keys(database) == ["parent", "parent again", "child"]

    child = Child(write)
    emit(database, "parent again")
    assert child.go() == 0
    assert keys(database) == ["parent", "parent again", "child"]


def test_no_connection_is_open_while_a_process_forks(database: Database) -> None:
    feed = database.feed()
    assert feed.poll() is None
    assert keys(database) == ["parent"]

    def files() -> list[str]:
        found = []
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # the listing's own
                found.append(str(entry.readlink()))
        return [name for name in found if name.startswith(str(database.path))]

    assert files()
    assert Child(lambda: not files()).go() == 0
    emit(database, "next")
    changes = feed.poll()
    assert changes is not None
    assert [event.key for event in changes.events] == ["next"]
    feed.close()


def test_a_feed_is_heard_on_both_sides_of_a_fork(database: Database) -> None:
    feed = database.feed()

    def listen() -> bool:
        changes = feed.poll()
        return changes is not None and [event.key for event in changes.events] == ["next"] and not changes.missed

    child = Child(listen)
    emit(database, "next")
    assert child.go() == 0
    assert listen()
    feed.close()


def test_a_fork_waits_for_a_write_in_another_thread(database: Database) -> None:
    begun, end = threading.Event(), threading.Event()

    def write() -> None:
        with database.transaction(ADA) as tx:
            tx.emit(kind="run", change="created", key="thread")
            begun.set()
            end.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    threading.Timer(0.1, end.set).start()
    child = Child(lambda: keys(database) == ["parent", "thread"])
    writer.join()
    assert child.go() == 0


def test_threads_that_read_and_write_all_the_time_do_not_stop_forks(database: Database) -> None:
    ended = threading.Event()

    def work(number: int) -> None:
        while not ended.is_set():
            emit(database, f"thread {number}")
            keys(database)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(10):
            assert Child(partial(written, database, f"child {number}")).go() == 0
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert [key for key in keys(database) if key.startswith("child")] == [f"child {number}" for number in range(10)]


def test_a_child_of_a_fork_in_the_middle_of_a_reading_refuses_to_work(database: Database) -> None:
    def refused() -> bool:
        try:
            keys(database)
        except WorkspaceError as error:
            return "forked in the middle" in str(error)
        return False

    with database.snapshot():
        child = Child(refused)
    assert child.go() == 0
    emit(database, "parent goes on")


def test_a_fork_does_not_wait_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "PATIENCE_S", 0.05)
    begun, end = threading.Event(), threading.Event()

    def read() -> None:
        with database.snapshot():
            begun.set()
            end.wait(30)

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(30)
    child = Child(lambda: False)
    end.set()
    reader.join()
    assert child.go() == 1
    emit(database, "parent goes on")


def test_an_open_workspace_says_that_it_cannot_be_sent_to_a_worker(tmp_path: Path) -> None:
    made = engine.create(tmp_path / "workspace")
    with engine.open(made.path) as opened:
        run = opened.runs.start("x", capture=False, status=RunStatus.SCHEDULED)
        for thing in (opened, opened.runs, run):
            with pytest.raises(TypeError, match=r"call engine\.open\(\) in the worker"):
                pickle.dumps(thing)
