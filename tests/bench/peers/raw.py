"""Requests straight on sockets, without any client library: as fast as a server can take them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

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
        self._due = False
        self.taken: list[float] = []
        self.refused = 0
        self.lost = 0
        self.broken = False
        self.done = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio gives it
        """End; what was sent and not answered is lost."""
        self.lost += self._due
        if not self.done.done():
            self.broken = True
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
        self._due = False
        now = time.perf_counter()
        self._note(head, now)
        if now < self._until:
            self._go_on()
        else:
            self._finish()

    def _note(self, head: bytes, now: float) -> None:
        self.taken.append(now - self._sent)
        self.refused += not head.startswith(b"HTTP/1.1 200")

    def _go_on(self) -> None:
        self._send()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        assert self._transport is not None
        self._transport.close()

    def _send(self) -> None:
        asked = next(self._requests, None)
        if asked is None:
            self._finish()
            return
        assert self._transport is not None
        if self._transport.is_closing():
            return
        self._due = True
        self._sent = time.perf_counter()
        self._transport.write(asked)


class Seen(NamedTuple):
    """An answer, and who gave it.

    Args:
        sent_s: When its request was sent, on the monotonic clock.
        ended_s: When it was there.
        status: Its HTTP status.
        version: Such as `churn/7`; empty when nobody says.
        generation: The routes it went by; 0 when nobody says.
    """

    sent_s: float
    ended_s: float
    status: int
    version: str
    generation: int


class Watcher(Connection):
    """A connection that keeps what each answer says of itself.

    Args:
        requests: What it sends, in turn; it ends with them.
        until: When it stops, on the monotonic clock.
        every_s: Seconds from one request to the next; at once after an answer when 0.
    """

    def __init__(self, requests: Iterator[bytes], until: float, every_s: float = 0.0) -> None:
        super().__init__(requests, until)
        self._every_s = every_s
        self._loop = asyncio.get_running_loop()
        self.seen: list[Seen] = []

    def _note(self, head: bytes, now: float) -> None:
        version, generation = _said(head, b"x-model-version: "), _said(head, b"x-deployment-generation: ")
        self.seen.append(Seen(self._sent, now, int(head[9:12]), version, int(generation or 0)))

    def _go_on(self) -> None:
        wait_s = self._sent + self._every_s - time.perf_counter()
        if wait_s > 0:
            self._loop.call_later(wait_s, self._send)
        else:
            self._send()


def _said(head: bytes, name: bytes) -> str:
    _, found, rest = head.partition(name)
    return rest.partition(b"\r\n")[0].decode() if found else ""


def watch(
    port: int, requests: Sequence[Iterator[bytes]], seconds: float, *, every_s: float = 0.0
) -> tuple[list[list[Seen]], int, int]:
    """Send requests on as many connections as there are iterators, and keep what every answer says of itself.

    Args:
        port: Where, on this machine.
        requests: What each connection sends; it ends with them.
        seconds: For how long at most.
        every_s: Seconds from one request of a connection to its next.

    Returns:
        What each connection saw, in the order of its requests; how many requests were sent and never answered; how many
        connections broke off before they were done.
    """

    async def run() -> tuple[list[list[Seen]], int, int]:
        loop = asyncio.get_running_loop()
        until = time.perf_counter() + seconds
        made = []
        for index, each in enumerate(requests):
            await asyncio.sleep(every_s / len(requests) if index else 0)  # spread evenly
            connect = loop.create_connection(lambda each=each: Watcher(each, until, every_s), "127.0.0.1", port)  # type: ignore[misc]
            made.append((await connect)[1])
        await asyncio.gather(*(each.done for each in made))
        return [each.seen for each in made], sum(each.lost for each in made), sum(each.broken for each in made)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def request(path: str, body: bytes, method: str = "POST", headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}{more}content-length: {len(body)}\r\n\r\n".encode() + body


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
