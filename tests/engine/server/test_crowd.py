"""Many connections: no address takes them all, and what slow readers leave in memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.server.crowd import Crowd
from engine.server.settings import Settings

MOST = 3


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(Settings(max_connections_per_address=MOST))


def test_an_address_has_so_many_connections_and_others_as_many(crowd: Crowd) -> None:
    taken = [crowd.enter("192.0.2.1") for _ in range(MOST)]
    assert None not in taken
    assert crowd.enter("192.0.2.1") is None
    assert crowd.enter("192.0.2.2") is not None
    crowd.leave(taken[0] or "")
    assert crowd.enter("192.0.2.1") is not None
    assert crowd.enter("192.0.2.1") is None


def test_a_network_of_one_machine_is_one_address(crowd: Crowd) -> None:
    for number in range(MOST):
        assert crowd.enter(f"2001:db8::{number}") is not None
    assert crowd.enter("2001:db8::ffff") is None
    assert crowd.enter("2001:db8:0:1::1") is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", None])
def test_this_machine_has_as_many_as_there_are(crowd: Crowd, address: str | None) -> None:
    for _ in range(10 * MOST):
        assert crowd.enter(address) == ""


def test_the_proxy_stands_for_many_and_others_do_not() -> None:
    crowd = Crowd(Settings(max_connections_per_address=1, behind_proxy=True, proxies=("10.0.3.0/24",)))
    assert [crowd.enter("10.0.3.7") for _ in range(3)] == ["", "", ""]
    assert [crowd.enter("10.0.4.7") for _ in range(2)] == ["10.0.4.7", None]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["192.0.2.1", "192.0.2.2", "127.0.0.1"]))))
def test_whatever_comes_and_goes_the_bound_holds_and_nothing_is_left_over(steps: list[tuple[bool, str]]) -> None:
    crowd = Crowd(Settings(max_connections_per_address=MOST))
    here: dict[str, list[str]] = {}
    for comes, address in steps:
        mine = here.setdefault(address, [])
        if comes:
            counted = crowd.enter(address)
            assert (counted is None) is (address != "127.0.0.1" and len(mine) == MOST)
            if counted is not None:
                mine.append(counted)
        elif mine:
            crowd.leave(mine.pop())
    for mine in here.values():
        for counted in mine:
            crowd.leave(counted)
    assert [crowd.enter("192.0.2.1") for _ in range(MOST + 1)][-2:] == ["192.0.2.1", None]


@dataclass(eq=False)
class Pipe:
    """Where bytes wait: a transport and the connection that has it."""

    waiting: int
    transport: Any = field(init=False)
    aborted: bool = False

    def __post_init__(self) -> None:
        self.transport = self

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


def test_those_who_read_slowly_for_longest_go_when_too_much_waits() -> None:
    crowd = Crowd(Settings(max_unread_bytes=100))
    oldest, middle, newest = (Pipe(40) for _ in range(3))
    for each in (oldest, middle):
        crowd.slow(each)
    assert not oldest.aborted
    crowd.slow(newest)
    assert [each.aborted for each in (oldest, middle, newest)] == [True, False, False]


def test_who_has_read_on_is_not_counted() -> None:
    crowd = Crowd(Settings(max_unread_bytes=100))
    oldest, newest = Pipe(60), Pipe(60)
    crowd.slow(oldest)
    crowd.quick(oldest)
    crowd.slow(newest)
    assert not oldest.aborted
    assert not newest.aborted
