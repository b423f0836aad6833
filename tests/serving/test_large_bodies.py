"""A hundred megabytes, really sent: refused with a sentence, never kept, and nobody else notices."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serving.shop import Served

PIECE = b" " * (1 << 20)
PIECES = 100


def resident_mb(served: Served) -> float:
    return int(Path(f"/proc/{served.process.pid}/statm").read_text().split()[1]) * 4096 / 1e6


def sent(connection: socket.socket, *, chunked: bool) -> int:
    """Send all of it, or until the other side has had enough; how many pieces went."""
    length = "transfer-encoding: chunked" if chunked else f"content-length: {len(PIECE) * PIECES}"
    connection.sendall(f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\n{length}\r\n\r\n".encode())
    for number in range(PIECES):
        try:
            connection.sendall(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
        except OSError:
            return number
    return PIECES


@pytest.mark.parametrize("chunked", [False, True], ids=["its length said", "in chunks"])
def test_a_hundred_megabytes_are_refused_and_not_kept(served: Served, chunked: bool) -> None:
    row = {"features": [0.5, -1.0, 2.0, 0.25]}
    assert served.ask("POST", "/predict", row).status == 200
    before_mb = resident_mb(served)
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        pieces = sent(connection, chunked=chunked)
        answer = b""
        try:
            answer = connection.recv(4096)
        except ConnectionResetError:
            assert pieces < PIECES
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
        assert served.ask("POST", "/predict", row).status == 200
    assert resident_mb(served) - before_mb < 80  # at most the bound of a body, twice
