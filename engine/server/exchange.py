"""A request and its answer on a connection: what is short goes out in one piece, so that its client wakes once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

_BODILESS = frozenset((204, 304))
_CONNECTION = b"connection"


class Exchange(RequestResponseCycle):
    """One request being answered; as an ASGI server has it, and for whole answers by a shorter way.

    Attributes:
        task: What answers it.
    """

    task: asyncio.Task[None] | None = None

    def reply(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Answer with a body that is there already.

        Args:
            status: The HTTP status.
            headers: Names in lower case and values; the length of the body among them.
            body: The body.

        Returns:
            Whether it was taken; if not, it goes the long way: the client reads slowly, has gone, or is not to be sent
            the body.

        Raises:
            RuntimeError: a header holds what would end its line.
        """
        if self.disconnected or self.response_started or self.flow.write_paused:
            return False
        if status in _BODILESS or self.scope["method"] == "HEAD":
            return False
        pieces = [STATUS_LINE[status]]
        for name, value in headers:
            if name == _CONNECTION:
                return False
            pieces.append(_line(name, value))
        pieces += (b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n", body)
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"".join(pieces))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


@lru_cache(1024)
def _line(name: bytes, value: bytes) -> bytes:
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("a header of the answer holds what would end its line")
    return b"%b: %b\r\n" % (name, value)
