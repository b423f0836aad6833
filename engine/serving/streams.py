"""Streams of rows: a line of JSON in, a line out, however many; no more than a piece of it in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import QuarterdeckError, TooLarge
from engine.serving.calls import JSON, Answer, Call
from engine.serving.plain import Plain
from engine.serving.reading import BODY_S, Disconnected, TooSlow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    from engine.serving.predicting import Predictor

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

MOST_LINE_BYTES = 1 << 20
"""Longest line."""

_NDJSON: tuple[bytes, bytes] = (b"content-type", b"application/x-ndjson")
_EVENTS = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"))
_PIECE_BYTES = 16 << 10
_ENCODER = msgspec.json.Encoder()


class Streams:
    """Answers streams.

    Args:
        predictor: Answers each line as if it were a request of its own.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._dialect = Plain()

    async def answer(self, call: Call, receive: Receive, send: Send, admit: Callable[[], None]) -> None:
        """Answer a stream: each line is `{"features": …}` or the features alone; a bad line gets a line that says so.

        Args:
            call: The request.
            receive: Gives the pieces of its body.
            send: Takes the answer.
            admit: Lets it in, or raises.

        Raises:
            Disconnected: the client has gone.
        """
        try:
            admit()
        except QuarterdeckError as error:
            await _refuse(call, error, send)
            return
        events = b"text/event-stream" in (call.header(b"accept") or b"")
        headers = (*(_EVENTS if events else (_NDJSON,)), (b"x-request-id", call.request_id))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        piece = bytearray()
        number = 0
        try:
            async for line in _lines(receive):
                if line is None:
                    if piece:
                        await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
                        piece.clear()
                    continue
                said = await self._one(call, line, number)
                piece += b"data: %b\n\n" % said if events else said + b"\n"
                number += 1
                if len(piece) > _PIECE_BYTES:
                    await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
                    piece.clear()
        except QuarterdeckError as error:
            said = _ENCODER.encode({"error": str(error)})
            piece += b"data: %b\n\n" % said if events else said + b"\n"
        await send({"type": "http.response.body", "body": bytes(piece), "more_body": False})

    async def _one(self, stream: Call, line: bytes, number: int) -> bytes:
        call = Call(stream.method, stream.path, stream.headers, stream.client)
        call.endpoint, call.version = stream.endpoint, stream.version
        call.request_id = b"%b.%d" % (stream.request_id, number)
        call.body = line if line.lstrip()[:1] == b"{" and b'"features"' in line else b'{"features":%b}' % line
        answer = self._predictor.begin(call, self._dialect)
        if not isinstance(answer, Answer):
            answer = await answer
        return answer.body


async def _lines(receive: Receive) -> AsyncIterator[bytes | None]:
    """The lines of a body that are not empty; `None` where nothing more is there at the moment."""
    rest = b""
    while True:
        try:
            async with asyncio.timeout(BODY_S):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow(f"Nothing came for {BODY_S:.0f} seconds.") from error
        if message["type"] != "http.request":
            raise Disconnected
        *lines, rest = (rest + message.get("body", b"")).split(b"\n")
        more = message.get("more_body", False)
        if not more:
            lines.append(rest)
        for line in lines:
            if line.strip():
                yield line
        if not more:
            return
        if len(rest) > MOST_LINE_BYTES:
            raise TooLarge(f"A line has more than {MOST_LINE_BYTES} bytes.")
        yield None


async def _refuse(call: Call, error: QuarterdeckError, send: Send) -> None:
    body = _ENCODER.encode({"error": str(error)})
    headers = (
        JSON,
        (b"x-request-id", call.request_id),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    )
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
