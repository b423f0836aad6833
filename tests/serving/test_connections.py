"""Connections that are kept: the same head again and again, whole, in pieces, ahead of time."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.serving.shop import trained, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving.shop import Served, Shop

from tests.serving.shop import Shop as MakeShop

ROWS = [[0.5, -1.0, 2.0, 0.25], [-2.5, 1.0, -2.0, 1.25], [3.5, -0.0, 0.0, 9.25]]


class Kept:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: its status, headers and body."""
        status = int(self._file.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        body = self._file.read(int(headers["content-length"]))
        return status, headers, json.loads(body)

    def ask(self, data: bytes) -> tuple[int, dict[str, str], Any]:
        """Send, and take the answer."""
        self.send(data)
        return self.answer()

    def at_end(self) -> bool:
        """Whether the other side has closed."""
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def request(body: bytes, *lines: str, path: str = "/predict", length: int | None = None) -> bytes:
    head = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", *lines]
    head.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def asking(row: list[float]) -> bytes:
    return (
        json.dumps({"features": [f"{value:.2f}" for value in row]})
        .replace('"', "")
        .replace("features", '"features"')
        .encode()
    )


@pytest.fixture
def kept(served: Served) -> Iterator[Kept]:
    made = Kept(served.port)
    yield made
    made.close()


def expected(served: Served, row: list[float]) -> Any:
    return served.ask("POST", "/predict", {"features": row}).json()


def test_every_request_under_one_head_gets_its_own_answer(served: Served, kept: Kept) -> None:
    found = [kept.ask(request(asking(row).ljust(60))) for row in ROWS * 3]
    assert [each[2] for each in found] == [expected(served, row) for row in ROWS * 3]
    ids = {each[1]["x-request-id"] for each in found}
    assert (len(ids), {each[0] for each in found}) == (9, {200})


@pytest.mark.parametrize("cut", [1, 20, 150, -1], ids=["first byte", "head", "near its end", "last byte"])
def test_a_known_head_may_come_in_pieces(served: Served, kept: Kept, cut: int) -> None:
    data = request(asking(ROWS[0]).ljust(60))
    first = kept.ask(data)[2]
    for _ in range(2):
        kept.send(data[:cut])
        until_read(served)
        assert kept.ask(data[cut:])[2] == first
    assert kept.ask(data)[2] == first


def until_read(served: Served) -> None:
    """Have the server turn its loop, so that what was sent before has been read alone."""
    assert served.ask("GET", "/v2/health/live").status == 200


def test_requests_sent_ahead_are_answered_in_their_order(served: Served, kept: Kept) -> None:
    data = [request(asking(row).ljust(60)) for row in ROWS]
    kept.ask(data[0])
    kept.send(b"".join(data) + data[0])
    assert [kept.answer()[2] for _ in range(4)] == [expected(served, row) for row in (*ROWS, ROWS[0])]
    assert kept.ask(data[1])[2] == expected(served, ROWS[1])


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"x" * 60, "no JSON"), (b'{"features": [1, 2]}'.ljust(60), "2 values"), (b" " * 60, "empty")],
    ids=["no JSON", "too narrow", "blank"],
)
def test_a_bad_body_under_a_known_head_is_refused_and_the_connection_goes_on(
    served: Served, kept: Kept, body: bytes, words: str
) -> None:
    good = request(asking(ROWS[0]).ljust(60))
    first = kept.ask(good)[2]
    for _ in range(2):
        status, _, said = kept.ask(request(body))
        assert (status, words in said["detail"]) == (400, True)
        assert kept.ask(good)[2] == first
    assert first == expected(served, ROWS[0])


def test_an_id_is_echoed_and_never_given_to_another_request(kept: Kept) -> None:
    body = asking(ROWS[0]).ljust(60)
    mine = request(body, "x-request-id: mine")
    assert [kept.ask(mine)[1]["x-request-id"] for _ in range(3)] == ["mine"] * 3
    assert kept.ask(request(body))[1]["x-request-id"] != "mine"


def test_who_asks_to_close_is_closed_every_time(served: Served) -> None:
    for _ in range(3):
        connection = Kept(served.port)
        assert connection.ask(request(asking(ROWS[0]), "connection: close"))[0] == 200
        assert connection.at_end()
        connection.close()


def test_a_page_of_another_site_is_refused_every_time(served: Served) -> None:
    for _ in range(3):
        connection = Kept(served.port)
        connection.send(request(asking(ROWS[0]), "origin: https://elsewhere.example"))
        assert connection.answer()[0] == 403
        connection.close()


def test_a_known_head_is_answered_by_whoever_serves_now(tmp_path: Path) -> None:
    shop: Shop = MakeShop(tmp_path / "ws")
    for seed in (0, 1):
        shop.register(trained(seed))
    endpoints = shop.engine.endpoints
    endpoints.create("churn", "churn", capture=1.0)
    endpoints.deploy("churn", 1, reason="first")
    with shop.serve() as served:
        connection = Kept(served.port)
        data = request(asking(ROWS[0]))
        assert [connection.ask(data)[1]["x-model-version"] for _ in range(3)] == ["churn/1"] * 3
        endpoints.deploy("churn", 2, reason="second")
        until(lambda: connection.ask(data)[1]["x-model-version"] == "churn/2")
        endpoints.kill("churn", reason="off")
        until(lambda: connection.ask(data)[0] == 503)
        assert connection.ask(data)[1]["retry-after"]
        connection.close()
        until(lambda: shop.engine.telemetry.counts() != ())
    counts = shop.engine.telemetry.counts()
    assert sum(each.sent for each in counts) == sum(each.stored + each.dropped for each in counts) >= 4
    shop.engine.close()
