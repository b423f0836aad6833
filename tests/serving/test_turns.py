"""Many callers in one turn of the event loop: each has its own answer, whatever the others send or do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.serving.test_connections import Kept, asking, expected, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.shop import Served

MANY = 24
ROUNDS = 6
BAD = b'{"features": [1, "x", 2, 3]}'


def row(at: int) -> list[float]:
    return [0.25 * at - 3, 1.5 - 0.1 * at, -2.0 + 0.2 * at, 0.5]


def same(found: object, right: dict[str, Any]) -> bool:
    """Whether two answers are the same but for the last digit of a probability, which calls of several rows round."""
    given = cast("dict[str, Any]", found)
    shares = pytest.approx(right["probabilities"], rel=1e-12)
    return bool(given["prediction"] == right["prediction"] and given["probabilities"] == shares)


def sent(at: int, *lines: str) -> bytes:
    return request(asking(row(at)).ljust(60), *lines)


@pytest.fixture
def crowd(served: Served) -> Iterator[list[Kept]]:
    """Connections whose heads are known, and who ask together."""
    made = [Kept(served.port) for _ in range(MANY)]
    for _ in range(3):
        together(made, [sent(at) for at in range(MANY)])
    yield made
    for each in made:
        each.close()


def together(crowd: list[Kept], requests: list[bytes]) -> list[tuple[int, dict[str, str], object]]:
    """Have all send, before any answer is read."""
    for each, data in zip(crowd, requests, strict=True):
        each.send(data)
    return [each.answer() for each in crowd]


def test_each_has_its_own_answer(served: Served, crowd: list[Kept]) -> None:
    right = [expected(served, row(at)) for at in range(MANY)]
    for shift in range(ROUNDS):
        found = together(crowd, [sent((at + shift) % MANY) for at in range(MANY)])
        assert all(same(each[2], right[(at + shift) % MANY]) for at, each in enumerate(found))
        assert len({each[1]["x-request-id"] for each in found}) == MANY
    assert len({str(each) for each in right}) >= MANY // 2


def test_each_has_the_id_that_it_brought(crowd: list[Kept]) -> None:
    for turn in range(ROUNDS):
        found = together(crowd, [sent(at, f"x-request-id: mine-{turn}-{at}") for at in range(MANY)])
        assert [each[1]["x-request-id"] for each in found] == [f"mine-{turn}-{at}" for at in range(MANY)]


def test_a_bad_request_harms_no_neighbour(served: Served, crowd: list[Kept]) -> None:
    right = [expected(served, row(at)) for at in range(MANY)]
    for turn in range(ROUNDS):
        bad = {turn, turn + 7}
        found = together(crowd, [request(BAD.ljust(60)) if at in bad else sent(at) for at in range(MANY)])
        assert [each[0] for each in found] == [400 if at in bad else 200 for at in range(MANY)]
        assert all(same(found[at][2], right[at]) for at in range(MANY) if at not in bad)


def test_who_leaves_harms_no_neighbour(served: Served, crowd: list[Kept]) -> None:
    right = [expected(served, row(at)) for at in range(MANY)]
    for each in crowd:
        each.send(sent(crowd.index(each)))
    for each in crowd[::3]:
        each.close()
    for at, each in enumerate(crowd):
        if at % 3:
            assert same(each.answer()[2], right[at])


def test_requests_ahead_are_answered_in_their_order(served: Served, crowd: list[Kept]) -> None:
    right = [expected(served, row(at)) for at in range(MANY)]
    for each in crowd:
        each.send(sent(0))
    for each in crowd:
        each.send(sent(1) + sent(2))
        each.send(sent(3))
    for each in crowd:
        assert all(same(each.answer()[2], right[at]) for at in range(4))


def test_every_answer_is_counted(served: Served, crowd: list[Kept]) -> None:
    before = counted(served)
    for _ in range(ROUNDS):
        together(crowd, [sent(at) for at in range(MANY)])
    assert counted(served) - before == ROUNDS * MANY


def counted(served: Served) -> int:
    lines = served.ask("GET", "/metrics").body.decode().splitlines()
    return int(sum(float(each.rpartition(" ")[2]) for each in lines if each.startswith("quarterdeck_requests_total")))
