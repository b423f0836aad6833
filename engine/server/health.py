"""Whether the server is there, and what it is."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from engine.server.answers import native_error, text
from engine.server.routes import Body, Dialect, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call


async def health(_: Call) -> Response:
    """`OK` as soon as requests are answered."""
    return text("OK")


async def product_version(_: Call) -> Response:
    """The version of the MLflow server whose wire is spoken: clients decide by it what they may ask."""
    return text("3.17.2")


async def own_version(_: Call) -> Response:
    """The version of Quarterdeck."""
    return text(version("quarterdeck"))


DIALECT = Dialect(
    prefixes=("/",),
    routes=(
        Route("GET", "/health", health, role=None, body=Body.NONE),
        Route("GET", "/version", product_version, role=None, body=Body.NONE),
        Route("GET", "/api/qd/v1/version", own_version, body=Body.NONE),
    ),
    answer_error=native_error,
)
