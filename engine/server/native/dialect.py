"""Our own API: a route for every operation, the OpenAPI document, and news as they come."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.access import Role
from engine.core.plain import plain
from engine.server.answers import JsonAnswer, native_error
from engine.server.native import artifacts
from engine.server.native.events import news
from engine.server.native.openapi import PREFIX, document, path_of
from engine.server.native.operations import OPERATIONS, Way
from engine.server.native.signatures import Signature, signature
from engine.server.routes import Body, Dialect, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call


class Operation:
    """One operation as a route; its signature is read when it is first asked for.

    Args:
        name: Such as `runs.page`.
        way: How it runs.
    """

    def __init__(self, name: str, way: Way) -> None:
        self.name = name
        self.way = way
        self._service, self._method = name.split(".")
        self._signature: Signature | None = None

    def signature(self, engine: Engine) -> Signature:
        """What it takes and gives.

        Args:
            engine: Any engine; its services are looked at, not used.
        """
        if self._signature is None:
            kind = type(getattr(engine, self._service))
            self._signature = signature(self.name, getattr(kind, self._method))
        return self._signature

    async def __call__(self, call: Call) -> Response:
        """Decode, call the one method, encode."""
        said = self.signature(call.engine)
        given: Any = call.query(said.request) if self.way is Way.READ else await call.json(said.request)
        run = {Way.READ: call.read, Way.WRITE: call.write, Way.ACT: call.act}[self.way]
        return JsonAnswer(await run(partial(self._done, call.engine, said.arguments(given))))

    def _done(self, engine: Engine, arguments: dict[str, Any]) -> bytes:
        answer = getattr(getattr(engine, self._service), self._method)(**arguments)
        return msgspec.json.encode(plain(answer))

    def route(self) -> Route:
        """Its route, for the least role that may do anything of its kind; the operation asks for the one it needs."""
        reads = self.way is Way.READ
        role = Role.ADMIN if self._service in _FOR_ADMINS else Role.VIEWER if reads else Role.WRITER
        method, body = ("GET", Body.NONE) if reads else ("POST", Body.JSON)
        return Route(method, path_of(self.name), self, role=role, body=body)


_FOR_ADMINS = ("tokens", "webhooks")


_OPERATIONS = tuple(Operation(name, way) for name, way in sorted(OPERATIONS.items()))


async def openapi(call: Call) -> Response:
    """The OpenAPI document."""

    def made() -> bytes:
        return msgspec.json.encode(
            document({each.name: (each.way, each.signature(call.engine)) for each in _OPERATIONS})
        )

    return JsonAnswer(await call.read(made))


DIALECT = Dialect(
    prefixes=("/api/qd/",),
    routes=(
        Route("GET", f"{PREFIX}/openapi.json", openapi, body=Body.NONE),
        Route("GET", f"{PREFIX}/events", news, body=Body.NONE),
        *artifacts.ROUTES,
        *(each.route() for each in _OPERATIONS),
    ),
    answer_error=native_error,
)
