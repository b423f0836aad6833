"""The ASGI application of the data plane: finds out what is asked, reads it within bounds, answers in one piece."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from engine import __version__
from engine.core.access import Role
from engine.core.errors import NotFound, QuarterdeckError
from engine.core.text import clean
from engine.server.exchange import header_line
from engine.serving.calls import JSON, ONLY_JSON, Answer, Call, RequestIds
from engine.serving.heads import Heads
from engine.serving.invocations import Invocations
from engine.serving.labels import read_labels
from engine.serving.metrics import exposition
from engine.serving.paths import Paths, Route, What
from engine.serving.plain import Plain
from engine.serving.predicting import retry_after
from engine.serving.reading import Disconnected, read_body
from engine.serving.sharing import Standing
from engine.serving.turns import Turns
from engine.serving.v2 import V2, model_metadata, server_metadata

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence

    from engine.server.exchange import Exchange
    from engine.server.settings import Settings
    from engine.serving.calls import Dialect, Raw
    from engine.serving.coming import Coming
    from engine.serving.counting import Counting
    from engine.serving.door import Door
    from engine.serving.labels import LabelSink
    from engine.serving.loading import Plane
    from engine.serving.predicting import Predictor
    from engine.serving.streams import Streams
    from engine.serving.turns import Asked, Seat

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_ENCODER = msgspec.json.Encoder()
_DIALECTS: dict[What, Dialect] = {What.V2: V2(), What.INVOCATIONS: Invocations(), What.PLAIN: Plain()}
_PROBES = frozenset((What.LIVE, What.READY, What.PING, What.MODEL_READY))
_FIXED = {
    What.SERVER: server_metadata(__version__),
    What.VERSION: Answer(200, __version__.encode("ascii"), ((b"content-type", b"text/plain; charset=utf-8"),)),
    What.LIVE: Answer(200, b'{"live":true}'),
}
_READINESS = {What.READY: b'{"ready":%b}', What.PING: b""}


class MethodNotAllowed(QuarterdeckError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    http_status = 405


class App:
    """Answers HTTP requests.

    Args:
        plane: What is served.
        predictor: Answers predictions.
        streams: Answers streams of rows.
        counting: What was answered.
        labels: Takes labels; `None` where nothing is captured.
        door: Lets requests in.
        settings: Bounds.
        later: Has something called before the event loop waits again.

    Attributes:
        turns: Answers predictions whose heads are known.
        ending: Whether the process is about to end, and should get no more requests.
    """

    def __init__(  # noqa: PLR0913, PLR0917 the parts of a data plane, wired in one place
        self,
        plane: Plane,
        predictor: Predictor,
        streams: Streams,
        counting: Counting,
        labels: LabelSink | None,
        door: Door,
        settings: Settings,
        *,
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        self._plane = plane
        self._predictor = predictor
        self._streams = streams
        self._counting = counting
        self._labels = labels
        self._door = door
        self._settings = settings
        self._scheme = "https" if settings.tls_certificate else "http"
        self._paths = Paths()
        self._ids = RequestIds()
        self._heads = Heads()
        self.turns = Turns(self._heads, self._alone, self._together, later)
        self._began_s = time.time()
        self.ending = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection are not taken."""
        if scope["type"] != "http":
            return
        client = scope["client"]
        call = Call(scope["method"], scope["path"], scope["headers"], client[0] if client else "")
        call.identify(self._ids)
        route = self._paths.find(call.method, call.path)
        try:
            if type(route) is Route and (dialect := _DIALECTS.get(route.what)) is not None:
                call.endpoint, call.version = route.endpoint, route.version
                answer = await self._predicted(call, dialect, scope, receive)
            elif type(route) is Route and route.what is What.STREAM:
                call.endpoint = route.endpoint
                await self._streams.answer(call, receive, send, lambda: self._admit(call, scope, route))
                return
            else:
                answer = await self._other(call, route, scope, receive)
        except Disconnected:
            return
        await _send(answer, scope, send)

    def _alone(self, asked: Asked) -> bytes | Coming | None:
        """Answer a prediction whose very head was answered before; see `Turns`."""
        known = asked.known
        call = known.again(asked.body, asked.request_id, asked.client, self._ids)
        if self._door.looks_each_time:
            try:
                self._door.admit(call, self._scheme)
            except QuarterdeckError:
                return None
        answer = self._predictor.at_once(call, known.dialect, asked.began_s, partial(_land, asked.seat))
        return _whole(answer) if type(answer) is Answer else cast("Coming | None", answer)

    def _together(self, asked: Sequence[Asked]) -> list[bytes | Coming | None]:
        """The same for several."""
        found: list[bytes | Coming | None] = [None] * len(asked)
        calls: list[tuple[Call, Dialect, float, Callable[[Answer], None]]] = []
        places: list[int] = []
        for place, (known, body, request_id, client, began_s, seat, _) in enumerate(asked):
            call = known.again(body, request_id, client, self._ids)
            if self._door.looks_each_time:
                try:
                    self._door.admit(call, self._scheme)
                except QuarterdeckError:
                    continue
            calls.append((call, known.dialect, began_s, partial(_land, seat)))
            places.append(place)
        for place, answer in zip(places, self._predictor.together(calls), strict=True):
            found[place] = _whole(answer) if type(answer) is Answer else cast("Coming | None", answer)
        return found

    def quick(self, exchange: Exchange, alone: bytes | None = None) -> Coroutine[Any, Any, None] | bool:
        """Answer a prediction whose body is there already, without a task of its own.

        Args:
            exchange: The request, none of whose answer is out.
            alone: What came on the connection, when that was this request and nothing else.

        Returns:
            True when it was answered; what will have answered it, to be run as a task; false when it goes the long way.
        """
        scope = exchange.scope
        route = self._paths.find(scope["method"], scope["path"])
        dialect = _DIALECTS.get(route[0]) if type(route) is Route else None
        if dialect is None:
            return False
        client = scope["client"]
        call = Call("POST", scope["path"], cast("Raw", scope["headers"]), client[0] if client else "")
        if b"content-encoding" in call.values or len(exchange.body) > self._settings.max_body_bytes:
            return False
        call.identify(self._ids)
        call.endpoint, call.version = cast("Route", route)[1:]
        call.body = bytes(exchange.body)
        try:
            self._door.admit(call, scope["scheme"])
        except QuarterdeckError as error:
            return _send(_refusal(call, error, dialect.failure(error)), cast("Any", scope), cast("Any", exchange.send))
        answer = self._predictor.begin(call, dialect)
        if type(answer) is not Answer:
            if alone is not None:
                self._heads.remember(alone, len(call.body), call, dialect)
            return self._finish(cast("Awaitable[Answer]", answer), exchange)
        if exchange.reply_lines(answer.status, _lines(answer), answer.body):
            if alone is not None:
                self._heads.remember(alone, len(call.body), call, dialect)
            return True
        return _send(answer, cast("Any", scope), cast("Any", exchange.send))

    async def _finish(self, coming: Awaitable[Answer], exchange: Exchange) -> None:
        try:
            answer = await coming
        except asyncio.CancelledError:
            if exchange.disconnected:
                return
            raise
        await _send(answer, cast("Any", exchange.scope), cast("Any", exchange.send))

    async def _predicted(
        self, call: Call, dialect: Dialect, scope: MutableMapping[str, Any], receive: Receive
    ) -> Answer:
        try:
            self._door.admit(call, scope["scheme"])
            call.body = await read_body(call, receive, self._settings)
        except QuarterdeckError as error:
            return _refusal(call, error, dialect.failure(error))
        answer = self._predictor.begin(call, dialect)
        return answer if isinstance(answer, Answer) else await answer

    def _admit(self, call: Call, scope: MutableMapping[str, Any], route: Route) -> None:
        needs = Role.WRITER if route.what is What.LABELS else Role.VIEWER
        self._door.admit(call, scope["scheme"], needs=None if route.what in _PROBES else needs)

    async def _other(
        self, call: Call, route: Route | tuple[str, ...], scope: MutableMapping[str, Any], receive: Receive
    ) -> Answer:
        try:
            if not isinstance(route, Route):
                self._door.admit(call, scope["scheme"])
                return _unknown(call, route)
            self._admit(call, scope, route)
            if route.what is What.LABELS:
                call.body = await read_body(call, receive, self._settings)
                return await self._take_labels(call)
            return self._told(route)
        except QuarterdeckError as error:
            return _refusal(call, error, _ENCODER.encode({"error": str(error)}))
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 the edge of a request: no traceback leaves the process
            sys.stderr.write(clean(f"{call.path}: {type(error).__name__}: {error}", limit=500) + "\n")
            return Answer(500, _ENCODER.encode({"error": "The data plane failed to answer. Its log says why."}))

    def _told(self, route: Route) -> Answer:
        """What is known without any prediction."""
        fixed = _FIXED.get(route.what)
        if fixed is not None:
            return fixed
        if route.what is What.METRICS:
            self._counting.flush(time.time())
            return exposition(self._counting.total(), self._gauges())
        if route.what in _READINESS:
            return self._readiness(_READINESS[route.what])
        return self._of_model(route)

    def _of_model(self, route: Route) -> Answer:
        served = self._plane.table.find(route.endpoint)
        if route.what is What.MODEL_READY:
            good = served.live is not None and not served.killed and not self.ending
            if route.version is not None:
                served.pinned(route.version)
            name = (route.endpoint or "").encode()
            return Answer(200 if good else 503, _ENCODER.encode({"name": name.decode(), "ready": good}))
        target = served.answering() if route.version is None else served.pinned(route.version)
        return model_metadata(route.endpoint or served.name, served, target)

    def _readiness(self, words: bytes) -> Answer:
        ready = self._plane.settled.is_set() and not self.ending
        body = words % (b"true" if ready else b"false") if words else b"\n"
        since_s = self._plane.stale_since
        stale = ((b"x-control-stale-seconds", b"%d" % (time.monotonic() - since_s)),) if since_s else ()
        return Answer(200 if ready else 503, body, (*ONLY_JSON, *stale))

    def standing(self) -> Standing:
        """How this process stands now."""
        since_s, table = self._plane.stale_since, self._plane.table
        batchers = (each.loaded.batcher for one in table.endpoints.values() for each in one.targets.values())
        stale_s = ceil(time.monotonic() - since_s) if since_s else 0
        return Standing(sum(each.waiting for each in batchers), stale_s)

    def _gauges(self) -> dict[str, tuple[str, float]]:
        waiting, stale_s = self._counting.standing(self.standing())
        return {
            "quarterdeck_up_seconds": ("Since the process began that answers this.", time.time() - self._began_s),
            "quarterdeck_endpoints": ("Endpoints that are served.", len(self._plane.table.endpoints)),
            "quarterdeck_control_stale_seconds": (
                "For how long a worker could not read the control database; 0 when all can.",
                stale_s,
            ),
            "batch_request_queue": ("MLServer: requests that wait to share a call.", waiting),
            "nv_inference_pending_request_count": ("Triton: requests that wait.", waiting),
        }

    async def _take_labels(self, call: Call) -> Answer:
        if self._labels is None:
            raise NotFound("This data plane captures nothing.", hint="Use `qd labels import FILE`.")
        report = await asyncio.to_thread(self._labels, read_labels(call))
        return Answer(200, _ENCODER.encode(report))


