"""Runs the server until it is told to stop."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import uvicorn

from engine.server import health
from engine.server.app import App
from engine.server.gate import Gate
from engine.server.mlflow import dialect as mlflow
from engine.server.routes import RouteTable
from engine.server.work import Work

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.server.settings import Settings

DIALECTS = (health.DIALECT, mlflow.DIALECT)


def serve(engine: Engine, settings: Settings) -> int:
    """Answer requests until SIGTERM or SIGINT.

    Args:
        engine: The workspace.
        settings: How the server is set up.

    Returns:
        The exit code.
    """
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(engine, settings))


async def _serve(engine: Engine, settings: Settings) -> int:
    work = Work(engine.database, asyncio.get_running_loop())
    table = RouteTable(DIALECTS)
    app = App(table, Gate(engine, settings), work, settings, log_failure=_log_failure)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(settings.idle_s),
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=10,
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        work.close()
    return 0


def _log_failure(what: str, error: BaseException) -> None:
    sys.stderr.write(f"{what}: {type(error).__name__}: {error}\n")
