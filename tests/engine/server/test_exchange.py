"""How an answer leaves: in one piece, whole, and only as the client can take it."""

from __future__ import annotations

import socket
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.engine.server.wire import Wire

LONGEST_S = 20.0


def connected(wire: Wire) -> socket.socket:
    """A connection without any client library."""
    place = urlsplit(wire.url)
    return socket.create_connection((place.hostname, place.port or 0), timeout=LONGEST_S)


def test_an_answer_comes_in_one_piece(shared_wire: Wire) -> None:
    """A client that waits for the head would be woken twice."""
    with closing(connected(shared_wire)) as connection:
        for _ in range(20):
            connection.sendall(b"GET /version HTTP/1.1\r\nhost: localhost\r\n\r\n")
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            assert b"content-length: %d" % len(body) in head.lower()
            assert body


def test_only_the_head_is_told_to_who_asks_for_it_alone(shared_wire: Wire) -> None:
    with closing(connected(shared_wire)) as connection:
        connection.sendall(b"HEAD /version HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 0" not in answer.lower()


def test_who_speaks_the_old_protocol_is_told_that_the_connection_ends(shared_wire: Wire) -> None:
    with closing(connected(shared_wire)) as connection:
        connection.sendall(b"GET /version HTTP/1.0\r\nhost: localhost\r\n\r\n")
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert body


def test_a_body_that_is_asked_for_only_after_the_head_is_waited_for(shared_wire: Wire) -> None:
    with closing(connected(shared_wire)) as connection:
        body = b'{"name": "expected"}'
        head = b"POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n"
        connection.sendall(head + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


def test_a_connection_serves_one_request_after_the_other(shared_wire: Wire) -> None:
    place = urlsplit(shared_wire.url)
    with closing(HTTPConnection(place.hostname or "", place.port, timeout=LONGEST_S)) as connection:
        for path, status in (("/version", 200), ("/nowhere", 404), ("/health", 200), ("/%2e%2e/x", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == status, path
            assert answer.read()
