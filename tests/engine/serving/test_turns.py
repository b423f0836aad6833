"""Requests of one turn of the event loop: who comes alone is answered at once, who comes with others with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.runtimes.model import Rows
from engine.serving.batcher import Place
from engine.serving.calls import Call, RequestIds
from engine.serving.coming import Coming
from engine.serving.heads import Heads
from engine.serving.plain import Plain
from engine.serving.table import Flights
from engine.serving.turns import MOST, Asked, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BODY = b'{"features": [1, 2]}'
NAMES = ("x-request-id", "X-Request-ID", "X-Request-Id")


def head(*lines: str) -> bytes:
    return "\r\n".join(("POST /predict HTTP/1.1", "host: here", *lines, f"content-length: {len(BODY)}")).encode()


def sent(*lines: str) -> bytes:
    return head(*lines) + b"\r\n\r\n" + BODY


def read(*lines: str) -> Call:
    """The request as a parser reads it."""
    pairs = (line.split(": ", 1) for line in head(*lines).decode().split("\r\n")[1:])
    call = Call("POST", "/predict", [(name.lower().encode(), value.encode()) for name, value in pairs], "")
    call.identify(RequestIds())
    return call


def knowing(*lines: str) -> Heads:
    heads = Heads()
    heads.remember(sent(*lines), len(BODY), read(*lines), Plain())
    return heads


class Connection:
    """Keeps what it is told to send."""

    def __init__(self) -> None:
        self.waits = False
        self.open = True
        self.got: list[bytes] = []
        self.parsed: list[bytes] = []
        self.expects: Coming | None = None

    def put(self, answer: bytes) -> None:
        self.got.append(answer)

    def expect(self, coming: Coming) -> None:
        self.expects = coming

    def land(self, answer: bytes) -> None:
        self.expects = None
        self.got.append(answer)

    def rests(self) -> bool:
        return self.open and self.expects is None

    def parse(self, data: bytes) -> None:
        self.parsed.append(data)


class Loop:
    """Turns when it is told to, and notes how many requests were answered together."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self.answer: bytes | Coming | None = b"answer"
        self.broken = False
        self._later: list[Callable[[], None]] = []
        self.turns = Turns(knowing(), lambda asked: self._all([asked])[0], self._all, self._later.append)

    def _all(self, asked: Sequence[Asked]) -> Sequence[bytes | Coming | None]:
        if self.broken:
            raise ValueError
        self.together.append(len(asked))
        return [self.answer] * len(asked)

    def turn(self, *seats: Connection) -> bool:
        """One turn, in which each of these sends a request; whether all were taken."""
        taken = [self.turns.take(sent(), "", each) for each in seats]
        later, self._later[:] = tuple(self._later), []
        for call in later:
            call()
        return all(taken)


def crowded(loop: Loop) -> None:
    """Have the loop learn that many come at once."""
    while len(loop.together) < 2 or loop.together[-1] == 1:
        loop.turn(*(Connection() for _ in range(4)))
    loop.together.clear()


def test_one_alone_is_answered_without_waiting_for_the_end_of_the_turn() -> None:
    loop, seat = Loop(), Connection()
    assert loop.turns.take(sent(), "", seat)
    assert (seat.got, seat.waits, loop.together) == ([b"answer"], False, [1])


def test_many_are_answered_together_each_once() -> None:
    loop = Loop()
    crowded(loop)
    seats = [Connection() for _ in range(5)]
    assert loop.turn(*seats)
    assert loop.together == [5]
    assert all(each.got == [b"answer"] and not each.waits for each in seats)


def test_no_more_than_so_many_are_answered_together() -> None:
    loop = Loop()
    crowded(loop)
    seats = [Connection() for _ in range(MOST + 3)]
    loop.turn(*seats)
    assert loop.together == [MOST, 3]
    assert all(each.got == [b"answer"] for each in seats)


