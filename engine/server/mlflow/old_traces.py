"""Traces as version 2 of the API has them: begun and ended in two requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed
from engine.server.mlflow.shapes import experiment_key
from engine.server.mlflow.trace_filters import trace_query
from engine.server.mlflow.trace_requests import Pair, kept_metadata, kept_tags, name_in, pairs, state
from engine.server.mlflow.trace_shapes import old_info_json
from engine.server.mlflow.traces import OLD_TRACES, page_size
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call
    from engine.server.mlflow.trace_shapes import Json


class _Start(msgspec.Struct):
    experiment_id: str
    timestamp_ms: int
    request_metadata: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)


class _End(msgspec.Struct):
    timestamp_ms: int
    status: str | int
    request_metadata: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)


class _Search(msgspec.Struct):
    experiment_ids: list[str]
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


_START, _END, _SEARCH = Shape(_Start), Shape(_End), Shape(_Search)


async def start(call: Call) -> Response:
    """Begin a trace."""
    given = await _START.body(call)
    experiment, tags = experiment_key(needed(given.experiment_id, "experiment_id")), pairs(given.tags)
    traces = call.engine.traces

    def write() -> str:
        metadata = kept_metadata(pairs(given.request_metadata))
        return traces.start(experiment, given.timestamp_ms, kept_tags(tags), metadata, name=name_in(tags) or "")

    made = await call.write(write, quick=True)
    return JsonAnswer(await call.read(lambda: _info(call, made)))


async def end(call: Call) -> Response:
    """End a trace."""
    given = await _END.body(call)
    trace_id, tags, traces = call.path["trace_id"], pairs(given.tags), call.engine.traces
    ended = state(given.status)

    def write() -> None:
        metadata = kept_metadata(pairs(given.request_metadata))
        traces.end(trace_id, given.timestamp_ms, ended, kept_tags(tags), metadata, name=name_in(tags) or "")

    await call.write(write, quick=True)
    return JsonAnswer(await call.read(lambda: _info(call, trace_id)))


async def get_info(call: Call) -> Response:
    """One trace without its spans."""
    return JsonAnswer(await call.read(lambda: _info(call, call.path["trace_id"])))


def _info(call: Call, trace_id: str) -> Json:
    return {"trace_info": old_info_json(call.engine.traces.summary(trace_id))}


async def search(call: Call) -> Response:
    """Traces by a filter, in an order, page by page."""
    given = _SEARCH.query(call)
    query = trace_query(
        given.filter or "",
        given.order_by or (),
        experiment_ids=given.experiment_ids,
        limit=page_size(given.max_results),
        page_token=given.page_token or None,
    )
    page = await call.read(lambda: call.engine.traces.page(query))
    answer: Json = {"traces": [old_info_json(each) for each in page.items]}
    if page.next_page_token is not None:
        answer["next_page_token"] = page.next_page_token
    return JsonAnswer(answer)


ROUTES = (
    Route("POST", OLD_TRACES, start, role=Role.WRITER),
    Route("GET", OLD_TRACES, search, body=Body.NONE),
    Route("PATCH", f"{OLD_TRACES}/{{trace_id}}", end, role=Role.WRITER),
    Route("GET", f"{OLD_TRACES}/{{trace_id}}/info", get_info, body=Body.NONE),
)
