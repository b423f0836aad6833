"""The ASGI application: lets a request in, finds its route, answers it, and turns every error into an answer."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from engine.core.errors import Busy, NotFound, QuarterdeckError
from engine.core.text import clean
from engine.db.connection import Durability
from engine.server.call import Call
from engine.server.routes import Body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from engine.server.gate import Gate
    from engine.server.measures import Measures
    from engine.server.routes import Dialect, Match, RouteTable
    from engine.server.settings import Settings
    from engine.server.work import Work

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


_RELAXED = (b"x-quarterdeck-durability", b"relaxed")
_CODE = "quarterdeck.code"
"""Where a request keeps the code of the error it was answered with."""

_REFUSED = 400
"""The least status that says no."""


class ServerError(QuarterdeckError):
    """Something went wrong inside the server; the log has it."""

    code = "server_error"


class App:
    """Answers HTTP requests.

    Args:
        table: The routes.
        gate: Decides who may come in, and as whom.
        work: Where operations run.
        settings: Limits and addresses.
        measures: Told of every answer.
    """

    def __init__(
        self,
        table: RouteTable,
        gate: Gate,
        work: Work,
        settings: Settings,
        *,
        measures: Measures,
    ) -> None:
        self._table = table
        self._gate = gate
        self._work = work
        self._settings = settings
        self._relaxed = settings.durability is Durability.RELAXED
        self._measures = measures

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection (WebSockets, lifespan) are not taken."""
        if scope["type"] != "http":
            return
        began = perf_counter()
        match = self._table.find(scope["method"], scope["path"])
        try:
            answer = await self._answer(Request(scope, receive, send), match)
        except ClientDisconnect:
            return
        if match is not None and match.route.body is not Body.STREAM:  # how long those take is the client's to say
            self._measures.slow.request(match.route.method, match.route.path, perf_counter() - began)
        if self._relaxed:
            answer.raw_headers.append(_RELAXED)
        reply = scope.get("reply") if type(answer).__call__ is Response.__call__ else None
        if reply is None or not reply(answer.status_code, answer.raw_headers, answer.body):
            await answer(scope, receive, send)
        route, status = match.route if match else None, answer.status_code
        self._measures.request(route, status, perf_counter() - began)
        if status >= _REFUSED:
            self._measures.refusals.note(scope["method"], scope["path"], route, status, scope.get(_CODE, ""))

    async def _answer(self, request: Request, match: Match | None) -> Response:
        scope = request.scope
        path = scope["path"]
        dialect: Dialect = match.dialect if match else self._table.dialect_of(path)
        try:
            engine = self._gate.admit(request, match)
            if match is None:
                return self._unknown(scope, dialect)
            call = Call(
                request,
                match.path,
                engine,
                self._work,
                max_body_bytes=self._settings.max_body_bytes,
                max_inflated_bytes=self._settings.max_inflated_bytes,
            )
            return await match.route.handler(call)
        except QuarterdeckError as error:
            return _said(scope, dialect, error)
        except ClientDisconnect:
            raise
        except asyncio.CancelledError:
            if not self._work.ending:
                raise
            unknown = Busy(
                "The server ended before this was done.", hint="Try again; it may have been kept all the same."
            )
            return _said(scope, dialect, unknown)
        except Exception as error:  # noqa: BLE001 the edge of a request: no traceback leaves the server
            self._log(f"{scope['method']} {path}", error)
            failure = ServerError("The server failed to answer this request.", hint="Its log says why.")
            return _said(scope, dialect, failure)

    def _log(self, request: str, error: Exception) -> None:
        """Say on stderr, for whoever runs the server, where it failed; the client is told nothing of it."""
        from traceback import extract_tb

        at = extract_tb(error.__traceback__)[-1]
        what = clean(f"{request}: {type(error).__name__}: {error} ({at.filename}:{at.lineno})", limit=1_000)
        self._measures.failure(what)
        sys.stderr.write(what + "\n")

    def _unknown(self, scope: MutableMapping[str, Any], dialect: Dialect) -> Response:
        path = scope["path"]
        methods = self._table.methods(path)
        if not methods:
            none = NotFound(f"There is no {path[:100]} here.", hint="See /api/qd/v1/openapi.json.")
            return _said(scope, dialect, none)
        answer = _said(scope, dialect, MethodNotAllowed(f"This path takes {', '.join(methods)}."))
        answer.headers["allow"] = ", ".join(methods)
        return answer


def _said(scope: MutableMapping[str, Any], dialect: Dialect, error: QuarterdeckError) -> Response:
    """An error as an answer; its code is left with the request, for those who count."""
    scope[_CODE] = error.code
    return dialect.answer_error(error)


class MethodNotAllowed(QuarterdeckError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    http_status = 405
