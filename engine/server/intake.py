"""Long bodies: read straight from the connection into large buffers, which are used again and again."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.flow_control import FlowControl

BUFFER_BYTES = 1 << 19
"""Bytes of a buffer: large enough that what is done once for each does not count."""

TAKERS = 2
"""Who every piece is for: one hashes while the other writes."""

BUFFERS = 4
"""Buffers of an upload: some are stored while others fill. They take memory only once something is in them."""


class Connection(Protocol):
    """What an intake asks of the connection whose body it takes."""

    loop: asyncio.AbstractEventLoop
    flow: FlowControl
    transport: asyncio.Transport

    def heard(self) -> None:
        """The client has sent something."""

    def take_back(self) -> None:
        """The body is over: take what comes again."""

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""

    def resume_writing(self) -> None:
        """The client reads on."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""


class Intake(asyncio.BufferedProtocol):
    """Stands in for a connection until a body of known length is over.

    What comes is not parsed and not copied: it is read into one of a few buffers, handed to every taker when that is
    full, and read into again once all have given it back. While none is free, nothing is read, and the client waits.

    Args:
        connection: Whose body; it is asked for nothing else until `take_back`.
        begun: What came of the body before.
        left: Bytes that are still to come, at least one.
    """

    def __init__(self, connection: Connection, begun: bytearray, left: int) -> None:
        self._connection = connection
        self._left = left
        self._free: deque[bytearray] = deque()
        self._made = 1
        self._buffer = bytearray(BUFFER_BYTES)
        self._used = 0
        self._filled: tuple[deque[memoryview], ...] = tuple(deque() for _ in range(TAKERS))
        self._out: deque[bytearray] = deque()
        self._given_back = [0] * TAKERS
        self._freed = 0
        self._news = asyncio.Event()
        self._dropping = self._gone = False
        if begun:
            self._hand_over(begun, len(begun))
        connection.transport.set_protocol(self)
        connection.flow.resume_reading()

    async def more(self, taker: int) -> bool:
        """Wait until there is something to `take`.

        Args:
            taker: For whom, from 0.

        Returns:
            Whether there is; not when the body is over, or dropped.

        Raises:
            ClientDisconnect: the client has gone before the body was over.
        """
        while not self._filled[taker]:
            if self._dropping or not self._left:
                return False
            if self._gone:
                from starlette.requests import ClientDisconnect  # the data plane does without all of starlette

                raise ClientDisconnect
            self._news.clear()
            await self._news.wait()
        return True

    def take(self, taker: int) -> memoryview | None:
        """The next piece for a taker, or `None` when none is there now; from its own thread. Give it back.

        Args:
            taker: Who, from 0.
        """
        filled = self._filled[taker]
        return filled.popleft() if filled else None

    def give_back(self, taker: int) -> None:
        """Be done with the piece that was taken first; from any thread.

        Args:
            taker: Who, from 0.
        """
        self._connection.loop.call_soon_threadsafe(self._reuse, taker)

    def drop(self) -> None:
        """Take nothing more: the rest of the body, if there is one, passes unseen."""
        if not self._left or self._gone:
            return
        self._dropping = True
        for each in self._filled:
            each.clear()
        self._news.set()
        self._used = 0
        self._buffer = self._buffer or bytearray(BUFFER_BYTES)
        self._connection.flow.resume_reading()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the next bytes go; never beyond the body, for what follows it is the next request's."""
        return memoryview(self._buffer)[self._used : self._used + self._left]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self._connection.heard()
        self._left -= nbytes
        if self._dropping:
            self._end_if_over()
            return
        self._used += nbytes
        if self._used == len(self._buffer) or not self._left:
            self._hand_over(self._buffer, self._used)
            self._used = 0
            if self._left:
                self._next_buffer()
        self._end_if_over()

    def eof_received(self) -> None:
        """The client sends nothing more; the connection is closed."""

    def pause_writing(self) -> None:
        """The client reads more slowly than is written."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The client reads on."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._gone = True
        self._news.set()
        self._connection.connection_lost(exc)

    def _hand_over(self, buffer: bytearray, used: int) -> None:
        piece = memoryview(buffer)[:used]
        self._out.append(buffer)
        for each in self._filled:
            each.append(piece)
        self._news.set()

    def _next_buffer(self) -> None:
        if self._free:
            self._buffer = self._free.popleft()
        elif self._made < BUFFERS:
            self._made += 1
            self._buffer = bytearray(BUFFER_BYTES)
        else:
            self._buffer = bytearray()
            self._connection.flow.pause_reading()

    def _reuse(self, taker: int) -> None:
        self._given_back[taker] += 1
        if min(self._given_back) == self._freed:
            return
        self._freed += 1
        buffer = self._out.popleft()
        if len(buffer) < BUFFER_BYTES or self._dropping or not self._left:
            return
        if self._buffer:
            self._free.append(buffer)
        else:
            self._buffer = buffer
            self._connection.flow.resume_reading()

    def _end_if_over(self) -> None:
        if not self._left:
            self._connection.take_back()
