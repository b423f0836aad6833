"""Histories of metrics: whole, in pages, and thinned over a stretch of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import InvalidInput
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, missing, needed
from engine.server.mlflow.runs import OfRun
from engine.server.mlflow.shapes import number
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call

_METRICS = "/api/2.0/mlflow/metrics"
_ENCODE = msgspec.json.Encoder().encode
_PAGE = 25_000
"""Most points of a page; the client asks for as many."""

_MAX_RUNS = 100
_MAX_EACH = 2_500


class _History(OfRun):
    metric_key: str | None = None
    page_token: str | None = None
    max_results: int | None = None


class _Interval(msgspec.Struct):
    run_ids: list[str] = msgspec.field(default_factory=list)
    metric_key: str | None = None
    start_step: int | None = None
    end_step: int | None = None
    max_results: int = _MAX_EACH


_HISTORY, _INTERVAL = Shape(_History), Shape(_Interval)


async def get_history(call: Call) -> Response:
    """The points of one metric of a run, by time, step and value."""
    given = _HISTORY.query(call)
    run, key = given.run, needed(given.metric_key, "metric_key")
    limit = _PAGE if given.max_results is None else given.max_results
    if limit < 1:
        raise InvalidInput(
            f"Invalid value {limit} for parameter 'max_results' supplied. It must be a positive integer."
        )
    limit = min(limit, _PAGE)
    return JsonAnswer(await call.read(lambda: _page(call.engine, run, key, limit, given.page_token or None)))


def _page(engine: Engine, run: str, key: str, limit: int, page_token: str | None) -> bytes:
    """The answer, encoded beside the event loop: a page holds megabytes."""
    page = engine.runs.series(run, key, limit=limit, page_token=page_token)
    answer: dict[str, object] = {}
    if page.items:
        answer["metrics"] = [
            {"key": key, "value": number(value), "timestamp": time_ms, "step": step}
            for _, value, step, time_ms in page.items
        ]
    if page.next_page_token is not None:
        answer["next_page_token"] = page.next_page_token
    return _ENCODE(answer)


async def get_interval(call: Call) -> Response:
    """Points of one metric of several runs within steps, each run's thinned to what is asked; its ends are kept."""
    given = _INTERVAL.query(call)
    if not given.run_ids:
        raise missing("run_ids")
    if len(given.run_ids) > _MAX_RUNS:
        raise InvalidInput(
            f"GetMetricHistoryBulkInterval request must specify at most {_MAX_RUNS} run_ids. "
            f"Received {len(given.run_ids)} run_ids."
        )
    key = needed(given.metric_key, "metric_key")
    if not 1 <= given.max_results <= _MAX_EACH:
        raise InvalidInput(f"max_results must be between 1 and {_MAX_EACH}.")
    if (given.start_step is None) is not (given.end_step is None):
        raise InvalidInput("If either start step or end step are specified, both must be specified.")
    steps = None
    if given.start_step is not None and given.end_step is not None:
        steps = (given.start_step, given.end_step)
        if steps[0] > steps[1]:
            raise InvalidInput(
                f"end_step must be greater than start_step. Found start_step={steps[0]} and end_step={steps[1]}."
            )
    found = await call.read(lambda: _thinned(call.engine, given.run_ids, key, steps, given.max_results))
    return JsonAnswer(found)


def _thinned(engine: Engine, runs: list[str], key: str, steps: tuple[int, int] | None, count: int) -> bytes:
    points = [
        {"key": key, "value": number(value), "timestamp": time_ms, "step": step, "run_id": run}
        for run in runs
        for _, value, step, time_ms in engine.runs.sample(run, key, steps=steps, count=count)
    ]
    return _ENCODE({"metrics": points} if points else {})


ROUTES = (
    Route("GET", f"{_METRICS}/get-history", get_history, body=Body.NONE),
    Route("GET", f"{_METRICS}/get-history-bulk-interval", get_interval, body=Body.NONE),
)
