"""Requests straight on sockets, without any client library: as fast as a server can take them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import cast

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends one request after the other and counts answers.

    Args:
        requests: What it sends, in turn.
        until: When it stops, on the monotonic clock.
    """

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests = requests
        self._until = until
        self._answer = b""
        self._sent = 0.0
        self.taken: list[float] = []
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio gives it
        """End."""
        if not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take an answer, then send the next request."""
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().index(b"content-length:")
        if len(body) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return
        self._answer = b""
        now = time.perf_counter()
        self.taken.append(now - self._sent)
        self.refused += not head.startswith(b"HTTP/1.1 200")
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            assert self._transport is not None
            self._transport.close()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def request(path: str, body: bytes, method: str = "POST") -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def pound(port: int, requests: Sequence[Iterator[bytes]], seconds: float) -> tuple[list[float], int, float]:
    """Send requests on as many connections as there are iterators.

    Args:
        port: Where, on this machine.
        requests: What each connection sends.
        seconds: For how long.

    Returns:
        Seconds of each answer, how many were not 200, and how long it took altogether in seconds.
    """

    async def run() -> tuple[list[float], int, float]:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        made = [
            (await loop.create_connection(lambda each=each: Connection(each, began + seconds), "127.0.0.1", port))[1]  # type: ignore[misc]
            for each in requests
        ]
        await asyncio.gather(*(each.done for each in made))
        lasted = time.perf_counter() - began
        return [taken for each in made for taken in each.taken], sum(each.refused for each in made), lasted

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
