"""The change feed: hears every process, costs nothing while nothing happens, and knows when it missed something."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from engine.core.access import Actor
from engine.db import transaction
from tests.builders import make_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.db.database import Database
    from engine.db.feed import ChangeFeed

ADA = Actor("ada")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    yield made
    made.close()


@pytest.fixture
def feed(database: Database) -> Iterator[ChangeFeed]:
    made = database.feed()
    yield made
    made.close()


def emit(database: Database, *keys: str, change: str = "logged") -> None:
    with database.transaction(ADA) as tx:
        for number, key in enumerate(keys):
            tx.emit(kind="run", change=change, key=key, row_id=number)


def test_nothing_happened_is_none(feed: ChangeFeed) -> None:
    assert feed.poll() is None
    assert feed.poll() is None


def test_a_commit_is_told_once(database: Database, feed: ChangeFeed) -> None:
    emit(database, "a")
    changes = feed.poll()
    assert changes is not None
    assert [(event.kind, event.change, event.key, event.row_id) for event in changes.events] == [
        ("run", "logged", "a", 0)
    ]
    assert not changes.missed
    assert feed.poll() is None


def test_only_news_since_it_was_opened(database: Database) -> None:
    emit(database, "before")
    feed = database.feed()
    emit(database, "after")
    changes = feed.poll()
    assert changes is not None
    assert [event.key for event in changes.events] == ["after"]
    feed.close()


def test_many_changes_of_one_thing_are_one_and_the_latest(database: Database, feed: ChangeFeed) -> None:
    for _ in range(5):
        emit(database, "a", "b")
    emit(database, "a", change="changed")
    changes = feed.poll()
    assert changes is not None
    assert [(event.key, event.change) for event in changes.events] == [
        ("a", "logged"),
        ("b", "logged"),
        ("a", "changed"),
    ]


def test_an_undone_transaction_is_no_news(database: Database, feed: ChangeFeed) -> None:
    with pytest.raises(LookupError), database.transaction(ADA) as tx:
        tx.emit(kind="run", change="created", key="never")
        raise LookupError
    assert feed.poll() is None


def test_a_commit_by_another_process_is_heard(database: Database, feed: ChangeFeed) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.core.access import Actor\n"
        "from engine.db.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "with database.transaction(Actor('eve')) as tx: tx.emit(kind='model', change='created', key='churn')"
    )
    subprocess.run([sys.executable, "-c", script, str(database.path)], check=True, timeout=60)
    changes = feed.poll()
    assert changes is not None
    assert [(event.kind, event.key) for event in changes.events] == [("model", "churn")]


def test_the_ring_is_trimmed_and_a_reader_that_slept_is_told(
    database: Database, feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "RING_SIZE", 100)
    for batch in range(30):
        emit(database, *(f"{batch}-{number}" for number in range(100)))
    with database.snapshot() as snapshot:
        kept = snapshot.execute("SELECT count(*) FROM event").fetchone()[0]
    assert kept <= 1_100
    changes = feed.poll()
    assert changes is not None
    assert changes.missed
    emit(database, "next")
    fresh = feed.poll()
    assert fresh is not None
    assert not fresh.missed


def test_a_feed_tells_when_the_ring_went_back(database: Database, feed: ChangeFeed) -> None:
    """As when somebody writes an older copy over the file without telling anybody."""
    emit(database, "a", "b", "c")
    assert feed.poll() is not None
    with database.transaction(ADA) as tx:
        tx.execute("DELETE FROM event")
        tx.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'event'")
    changes = feed.poll()
    assert changes is not None
    assert changes.missed
    assert changes.events == ()
    emit(database, "next")
    fresh = feed.poll()
    assert fresh is not None
    assert ([event.key for event in fresh.events], fresh.missed) == (["next"], False)


def test_a_reader_that_was_away_while_the_ring_was_emptied_is_told(
    database: Database, feed: ChangeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "RING_SIZE", 0)
    emit(database, *(f"{number}" for number in range(2_000)))
    emit(database, "last")
    changes = feed.poll()
    assert changes is not None
    assert changes.missed


def test_a_feed_is_polled_by_one_thread_and_closed_by_another(database: Database, feed: ChangeFeed) -> None:
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            feed.poll()

    listener = threading.Thread(target=listen)
    listener.start()
    for number in range(50):
        emit(database, f"{number}")
        feed.close()
    ended.set()
    listener.join()


def test_a_feed_never_writes(database: Database, feed: ChangeFeed) -> None:
    before = database.path.stat().st_mtime_ns
    for _ in range(10):
        assert feed.poll() is None
    assert database.path.stat().st_mtime_ns == before
