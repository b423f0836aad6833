"""What took long is counted and named in our own words, and a storm of it does not fill the log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from engine.server.slowness import SAID_EVERY_S, SLOW_S, Slowness
from tests.engine.server.wire import Wire


def operation_of_a_client() -> None:
    """What a handler asks for."""


class Said:
    """A log, and a clock that is set."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now_s = 0.0
        self.slow = Slowness(lambda: self.now_s, self.lines.append)


@pytest.fixture
def said() -> Said:
    return Said()


def test_what_is_quick_is_not_told(said: Said) -> None:
    said.slow.request("GET", "/x/{id}", SLOW_S * 0.99)
    said.slow.group([operation_of_a_client], waited_s=0.3, ran_s=0.3, kept_s=0.3)
    assert (said.slow.count, said.slow.last, said.lines) == (0, (), [])


def test_a_slow_request_is_told_by_its_route(said: Said) -> None:
    said.slow.request("GET", "/x/{id}", 2.34)
    assert said.slow.last == ("GET /x/{id} took 2.3 s",)
    assert said.lines == ["Slow: GET /x/{id} took 2.3 s\n"]


def test_a_slow_group_is_told_by_what_ran_in_it_and_where_its_time_went(said: Said) -> None:
    operations: list[Callable[[], object]] = [operation_of_a_client, operation_of_a_client, lambda: None]
    operations.append(partial(print, "secret"))
    said.slow.group(operations, waited_s=0.2, ran_s=1.0, kept_s=0.1)
    (told,) = said.slow.last
    assert told.startswith("4 writes took 1.3 s (waited 0.2, ran 1.0, committed 0.1): ")
    assert "test_slowness.operation_of_a_client x 2" in told
    assert "test_slowness.test_a_slow_group_is_told_by_what_ran_in_it_and_where_its_time_went x 1" in told
    assert "secret" not in told


def test_the_log_gets_one_line_at_a_time_and_the_count_is_right(said: Said) -> None:
    for _ in range(1_000):
        said.slow.request("GET", "/x", SLOW_S)
    said.now_s += SAID_EVERY_S
    said.slow.request("GET", "/y", SLOW_S)
    assert (said.slow.count, len(said.lines), len(said.slow.last)) == (1_001, 2, 20)


def test_the_count_is_a_metric(shared_wire: Wire) -> None:
    assert b"quarterdeck_slow_total 0" in shared_wire.send("GET", "/metrics").body
