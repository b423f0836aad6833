"""Which handler answers which method and path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import compile_path

from engine.core.access import Role
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    import re

    from starlette.convertors import Convertor

    from engine.server.call import Call

    Handler = Callable[[Call], Awaitable[Response]]

ErrorAnswer = Callable[[QuarterdeckError], Response]
"""Says an error in the words of a dialect."""


class Body(Enum):
    """What a route takes as the body of a request."""

    NONE = "none"
    JSON = "json"
    BYTES = "bytes"
    """Anything, read whole and capped; the handler checks the content type."""
    STREAM = "stream"
    """Anything, of any size, read piece by piece."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Args:
        method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        path: The path, with `{name}` for one segment and `{name:path}` for the rest.
        handler: Answers it.
        role: The least role that may reach it; what is done with it asks again. `None`: anybody, without a token.
        body: What it takes.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None = Role.VIEWER
    body: Body = Body.JSON


@dataclass(frozen=True, slots=True)
class Dialect:
    """A group of routes that speak one language.

    Args:
        prefixes: Where its paths begin; unknown paths below are answered in its words.
        routes: Its routes.
        answer_error: Says an error in its words.
    """

    prefixes: tuple[str, ...]
    routes: tuple[Route, ...]
    answer_error: ErrorAnswer


@dataclass(frozen=True, slots=True)
class Match:
    """The route that a request has found.

    Args:
        route: The route.
        dialect: The dialect it belongs to.
        path: The values of its path's parameters, percent-decoded once by the server.
    """

    route: Route
    dialect: Dialect
    path: Mapping[str, str]


_NO_PARAMETERS: Mapping[str, str] = {}


class RouteTable:
    """Finds routes: plain paths by one look-up, those with parameters one after the other.

    Args:
        dialects: What the server speaks; the first is the one of unknown paths.
    """

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self.dialects = tuple(dialects)
        self._plain: dict[tuple[str, str], Match] = {}
        self._templates: list[tuple[re.Pattern[str], dict[str, Convertor[object]], Route, Dialect]] = []
        for dialect in self.dialects:
            for route in dialect.routes:
                if "{" in route.path:
                    pattern, _, convertors = compile_path(route.path)
                    self._templates.append((pattern, convertors, route, dialect))
                else:
                    self._plain[route.method, route.path] = Match(route, dialect, _NO_PARAMETERS)

    def find(self, method: str, path: str) -> Match | None:
        """The route of a method and path; `None` when there is none."""
        method = "GET" if method == "HEAD" else method
        if plain := self._plain.get((method, path)):
            return plain
        for pattern, convertors, route, dialect in self._templates:
            if route.method == method and (found := pattern.match(path)):
                values = {name: str(convertors[name].convert(text)) for name, text in found.groupdict().items()}
                return Match(route, dialect, values)
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods that a path knows, sorted; empty for an unknown path."""
        known = {method for method, plain in self._plain if plain == path}
        known |= {route.method for pattern, _, route, _ in self._templates if pattern.match(path)}
        return tuple(sorted(known))

    def dialect_of(self, path: str) -> Dialect:
        """The dialect in whose words an unknown path is refused."""
        near = [
            (len(prefix), dialect)
            for dialect in self.dialects
            for prefix in dialect.prefixes
            if path.startswith(prefix)
        ]
        return max(near, key=itemgetter(0))[1] if near else self.dialects[0]
