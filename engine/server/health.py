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


async def front_page(_: Call) -> Response:
    """What somebody reads who follows the link to a run that clients print."""
    return text(_FRONT_PAGE)


_FRONT_PAGE = """Quarterdeck serves this workspace to programs. It has no web pages: look at it in a terminal.

    qd console runs                 every run, live
    qd console run ID               one run: charts, parameters, artifacts
    qd server status                how this server does

Programs:   export MLFLOW_TRACKING_URI to this address
Its API:    /api/qd/v1/openapi.json
"""


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
            Route("GET", "/", front_page, role=None, body=Body.NONE),
            Route("GET", "/health", health, role=None, body=Body.NONE),
            Route("GET", "/version", product_version, role=None, body=Body.NONE),
            Route("GET", "/metrics", metrics, body=Body.NONE),
        ),
        answer_error=native_error,
    )
