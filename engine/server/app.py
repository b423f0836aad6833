"""The ASGI application: lets a request in, finds its route, answers it, and turns every error into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request

from engine.core.errors import NotFound, QuarterdeckError
from engine.server.call import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from starlette.responses import Response

    from engine.server.gate import Gate
    from engine.server.routes import Dialect, RouteTable
    from engine.server.settings import Settings
    from engine.server.work import Work

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


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
        log_failure: Told of an error that nobody foresaw.
    """

    def __init__(
        self,
        table: RouteTable,
        gate: Gate,
        work: Work,
        settings: Settings,
        *,
        log_failure: Callable[[str, BaseException], None],
    ) -> None:
        self._table = table
        self._gate = gate
        self._work = work
        self._settings = settings
        self._log_failure = log_failure

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection (WebSockets, lifespan) are not taken."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive, send)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        scope = request.scope
        path = scope["path"]
        match = self._table.find(scope["method"], path)
        dialect: Dialect = match.dialect if match else self._table.dialect_of(path)
        try:
            engine = self._gate.admit(request, match)
            if match is None:
                return self._unknown(dialect, path)
            call = Call(request, match.path, engine, self._work, max_body_bytes=self._settings.max_body_bytes)
            return await match.route.handler(call)
        except QuarterdeckError as error:
            return dialect.answer_error(error)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 the edge of a request: no traceback leaves the server
            self._log_failure(f"{scope['method']} {path}", error)
            failure = ServerError("The server failed to answer this request.", hint="Its log says why.")
            return dialect.answer_error(failure)

    def _unknown(self, dialect: Dialect, path: str) -> Response:
        methods = self._table.methods(path)
        if not methods:
            return dialect.answer_error(
                NotFound(f"There is no {path[:100]} here.", hint="See /api/qd/v1/openapi.json.")
            )
        answer = dialect.answer_error(MethodNotAllowed(f"This path takes {', '.join(methods)}."))
        answer.headers["allow"] = ", ".join(methods)
        return answer


class MethodNotAllowed(QuarterdeckError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    http_status = 405
