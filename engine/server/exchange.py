"""A request and its answer on a connection: what is short goes out in one piece, so that its client wakes once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

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

    async def send(self, message: Any) -> None:
        """Take a piece of the answer; a head says so when it is the last one of its connection."""
        if message["type"] == "http.response.start" and not self.keep_alive:
            headers = [each for each in message.get("headers", ()) if each[0].lower() != _CONNECTION]
            message = {**message, "headers": [*headers, (_CONNECTION, b"close")]}
        await super().send(message)

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
        if not self._open_for(status):
            return False
        lines = []
        for name, value in headers:
            if name == _CONNECTION:
                return False
            lines.append(header_line(name, value))
        return self.reply_lines(status, b"".join(lines), body)

    def reply_lines(self, status: int, lines: bytes, body: bytes) -> bool:
        """Answer with a body and header lines that are there already.

        Args:
            status: The HTTP status.
            lines: Header lines as `header_line` makes them; the length of the body among them, `connection` not.
            body: The body.

        Returns:
            Whether it was taken, as `reply` says.
        """
        if not self._open_for(status):
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"%b%b%b%b" % (STATUS_LINE[status], lines, end, body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True

    def _open_for(self, status: int) -> bool:
        if self.disconnected or self.response_started or self.flow.write_paused:
            return False
        return status not in _BODILESS and self.scope["method"] != "HEAD"


@lru_cache(1024)
def header_line(name: bytes, value: bytes) -> bytes:
    """A line of a head.

    Args:
        name: In lower case.
        value: What it says.

    Raises:
        RuntimeError: either holds what would end the line.
    """
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("a header of the answer holds what would end its line")
    return b"%b: %b\r\n" % (name, value)