def test_who_is_alone_for_long_is_answered_at_once_again() -> None:
    loop, seat = Loop(), Connection()
    crowded(loop)
    for _ in range(20):
        loop.turn(seat)
    assert loop.turns.take(sent(), "", seat)
    assert (len(seat.got), seat.waits) == (21, False)


def test_who_cannot_take_an_answer_any_more_goes_the_long_way_and_harms_nobody() -> None:
    loop = Loop()
    crowded(loop)
    stays, leaves = Connection(), Connection()
    loop.turns.take(sent(), "", stays)
    loop.turns.take(sent(), "", leaves)
    leaves.open = False
    loop.turns.finish()
    assert (stays.got, leaves.got, leaves.parsed) == ([b"answer"], [], [sent()])


@pytest.mark.parametrize("many", [False, True], ids=["alone", "together"])
def test_what_cannot_be_answered_here_goes_the_long_way(*, many: bool) -> None:
    loop, seat = Loop(), Connection()
    if many:
        crowded(loop)
    loop.answer = None
    taken = loop.turn(seat)
    assert (taken, seat.got, seat.parsed) == ((True, [], [sent()]) if many else (False, [], []))


@pytest.mark.parametrize("many", [False, True], ids=["alone", "together"])
def test_who_shares_a_call_waits_for_its_answer_and_is_not_asked_about_again(*, many: bool) -> None:
    loop, seats = Loop(), [Connection(), Connection()]
    if many:
        crowded(loop)
    loop.answer = coming = Coming(Place(Rows(1), lambda _: None), Flights())
    assert loop.turn(*seats)
    assert all((each.expects, each.got, each.parsed, each.waits) == (coming, [], [], False) for each in seats)


def test_an_answer_that_breaks_sends_each_request_its_own_way() -> None:
    loop, seats = Loop(), [Connection(), Connection()]
    crowded(loop)
    loop.broken = True
    loop.turn(*seats)
    assert all(each.parsed == [sent()] and not each.got for each in seats)


def test_a_head_that_nobody_knows_is_not_taken() -> None:
    seat = Connection()
    assert not Loop().turns.take(sent("accept: */*"), "", seat)
    assert seat.got == []


@pytest.mark.parametrize("name", NAMES)
def test_a_head_is_known_whatever_id_it_brings(name: str) -> None:
    heads = knowing(f"{name}: first", "accept: */*")
    for given in ("second", "a-very-much-longer-one/of=other+signs"):
        found = heads.find(sent(f"{name}: {given}", "accept: */*"))
        assert found is not None
        call = found[0].again(found[1], found[2], "", RequestIds())
        assert (call.request_id, call.header(b"x-request-id"), call.body) == (given.encode(), given.encode(), BODY)
        assert call.headers == read(f"{name}: {given}", "accept: */*").headers or len(call.headers) == 4


def test_an_id_is_never_another_requests() -> None:
    heads = knowing("x-request-id: first")
    found = heads.find(sent())
    assert found is not None
    assert found[0].again(found[1], found[2], "", RequestIds()).request_id != b"first"
    assert found[0].call.header(b"x-request-id") is None


@pytest.mark.parametrize(
    "lines",
    [
        ("x-request-id: no good",),
        ("x-request-id: " + "a" * 200,),
        ("x-request-id: a", "x-request-id: b"),
        ("x-request-id:a",),
        ("x-request-id: ",),
        ("x-other: x-request-id: a",),
    ],
    ids=["signs", "long", "twice", "no space", "empty", "inside another"],
)
def test_an_id_that_is_none_has_its_head_read_in_full(lines: tuple[str, ...]) -> None:
    assert knowing().find(sent(*lines)) is None


def test_an_id_twice_is_not_remembered() -> None:
    heads = knowing("x-request-id: a", "x-request-id: b")
    assert heads.find(sent("x-request-id: a", "x-request-id: b")) is None
    assert heads.find(sent()) is None
