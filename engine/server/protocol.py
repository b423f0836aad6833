"""HTTP as the server takes it: with bounds on heads, on silence and on connections, before any route is looked for."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import unquote

from httptools import HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.server.exchange import Exchange
from engine.server.intake import BUFFER_BYTES, Intake

if TYPE_CHECKING:
    from engine.server.crowd import Crowd
    from engine.server.settings import Settings

MAX_HEADERS = 100
"""Most header lines of a request."""

BODY_AHEAD_BYTES = 1 << 20
"""Bytes of a body that may wait for whoever reads it: stopping and starting at every piece halves what passes."""


_ASGI = {"version": "3.0", "spec_version": "2.3"}
_SHORT_TARGET = 80
"""Length of targets that are remembered once taken apart: those of what programs log."""


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
    _rest: asyncio.TimerHandle | None = None
    _rests_since_s = 0.0

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
        self.crowd.quick(self)
        if self._counted is not None:
            self.crowd.leave(self._counted)
        for timer in (self._stall, self._rest):
            if timer is not None:
                timer.cancel()
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
            if self._timer is None and (self._in_body or self._rest is None):
                self._arm(self.settings.idle_s)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        self._head_bytes = self._fed_bytes = self._come_bytes = 0
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._count(len(url))
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line."""
        self._head_bytes += len(name) + len(value)
        headers = self.headers
        if self._head_bytes > self.settings.max_header_bytes or len(headers) >= MAX_HEADERS:
            self._refuse_head()
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there: have it answered, after those that came before."""
        if not self.url.startswith(b"/") and not self._goes_to_its_host():
            raise _Refused
        self._in_head, self._in_body = False, True
        if self._timer is not None:
            self._disarm()
        scope = self._scope()
        before = self.cycle
        self.cycle = cycle = Exchange(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=scope["http_version"] != "1.0" and self.parser.should_keep_alive() and not self.crowd.leaving,
            on_response=self.on_response_complete,
        )
        scope["reply"] = cycle.reply
        if before is None or before.response_complete:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _goes_to_its_host(self) -> bool:
        """Whether a target with a host in it names the one of the header: others may go by either of them."""
        named = self.url.partition(b"://")[2].replace(b"?", b"/").partition(b"/")[0]
        return named.lower() == dict(self.headers).get(b"host", b"").lower()

    def _scope(self) -> Any:
        path, raw_path, query = (_short_target if len(self.url) <= _SHORT_TARGET else _target)(self.url)
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self.parser.get_http_version(),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "headers": self.headers,
            "method": self.parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "intake": self.intake,
        }

    def _start(self, exchange: Exchange) -> None:
        exchange.task = task = self.loop.create_task(self._answer(exchange))
        self.tasks.add(task)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await exchange.run_asgi(self.app)
        finally:
            if exchange.task is not None:
                self.tasks.discard(exchange.task)
                exchange.task = None

    def take_leave(self) -> None:
        """Have the answer that is due be the last one; who waits for none is told with the next."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """An answer is out: go on with the next request, or begin to wait for one.

        A timer that is set anew for every request costs more than one that looks, once it is over, how long it was.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(cast("Exchange", self.pipeline.pop()[0]))
            return
        self._rests_since_s = self.loop.time()
        if self._rest is None:
            self._rest = self.loop.call_later(self.timeout_keep_alive, self._look_at_rest)

    def _look_at_rest(self) -> None:
        self._rest = None
        if self._in_head or not self._is_idle() or self.transport.is_closing():
            return  # the next answer sets it again
        left_s = self._rests_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._rest = self.loop.call_later(left_s, self._look_at_rest)
        else:
            self.transport.close()

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


def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """Path, path as it came, and query."""
    parts = parse_url(url)
    raw_path: bytes = parts.path
    path = raw_path.decode("ascii")
    return unquote(path) if "%" in path else path, raw_path, parts.query or b""


_short_target = lru_cache(256)(_target)


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
