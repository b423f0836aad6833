"""Whether the server is there, and what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from engine.server.answers import native_error, text
from engine.server.routes import Body, Dialect, Route

if TYPE_CHECKING:
    from engine.server.call import Call
    from engine.server.measures import Measures


async def health(_: Call) -> Response:
    """`OK` as soon as requests are answered."""
    return text("OK")


async def product_version(_: Call) -> Response:
    """The version of the MLflow server whose wire is spoken: clients decide by it what they may ask."""
    return text("3.17.2")


def dialect(measures: Measures) -> Dialect:
    """The routes.

    Args:
        measures: What `/metrics` tells.
    """

    async def metrics(_: Call) -> Response:
        return Response(measures.prometheus(), media_type="text/plain; version=0.0.4")

    return Dialect(
        prefixes=("/",),
        routes=(
            Route("GET", "/health", health, role=None, body=Body.NONE),
            Route("GET", "/version", product_version, role=None, body=Body.NONE),
            Route("GET", "/metrics", metrics, body=Body.NONE),
        ),
        answer_error=native_error,
    )
