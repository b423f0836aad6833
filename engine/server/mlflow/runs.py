"""Runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.server.answers import JsonAnswer
from engine.server.routes import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call

_RUNS = "/api/2.0/mlflow/runs"
_EMPTY = b"{}"


class LogMetric(msgspec.Struct):
    """What `runs/log-metric` takes; `timestamp` in milliseconds since the epoch."""

    key: str
    value: float
    timestamp: int
    run_id: str = ""
    run_uuid: str = ""
    step: int = 0


async def log_metric(call: Call) -> Response:
    """Log one metric point."""
    given = await call.json(LogMetric)
    point = (given.key, given.value, given.step, given.timestamp)
    await call.write(lambda: call.engine.runs.log_batch(given.run_id or given.run_uuid, metrics=[point]))
    return JsonAnswer(_EMPTY)


ROUTES = (Route("POST", f"{_RUNS}/log-metric", log_metric, role=Role.OPERATOR),)
