"""Connections of clients who are slow, silent, greedy or lying: each ends in bounded time, and others go on."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

import engine
from engine.server.protocol import MAX_HEADERS
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.engine.server.wire import Wire

HEAD = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
LIMIT = 8_192
QUICK: dict[str, float] = {"head_s": 0.4, "idle_s": 1.0}
PATIENCE_S = 20.0

Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    @contextmanager
    def started(**settings: Any) -> Iterator[str]:
        workspace = engine.create(tmp_path_factory.mktemp("protocol") / "workspace").path
        with (
            engine.open(workspace, via="http") as opened,
            ThreadedServer(opened, Settings(port=0, **{"max_header_bytes": LIMIT, **settings})) as url,
        ):
            yield url

    return started


@pytest.fixture(scope="module")
def strict(serve: Serve) -> Iterator[str]:
    """A server that waits for nobody for long."""
    with serve(**QUICK) as url:
        yield url


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S)


def until_closed(connection: socket.socket) -> bytes:
    """All that the server says until it closes."""
    said = b""
    while True:
        try:
            piece = connection.recv(65_536)
        except ConnectionResetError:
            return said
        if not piece:
            return said
        said += piece


def exchange(url: str, sent: bytes) -> bytes:
    """Send bytes, and read until the server closes."""
    with closing(connected(url)) as connection:
        connection.sendall(sent)
        return until_closed(connection)


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


def serves_others(url: str) -> bool:
    with Wire(url, None) as wire:
        return wire.send("GET", "/health").status == 200


LARGE: dict[str, bytes] = {
    "one long header": HEAD + b"x: " + b"a" * LIMIT + b"\r\n\r\n",
    "one long name": HEAD + b"a" * LIMIT + b": x\r\n\r\n",
    "a long target": b"GET /" + b"a" * LIMIT + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "many headers": HEAD + b"".join(b"x%d: 1\r\n" % number for number in range(MAX_HEADERS)) + b"\r\n",
    "a header without end": HEAD + b"x: " + b"a" * 300_000,
    "a target without end": b"GET /" + b"a" * 300_000,
}


@pytest.mark.parametrize("case", LARGE)
def test_a_head_that_is_too_large_is_answered_and_closed(strict: str, case: str) -> None:
    with closing(connected(strict)) as connection:
        try:
            connection.sendall(LARGE[case])
        except (BrokenPipeError, ConnectionResetError):
            return  # it was closed while we still sent
        answer = until_closed(connection)
    assert not answer or status_of(answer) in (408, 431)
    assert serves_others(strict)


@pytest.mark.parametrize("case", ["one long header", "many headers", "a long target"])
def test_a_large_head_that_is_complete_gets_431(strict: str, case: str) -> None:
    answer = exchange(strict, LARGE[case])
    assert status_of(answer) == 431
    assert b"connection: close" in answer


def test_a_head_just_below_the_bound_is_answered(strict: str) -> None:
    answer = exchange(strict, HEAD + b"connection: close\r\nx: " + b"a" * (LIMIT - 100) + b"\r\n\r\n")
    assert status_of(answer) == 200


MALFORMED: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    "zeros": b"\x00" * 100,
    "a space before the colon": HEAD + b"x : 1\r\n\r\n",
    "a folded line": HEAD + b"x: 1\r\n y\r\n\r\n",
    "a control character": HEAD + b"x: \x00\r\n\r\n",
    "two lengths": HEAD.replace(b"GET", b"POST") + b"content-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
    "the same length twice": HEAD.replace(b"GET", b"POST") + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "two lengths in one": HEAD.replace(b"GET", b"POST") + b"content-length: 3, 3\r\n\r\nabc",
    "a negative length": HEAD.replace(b"GET", b"POST") + b"content-length: -3\r\n\r\nabc",
    "a signed length": HEAD.replace(b"GET", b"POST") + b"content-length: +3\r\n\r\nabc",
    "a hexadecimal length": HEAD.replace(b"GET", b"POST") + b"content-length: 0x3\r\n\r\nabc",
    "a huge length": HEAD.replace(b"GET", b"POST") + b"content-length: " + b"9" * 30 + b"\r\n\r\n",
    "a length and chunks": HEAD.replace(b"GET", b"POST")
    + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks not last": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown version": b"GET /health HTTP/3.0\r\nhost: localhost\r\n\r\n",
    "an unknown method": b"FROB /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target that is none": b"GET http://[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target of another host": b"GET http://evil.example/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target of another port": b"GET http://localhost:1/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target of a user": b"GET http://localhost@evil.example/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "a coding of another name": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before a colon": HEAD.replace(b"GET", b"POST") + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "a coding after a control": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded coding": HEAD.replace(b"GET", b"POST") + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD.replace(b"GET", b"POST")
    + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "chunks and a length": HEAD.replace(b"GET", b"POST")
    + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n1\r\nZ\r\nQ\r\n\r\n",
    "a chunk that is none": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "a negative chunk": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n-1\r\n",
    "a huge chunk": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 18 + b"\r\n",
    "chunks by line feeds": HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n1\nZ\n0\n\n",
    "line feeds alone": b"GET /health HTTP/1.1\nhost: localhost\n\n",
    "a tunnel": b"CONNECT localhost:22 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "two hosts": HEAD + b"host: evil.example\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "an old version without a host": b"GET /health HTTP/1.0\r\n\r\n",
    "two credentials": HEAD.replace(b"/health", b"/metrics") + b"authorization: a\r\nauthorization: b\r\n\r\n",
    "no path": b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a raw high byte in the path": b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_request_is_refused_and_never_a_server_error(strict: str, case: str) -> None:
    answer = exchange(strict, MALFORMED[case])
    assert 400 <= status_of(answer) < 500
    assert answer.count(b"HTTP/1.1 ") == 1
    assert serves_others(strict)


def test_a_request_hidden_behind_another_is_not_run(strict: str) -> None:
    hidden = b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nhost: localhost\r\n\r\n"
    body = b"content-length: 0\r\ncontent-length: %d\r\n\r\n" % len(hidden)
    assert exchange(strict, HEAD.replace(b"GET", b"POST") + body + hidden).count(b"HTTP/1.1 ") == 1


LOG = b"POST /api/2.0/mlflow/runs/log-metric HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
SLOW: dict[str, tuple[bytes, int | None]] = {
    "nothing at all": (b"", None),
    "line ends alone": (b"\r\n\r\n", None),
    "half a line": (b"GET /hea", 408),
    "half a head": (HEAD, 408),
    "half a body": (LOG + b"content-length: 100\r\n\r\n{", 408),
    "half a chunk": (LOG + b"transfer-encoding: chunked\r\n\r\n5\r\n{", 408),
}


@pytest.mark.parametrize("case", SLOW)
def test_who_stops_in_the_middle_is_let_go(strict: str, case: str) -> None:
    sent, status = SLOW[case]
    began = time.monotonic()
    answer = exchange(strict, sent)
    assert time.monotonic() - began < PATIENCE_S / 2
    assert (status_of(answer) if answer else None) == status


def test_who_sends_a_head_letter_by_letter_is_let_go_all_the_same(strict: str) -> None:
    began = time.monotonic()
    with closing(connected(strict)) as connection:
        connection.settimeout(0.05)
        said = b""
        for letter in HEAD + b"x: " + b"a" * 10_000:
            try:
                connection.sendall(bytes((letter,)))
                said += connection.recv(1_000)
            except TimeoutError:
                continue
            except OSError:
                break
            if said:
                break
        assert not said or status_of(said) == 408
    assert time.monotonic() - began < PATIENCE_S / 2


def test_an_idle_connection_is_closed_after_its_answer(strict: str) -> None:
    began = time.monotonic()
    answer = exchange(strict, HEAD + b"\r\n")
    assert status_of(answer) == 200
    assert QUICK["idle_s"] * 0.5 < time.monotonic() - began < PATIENCE_S / 2


def test_line_ends_do_not_keep_an_idle_connection(strict: str) -> None:
    with closing(connected(strict)) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert status_of(connection.recv(65_536)) == 200
        connection.sendall(b"\r\n")
        began = time.monotonic()
        until_closed(connection)
    assert time.monotonic() - began < PATIENCE_S / 2


@pytest.mark.parametrize("target", [b"http://localhost/health", b"http://LOCALHOST/health?x=http://evil.example/"])
def test_a_target_of_our_own_host_is_taken(strict: str, target: bytes) -> None:
    answer = exchange(strict, b"GET " + target + b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert status_of(answer) == 200


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_an_old_client_is_answered_and_let_go(strict: str, version: bytes) -> None:
    sent = b"GET /health HTTP/" + version + b"\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    assert status_of(exchange(strict, sent)) == 200


def test_trailers_are_bounded_as_heads_are(strict: str) -> None:
    head = HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n0\r\n"
    answer = exchange(strict, head + b"x: y\r\n" * 5_000 + b"\r\n")
    assert 400 <= status_of(answer) < 500


def test_pipelined_requests_are_answered_in_order(strict: str) -> None:
    second = HEAD.replace(b"/health", b"/version") + b"connection: close\r\n\r\n"
    answer = exchange(strict, HEAD + b"\r\n" + second)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b"OK") < answer.index(b"3.17")


def test_a_body_after_a_refusal_does_not_become_a_request(strict: str) -> None:
    hidden = HEAD + b"\r\n"
    sent = b"POST /nope HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(hidden)
    assert exchange(strict, sent + hidden).count(b"HTTP/1.1 ") == 1


def test_more_connections_than_are_taken_are_told_so(serve: Serve) -> None:
    with serve(max_connections=4) as url:
        kept = [connected(url) for _ in range(4)]
        for connection in kept:
            connection.sendall(HEAD + b"\r\n")
            assert status_of(connection.recv(65_536)) == 200
        answer = exchange(url, b"")
        assert (status_of(answer), b"retry-after: 1" in answer) == (503, True)
        kept[0].close()
        until = time.monotonic() + PATIENCE_S
        while not serves_others(url):
            assert time.monotonic() < until
            time.sleep(0.01)  # the core is for what is waited for
        for connection in kept:
            connection.close()


def test_an_upgrade_is_answered_as_the_request_it_is(strict: str) -> None:
    answer = exchange(strict, HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n")
    assert status_of(answer) in (200, 400)


def test_a_client_that_reads_no_answer_is_let_go(serve: Serve) -> None:
    with serve(**QUICK) as url, closing(connected(url)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(0.2)
        request = HEAD.replace(b"/health", b"/metrics") + b"\r\n"
        with pytest.raises(OSError, match=r"reset|pipe|timed out"):
            while True:
                connection.sendall(request * 100)
        until = time.monotonic() + PATIENCE_S
        while _connections(url) > 1:  # the one that asks
            assert time.monotonic() < until
            time.sleep(0.01)


def _connections(url: str) -> int:
    with Wire(url, None) as wire:
        told = wire.send("GET", "/metrics").body.decode()
    return int(next(line for line in told.splitlines() if line.startswith("quarterdeck_connections ")).split()[1])
