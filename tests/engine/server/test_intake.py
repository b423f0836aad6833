"""Long uploads: read past the parser, and whatever becomes of them, the connection goes on where the body ends."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import engine
from engine.server.intake import BUFFER_BYTES, BUFFERS
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
HEALTH = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
LAST = HEALTH + b"connection: close\r\n\r\n"
PATIENCE_S = 20.0
IDLE_S = 1.0
BODY = os.urandom(BUFFER_BYTES * (2 * BUFFERS + 1) + 7)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A server that waits for nobody for long."""
    workspace = empty_workspace(tmp_path / "workspace").path
    with (
        engine.open(workspace, via="http") as opened,
        ThreadedServer(opened, Settings(port=0, idle_s=IDLE_S)) as url,
        Wire(url, opened) as found,
    ):
        yield found


@pytest.fixture
def path(wire: Wire) -> str:
    run = wire.engine.runs.start("trials", "first")
    run.finish()
    return f"{PROXY}/{wire.engine.runs.get(run.id).experiment_id}/{run.id}/artifacts/big.bin"


def head(path: str, size: int, more: str = "") -> bytes:
    return f"PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n{more}\r\n".encode()


def connected(wire: Wire) -> socket.socket:
    parts = urlsplit(wire.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S)


def until_closed(connection: socket.socket) -> bytes:
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    return said


def statuses(answers: bytes) -> list[int]:
    return [int(each[:3]) for each in answers.split(b"HTTP/1.1 ")[1:]]


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def left_over(wire: Wire) -> list[Path]:
    return list(wire.engine.workspace.artifacts.rglob("*.part"))


@pytest.mark.parametrize("pause_after", [0, 10, BUFFER_BYTES, len(BODY) - 1], ids=["head", "few", "one", "all but one"])
def test_a_long_body_comes_whole_and_requests_behind_it_are_answered(wire: Wire, path: str, pause_after: int) -> None:
    with closing(connected(wire)) as connection:
        connection.sendall(head(path, len(BODY)) + BODY[:pause_after])
        time.sleep(0.05)  # what comes first and what comes later go different ways
        connection.sendall(BODY[pause_after:] + HEALTH + b"\r\n" + head(path + "2", len(BODY)) + BODY + LAST)
        assert statuses(until_closed(connection)) == [200] * 4
    for each in (path, path + "2"):
        assert sha256(wire.send("GET", each).body).digest() == sha256(BODY).digest()


def test_who_waits_to_be_told_to_go_on_is_told(wire: Wire, path: str) -> None:
    with closing(connected(wire)) as connection:
        connection.sendall(head(path, len(BODY), "expect: 100-continue\r\n"))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(BODY + LAST)
        assert statuses(until_closed(connection)) == [200, 200]


def test_the_rest_of_a_body_that_could_not_be_stored_is_never_a_request(wire: Wire, path: str) -> None:
    objects = wire.engine.workspace.artifacts / "objects"
    objects.parent.mkdir(exist_ok=True)
    objects.write_bytes(b"in the way")
    hidden = (HEALTH + b"\r\n") * (3 * BUFFERS * BUFFER_BYTES // len(HEALTH))
    with closing(connected(wire)) as connection:
        connection.sendall(head(path, len(hidden)) + hidden + LAST)
        first, *others = statuses(until_closed(connection))
    assert (first >= 400, others) == (True, [200])


def test_who_goes_away_in_the_middle_leaves_nothing(wire: Wire, path: str) -> None:
    with closing(connected(wire)) as connection:
        connection.sendall(head(path, len(BODY)) + BODY[: 3 * BUFFER_BYTES])
        assert eventually(lambda: bool(left_over(wire)))
    assert eventually(lambda: not left_over(wire))
    assert wire.send("GET", path).status == 404


def test_who_falls_silent_in_the_middle_is_let_go(wire: Wire, path: str) -> None:
    with closing(connected(wire)) as connection:
        connection.sendall(head(path, len(BODY)) + BODY[: 3 * BUFFER_BYTES])
        assert statuses(until_closed(connection)) == [408]
    assert eventually(lambda: not left_over(wire))
