"""HTTP as the server takes it: with bounds on heads, on silence and on connections, before any route is looked for."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, cast

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.server.intake import BUFFER_BYTES, Intake

if TYPE_CHECKING:
    import asyncio

    from engine.server.crowd import Crowd
    from engine.server.settings import Settings

MAX_HEADERS = 100
"""Most header lines of a request."""

BODY_AHEAD_BYTES = 1 << 20
"""Bytes of a body that may wait for whoever reads it: stopping and starting at every piece halves what passes."""


class _Refused(Exception):
    """Ends the parsing of a head; what is answered stands in the connection."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client, who may be slow, silent, or hostile.

    What takes too long is timed only while it is not there yet: a request that comes at once costs no timer.

    Attributes:
        settings: The bounds.
        crowd: All connections of the server.
    """

    settings: ClassVar[Settings]
    crowd: ClassVar[Crowd]

    _counted: str | None = None
    _in_head = False
    _in_body = False
    _head_bytes = 0
    _fed_bytes = 0
    _come_bytes = 0
    _heard_s = 0.0
    _refusal = HTTPStatus.BAD_REQUEST
    _timer: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, unless there are too many connections, of all or of its address."""
        super().connection_made(transport)
        self._counted = self.crowd.enter(self.client[0] if self.client else None)
        if self._counted is None or len(self.connections) > self.settings.max_connections:
            self.crowd.turned_away += 1
            self._end(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._arm(self.settings.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._disarm()
        self._unset_keepalive_if_required()
        self.crowd.quick(self)
        if self._counted is not None:
            self.crowd.leave(self._counted)
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; time what has not."""
        if self.transport.is_closing():
            return
        was_in_head = self._in_head
        super().data_received(data)
        if self._in_head:
            if was_in_head:
                # The parser keeps a header that has no end to itself, so the bytes are counted here too.
                self._fed_bytes += len(data)
                if self._fed_bytes > self.settings.max_header_bytes:
                    self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            else:
                self._arm(self.settings.head_s)
        elif self._in_body or self._is_idle():
            self._heard_s = self.loop.time()
            if self._timer is None and self.timeout_keep_alive_task is None:
                self._arm(self.settings.idle_s)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        self._head_bytes = self._fed_bytes = self._come_bytes = 0
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["intake"] = self.intake

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line."""
        self._count(len(name) + len(value))
        if len(self.headers) >= MAX_HEADERS:
            self._refuse_head()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there: have it answered."""
        self._in_head, self._in_body = False, True
        self._disarm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        cycle = self.cycle
        self._come_bytes += len(body)
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > BODY_AHEAD_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The body is there."""
        self._in_body = False
        super().on_message_complete()

    def intake(self, scope: Any) -> Intake | None:
        """Have the rest of a long body read past the parser, which copies it several times.

        Args:
            scope: The request, as its handler has it.

        Returns:
            What takes it; `None` when the body is short, of unknown length or there already.
        """
        cycle = self.cycle
        length = next((int(value) for name, value in cycle.scope["headers"] if name == b"content-length"), 0)
        left = length - self._come_bytes
        if cycle.scope is not scope or not self._in_body or left < BUFFER_BYTES or self.transport.is_closing():
            return None
        if cycle.waiting_for_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        begun, cycle.body = cycle.body, bytearray()
        return Intake(self, begun, left)

    def heard(self) -> None:
        """The client has sent something past the parser."""
        self._heard_s = self.loop.time()

    def take_back(self) -> None:
        """The body that went past the parser is over: what comes now is the next request."""
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.on_message_complete()
        self.transport.set_protocol(self)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is none, and close; `msg` is not said, for every client gets the same words."""
        del msg
        self._end(self._refusal)

    def pause_writing(self) -> None:
        """The client reads more slowly than we write: give it time, but not for ever."""
        super().pause_writing()
        self.crowd.slow(self)
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client reads on."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        self.crowd.quick(self)
        super().resume_writing()

    def _watch(self, left_bytes: int) -> None:
        self._stall = self.loop.call_later(self.settings.idle_s, self._check_stall, left_bytes)

    def _check_stall(self, left_bytes: int) -> None:
        now_left = self.transport.get_write_buffer_size()
        if now_left >= left_bytes:
            self.transport.abort()
        else:
            self._watch(now_left)

    def _count(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self.settings.max_header_bytes:
            self._refuse_head()

    def _refuse_head(self) -> None:
        self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        raise _Refused

    def _is_idle(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _arm(self, after_s: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(after_s, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """The time for something is over; see whether it has come."""
        self._timer = None
        if self._in_head:
            self._end(HTTPStatus.REQUEST_TIMEOUT)
        elif self.cycle is None:
            self.transport.close()  # it has never asked for anything
        elif self._in_body or self._is_idle():
            self._look_at_silence()

    def _look_at_silence(self) -> None:
        left_s = self._heard_s + self.settings.idle_s - self.loop.time()
        if self.flow.read_paused:  # it is we who do not read
            self._arm(self.settings.idle_s)
        elif left_s > 0:
            self._arm(left_s)
        else:
            self._end(HTTPStatus.REQUEST_TIMEOUT)

    def _end(self, status: HTTPStatus) -> None:
        """Close the connection; say why where nothing else is being said."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete
        waiting = answering and self._in_body and not cycle.response_started and not self.pipeline
        if waiting:
            cycle.disconnected = True  # its handler is told that the client has gone
        if waiting or not answering:
            self.transport.write(_answer(status))
        self._in_head = self._in_body = False
        self.transport.close()


def _answer(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}.\n"
    retry = "retry-after: 1\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n{retry}"
    return f"{head}content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode("ascii")


def bounded(settings: Settings, crowd: Crowd) -> type[BoundedProtocol]:
    """The protocol of a server's connections, for `uvicorn.Config(http=…)`.

    Args:
        settings: The bounds.
        crowd: Told of them all.
    """
    return type("Bounded", (BoundedProtocol,), {"settings": settings, "crowd": crowd})