def _lines(answer: Answer) -> bytes:
    """All headers of an answer, as lines of its head."""
    if answer.target is not None and answer.headers is ONLY_JSON:
        lines, request_id = answer.target.lines, answer.request_id
        return b"%bx-request-id: %b\r\ncontent-length: %d\r\n" % (lines, request_id, len(answer.body))
    return b"".join([header_line(name, value) for name, value in answer.all_headers()])


def _whole(answer: Answer) -> bytes:
    """An answer as it goes out."""
    status, body, headers, target, request_id, _ = answer
    if status == 200 and target is not None and headers is ONLY_JSON:
        parts = (target.lines, request_id, len(body), body)
        return b"HTTP/1.1 200 OK\r\n%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % parts
    return b"%b%b\r\n%b" % (STATUS_LINE[status], _lines(answer), body)


def _land(seat: Seat, answer: Answer) -> None:
    seat.land(_whole(answer))


def _unknown(call: Call, methods: tuple[str, ...]) -> Answer:
    if not methods:
        raise NotFound(f"There is no {clean(call.path, limit=100)} here.", hint="Try /v2, /invocations or /predict.")
    error = MethodNotAllowed(f"This path takes {', '.join(methods)}.")
    answer = _refusal(call, error, _ENCODER.encode({"error": str(error)}))
    return answer._replace(headers=(*answer.headers, (b"allow", ", ".join(methods).encode("ascii"))))


def _refusal(call: Call, error: QuarterdeckError, body: bytes) -> Answer:
    """An answer to a request whose body may not have been read; then its connection is of no more use."""
    unread = not call.body and call.values.get(b"content-length", b"0") != b"0"
    unread = unread or b"transfer-encoding" in call.values
    closing = ((b"connection", b"close"),) if unread else ()
    return Answer(error.http_status, body, (JSON, *retry_after(error), *closing), None, call.request_id)


async def _send(answer: Answer, scope: MutableMapping[str, Any], send: Send) -> None:
    headers = answer.all_headers()
    reply = scope.get("reply")
    if reply is None or not reply(answer.status, headers, answer.body):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
