from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from console.work import Workers
from tests.builders import make_database

if TYPE_CHECKING:
    from pathlib import Path

    from textual.message import Message


class _Desk:
    """Workers with a queue for a screen."""

    def __init__(self) -> None:
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self.workers = Workers(self.messages.put)
        self.told: list[object] = []

    def settle(self, count: int = 1) -> None:
        for _ in range(count):
            message = self.messages.get(timeout=10)
            assert isinstance(message, Workers.Finished)
            self.workers.settle(message)


def test_a_result_comes_back_in_the_screens_thread() -> None:
    desk = _Desk()
    desk.workers.read("page", threading.get_ident, desk.told.append, desk.told.append)
    desk.settle()
    assert desk.told != [threading.get_ident()]
    desk.workers.close()


def test_an_error_comes_back_as_one() -> None:
    desk = _Desk()
    desk.workers.read("page", lambda: 1 // 0, desk.told.append, lambda error: desk.told.append(type(error)))
    desk.settle()
    assert desk.told == [ZeroDivisionError]
    desk.workers.close()


def test_only_the_newest_of_a_group_counts() -> None:
    desk = _Desk()
    started, go = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        go.wait(10)
        return "old"

    desk.workers.read("page", slow, desk.told.append, desk.told.append)
    assert started.wait(10)
    desk.workers.read("page", lambda: "skipped", desk.told.append, desk.told.append)
    desk.workers.read("page", lambda: "new", desk.told.append, desk.told.append)
    desk.workers.read("other", lambda: "other", desk.told.append, desk.told.append)
    go.set()
    desk.settle(3)
    assert desk.told == ["new", "other"]
    desk.workers.close()


def test_a_group_can_be_cancelled() -> None:
    desk = _Desk()
    started, go = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        go.wait(10)

    desk.workers.read("page", slow, desk.told.append, desk.told.append)
    assert started.wait(10)
    desk.workers.cancel("page")
    go.set()
    desk.settle()
    assert desk.told == []
    desk.workers.close()


def test_acts_are_never_void_and_are_known_while_they_last() -> None:
    desk = _Desk()
    for number in range(3):
        desk.workers.act(lambda number=number: number, desk.told.append, desk.told.append)  # type: ignore[misc]
    assert desk.workers.acting
    desk.settle(3)
    assert desk.told == [0, 1, 2]
    assert not desk.workers.acting
    desk.workers.close()


def test_what_nobody_waits_for_any_more_is_not_read_to_its_end(tmp_path: Path) -> None:
    desk = _Desk()
    with closing(make_database(tmp_path)) as database:
        reading = threading.Event()

        def endless() -> object:
            with database.snapshot() as snapshot:
                reading.set()
                return snapshot.execute(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
                ).fetchone()

        def count() -> object:
            with database.snapshot() as snapshot:
                return snapshot.execute("SELECT count(*) FROM run").fetchone()[0]

        desk.workers.read("page", endless, desk.told.append, desk.told.append)
        assert reading.wait(10)
        deadline = time.monotonic() + 10
        while not desk.told and time.monotonic() < deadline:  # what is given up just before it begins to read goes on
            desk.workers.read("page", count, desk.told.append, desk.told.append)
            with suppress(Empty):
                while True:
                    message = desk.messages.get(timeout=0.05)
                    assert isinstance(message, Workers.Finished)
                    desk.workers.settle(message)
        assert desk.told == [0]
        desk.workers.close()
