"""Bodies: refused before they are read when they are too large, given up when they come too slowly."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, QuarterdeckError, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from engine.server.settings import Settings
    from engine.serving.calls import Call

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY_S = 30.0
"""Seconds until a body must be there, however it trickles."""

_INLINE_BYTES = 2 << 10
"""Compressed bodies up to this are inflated on the event loop: they hold no more than two megabytes."""

_CODINGS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
"""Of each compression that is taken, what zlib calls it; HTTP's "deflate" has zlib's own head."""


class TooSlow(QuarterdeckError):
    """The client did not send its body in time."""

    code = "request_timeout"
    http_status = 408


class Disconnected(Exception):
    """The client has gone; nobody waits for an answer."""


async def read_body(call: Call, receive: Receive, settings: Settings) -> bytes:
    """The body of a request, inflated.

    Args:
        call: The request.
        receive: Gives its pieces.
        settings: The bounds.

    Raises:
        TooLarge: it has more bytes than are taken, as sent or inflated.
        TooSlow: it did not come in time.
        InvalidInput: its length is none, or it is compressed in a broken way.
        UnsupportedMediaType: it is compressed in another way than gzip or deflate.
        Disconnected: the client has gone.
    """
    most = settings.max_body_bytes
    check_length(call.values, most)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body") or message["type"] != "http.request":
        body = await _rest(message, receive, most)
    if b"content-encoding" in call.values:
        coding, most = call.values[b"content-encoding"], settings.max_inflated_bytes
        if len(body) > _INLINE_BYTES:
            return await asyncio.to_thread(inflated, body, coding, most)
        return inflated(body, coding, most)
    return body


def check_length(values: Mapping[bytes, bytes], most: int) -> None:
    """Refuse a body by what its head says of it.

    Args:
        values: The headers.
        most: Bytes that are taken.

    Raises:
        TooLarge: it has more.
        InvalidInput: the length is none.
    """
    length = values.get(b"content-length")
    if length is None:
        return
    if not (length.isdigit() and len(length) <= 18):
        raise InvalidInput("The length of the body is no number.", hint="Send one Content-Length.")
    if int(length) > most:
        raise _too_large(most)


async def _rest(first: MutableMapping[str, Any], receive: Receive, most: int) -> bytes:
    pieces: list[bytes] = []
    size, message = 0, first
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                if message["type"] != "http.request":
                    raise Disconnected
                piece = message.get("body", b"")
                size += len(piece)
                if size > most:
                    raise _too_large(most)
                pieces.append(piece)
                if not message.get("more_body"):
                    return b"".join(pieces)
                message = await receive()
    except TimeoutError as error:
        raise TooSlow(f"The body was not there after {BODY_S:.0f} seconds.", hint="Send it faster, or less.") from error


def inflated(body: bytes, coding: bytes, most: int) -> bytes:
    """A body without its compression.

    Args:
        body: As it was sent.
        coding: What its `Content-Encoding` says.
        most: Bytes that are taken.

    Raises:
        TooLarge: it would have more.
        InvalidInput: it is broken.
        UnsupportedMediaType: it is compressed in another way than gzip or deflate.
    """
    known = coding.strip().lower()
    if known in (b"", b"identity"):
        return body
    window = _CODINGS.get(known)
    if window is None:
        raise UnsupportedMediaType(
            "The body may be compressed by gzip or deflate.", hint="Send it without Content-Encoding."
        )
    inflater, name = zlib.decompressobj(window), known.decode("ascii")
    try:
        found = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise InvalidInput(f"The body says it is {name}, and is not.") from error
    if len(found) > most:
        raise _too_large(most)
    if not inflater.eof:
        raise InvalidInput(f"The body ends in the middle of its {name} stream.")
    return found


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body has more than {most} bytes.", hint="Send fewer rows at once.")
