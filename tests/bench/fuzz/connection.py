"""A keep-alive connection that sends bytes as they are and says what came back, in time or not."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Self

LONGEST_S = 5.0
"""How long an answer may take."""

_PIECE = 65_536
_BODILESS = (204, 304)


class Broken(Exception):
    """The connection ended where an answer was due."""


class Hung(Exception):
    """No answer, or not the whole of one, came in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: Its status.
        head: Its status line and headers, in lower case.
        body: Its body; what had come when it is a stream of events, which has no end.
        seconds: How long it took.
    """

    status: int
    head: bytes
    body: bytes
    seconds: float


class Connection:
    """One connection to a server; made anew when the server has closed it after an answer.

    Args:
        port: Where the server listens on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._kept = b""
        self._deadline = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._kept = None, b""

    def send(self, method: str, raw: bytes) -> Answer:
        """Send a request, and wait for its answer.

        Args:
            method: The method that the bytes name.
            raw: The bytes.

        Returns:
            The answer.

        Raises:
            Broken: the connection ended before the answer did.
            Hung: the answer was not whole in time.
        """
        began = time.monotonic()
        self._deadline = began + LONGEST_S
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), LONGEST_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._push(self._socket, raw)
            return self._answer(method, began)
        except TimeoutError as error:
            self.close()
            raise Hung(f"nothing within {LONGEST_S:.0f} s") from error
        except OSError as error:
            self.close()
            raise Broken(str(error)) from error
        except Broken:
            self.close()
            raise

    def _push(self, to: socket.socket, raw: bytes) -> None:
        """Send all that the server still takes: it may refuse a request by its head, and end the connection."""
        to.settimeout(LONGEST_S)
        try:
            to.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            return  # its answer may be there to read

    def _answer(self, method: str, began: float) -> Answer:
        status, head = self._head()
        while status < 200:
            status, head = self._head()
        if b"\r\ncontent-type: text/event-stream" in head and method != "HEAD":
            self.close()
            return Answer(status, head, b"", time.monotonic() - began)
        body = b"" if method == "HEAD" or status in _BODILESS else self._body(head)
        if b"\r\nconnection: close" in head:
            self.close()
        return Answer(status, head, body, time.monotonic() - began)

    def _head(self) -> tuple[int, bytes]:
        while (end := self._kept.find(b"\r\n\r\n")) < 0:
            self._more()
        head, self._kept = self._kept[:end].lower(), self._kept[end + 4 :]
        try:
            return int(head[9:12]), head
        except ValueError:
            raise Broken(f"no HTTP: {head[:60]!r}") from None

    def _body(self, head: bytes) -> bytes:
        if b"\r\ntransfer-encoding: chunked" in head:
            return b"".join(iter(self._chunk, b""))
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            return self._rest()
        return self._take(int(head[at + 17 :].split(b"\r\n", 1)[0]))

    def _chunk(self) -> bytes:
        while (end := self._kept.find(b"\r\n")) < 0:
            self._more()
        size = int(self._kept[:end], 16)
        self._kept = self._kept[end + 2 :]
        return self._take(size + 2)[:-2]

    def _take(self, size: int) -> bytes:
        pieces, has = [self._kept], len(self._kept)
        while has < size:
            self._kept = b""
            self._more()
            pieces.append(self._kept)
            has += len(self._kept)
        whole = b"".join(pieces)
        self._kept = whole[size:]
        return whole[:size]

    def _rest(self) -> bytes:
        try:
            while True:
                self._more()
        except Broken:
            rest, self._kept = self._kept, b""
            self.close()
            return rest

    def _more(self) -> None:
        assert self._socket is not None
        self._socket.settimeout(max(self._deadline - time.monotonic(), 0.001))
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise Broken("it ended")
        self._kept += piece
