"""Traces: reported, read with and without their spans, searched, tagged, linked and deleted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound
from engine.server.answers import JsonAnswer
from engine.server.mlflow import trace_names as names
from engine.server.mlflow.decoding import Shape, needed, wrong
from engine.server.mlflow.shapes import experiment_key
from engine.server.mlflow.trace_filters import trace_query
from engine.server.mlflow.trace_requests import (
    GivenInfo,
    Location,
    assessment,
    trace_report,
)
from engine.server.mlflow.trace_shapes import info_json, trace_json
from engine.server.routes import Body, Route
from engine.traces.content import cut
from engine.tracking.rules import MAX_KEY, MAX_TAG

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call
    from engine.server.mlflow.trace_shapes import Json
    from engine.traces.model import Trace, TraceQuery

TRACES = "/api/3.0/mlflow/traces"
OLD_TRACES = "/api/2.0/mlflow/traces"
EMPTY = b"{}"

MAX_PAGE = 500
"""Most traces of a page."""

_DEFAULT_PAGE = 100
_MAX_BATCH = 500
_WAITS_S = (0.05, 0.2, 0.75, 2.0)


class _Given(msgspec.Struct):
    trace_info: GivenInfo


class _Start(msgspec.Struct):
    trace: _Given


class _Get(msgspec.Struct):
    trace_id: str = ""
    allow_partial: bool | str = False


class _BatchGet(msgspec.Struct):
    trace_ids: list[str] = msgspec.field(default_factory=list)
    experiment_ids: list[str] | None = None


class _Search(msgspec.Struct):
    locations: list[Location] = msgspec.field(default_factory=list)
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class _SetTag(msgspec.Struct):
    key: str
    value: str = ""


class _DeleteTag(msgspec.Struct):
    key: str


class _Delete(msgspec.Struct):
    experiment_id: str = ""
    max_timestamp_millis: int | None = None
    max_traces: int | None = None
    request_ids: list[str] = msgspec.field(default_factory=list)


class _LinkRun(msgspec.Struct):
    trace_ids: list[str]
    run_id: str


class _Prompt(msgspec.Struct):
    name: str
    version: str | int


class _LinkPrompts(msgspec.Struct):
    trace_id: str
    prompt_versions: list[_Prompt]


_START, _GET, _BATCH_GET, _SEARCH = Shape(_Start), Shape(_Get), Shape(_BatchGet), Shape(_Search)
_SET_TAG, _DELETE_TAG, _DELETE = Shape(_SetTag), Shape(_DeleteTag), Shape(_Delete)
_LINK_RUN, _LINK_PROMPTS = Shape(_LinkRun), Shape(_LinkPrompts)


async def start(call: Call) -> Response:
    """Take what a program says of a whole trace; it is called so, though it comes at the end."""
    given = (await _START.body(call)).trace.trace_info
    traces = call.engine.traces
    assessed = tuple(traces.complete(assessment(each), given.trace_id) for each in given.assessments)
    report = trace_report(given, assessed)
    await call.write(lambda: traces.report(report), quick=True)
    return JsonAnswer(await call.read(lambda: _info(call, report.trace_id)))


async def get_info(call: Call) -> Response:
    """One trace without its spans."""
    return JsonAnswer(await call.read(lambda: _info(call, call.path["trace_id"])))


def _info(call: Call, trace_id: str) -> Json:
    traces = call.engine.traces
    with call.engine.database.snapshot():  # a trace that is deleted meanwhile is there for both, or for none
        found = traces.summary(trace_id)
        assessed = traces.assessments([trace_id])
    return {"trace": {"trace_info": info_json(found, assessed[trace_id])}}


async def get(call: Call) -> Response:
    """One trace with its spans; those that are on their way are waited for, but not long."""
    given = _GET.query(call)
    trace_id = needed(given.trace_id, "trace_id")
    partial = str(given.allow_partial).lower() == "true"
    for wait_s in (*_WAITS_S, None):
        found = await call.read(lambda: call.engine.traces.get_all([trace_id]))
        if not found:
            raise NotFound(f"Trace with ID {cut(trace_id, 60)} is not found.")
        if partial or _is_whole(found[0]):
            return JsonAnswer({"trace": trace_json(found[0])})
        if wait_s is not None:
            await asyncio.sleep(wait_s)
    raise NotFound(f"Trace with ID {cut(trace_id, 60)} is not fully exported yet, please try again later.")


def _is_whole(trace: Trace) -> bool:
    """Whether as many spans are there as the program says that it has sent."""
    try:
        sent = json.loads(trace.summary.metadata.get(names.SIZES, "{}")).get("num_spans", 1)
    except (ValueError, AttributeError, RecursionError):
        sent = 1
    return trace.summary.span_count >= (sent if isinstance(sent, int) else 1)


async def batch_get(call: Call) -> Response:
    """Several traces with their spans; those without any are left out."""
    given = _BATCH_GET.query(call)
    _check_batch(given)

    def read() -> Json:
        found = call.engine.traces.get_all(given.trace_ids)
        return {"traces": [trace_json(each) for each in found if each.tree and _is_asked(given, each)]}

    return JsonAnswer(await call.read(read))


def _is_asked(given: _BatchGet, trace: Trace) -> bool:
    return given.experiment_ids is None or str(trace.summary.experiment_id) in given.experiment_ids


async def batch_get_infos(call: Call) -> Response:
    """Several traces without their spans."""
    given = await _BATCH_GET.body(call)
    _check_batch(given)

    def read() -> Json:
        found = call.engine.traces.summaries(given.trace_ids)
        asked = (
            each for each in found if given.experiment_ids is None or str(each.experiment_id) in given.experiment_ids
        )
        return {"trace_infos": [info_json(each) for each in asked]}

    return JsonAnswer(await call.read(read))


def _check_batch(given: _BatchGet) -> None:
    if not given.trace_ids:
        raise InvalidInput("Missing value for required parameter 'trace_ids'.")
    if len(given.trace_ids) > _MAX_BATCH:
        raise InvalidInput(f"At most {_MAX_BATCH} traces are read at once.", hint="Ask for fewer.")


async def search(call: Call) -> Response:
    """Traces by a filter, in an order, page by page, without their spans."""
    given = await _SEARCH.body(call)
    places = [place.mlflow_experiment for place in given.locations]
    query = trace_query(
        given.filter or "",
        given.order_by or (),
        experiment_ids=[place.experiment_id for place in places if place is not None],
        limit=page_size(given.max_results),
        page_token=given.page_token or None,
    )
    return JsonAnswer(await call.read(lambda: _page(call, query)))


def page_size(given: int | None) -> int:
    """How many traces a page has.

    Raises:
        InvalidInput: the number is not from 1 to 500.
    """
    if given is None:
        return _DEFAULT_PAGE
    if not 1 <= given <= MAX_PAGE:
        raise wrong(given, "max_results", f". It must be from 1 to {MAX_PAGE}.")
    return given


def _page(call: Call, query: TraceQuery) -> Json:
    traces = call.engine.traces
    with call.engine.database.snapshot():  # as in `_info`
        page = traces.page(query)
        assessed = traces.assessments([each.trace_id for each in page.items])
    answer: Json = {"traces": [info_json(each, assessed[each.trace_id]) for each in page.items]}
    if page.next_page_token is not None:
        answer["next_page_token"] = page.next_page_token
    return answer


async def set_tag(call: Call) -> Response:
    """Set a tag of a trace; one that names it gives it the name."""
    given = await _SET_TAG.body(call)
    key, trace_id, traces = needed(given.key, "key"), call.path["trace_id"], call.engine.traces
    if key == names.NAME:
        await call.write(lambda: traces.rename(trace_id, cut(given.value, MAX_KEY - 50)), quick=True)
    elif key in names.OWN_TAGS:
        raise InvalidInput(f"The tag {key} says where this server keeps the trace; it cannot be set.")
    else:
        value = cut(given.value, MAX_TAG - MAX_KEY)
        await call.write(lambda: traces.set_tag(trace_id, key, value), quick=True)
    return JsonAnswer(EMPTY)


async def delete_tag(call: Call) -> Response:
    """Take a tag of a trace away."""
    key, trace_id, traces = needed((await _DELETE_TAG.body(call)).key, "key"), call.path["trace_id"], call.engine.traces
    if key == names.NAME:
        await call.write(lambda: traces.rename(trace_id, ""), quick=True)
    elif key in names.OWN_TAGS:
        raise InvalidInput(f"The tag {key} says where this server keeps the trace; it cannot be deleted.")
    else:
        await call.write(lambda: traces.set_tag(trace_id, key, None), quick=True)
    return JsonAnswer(EMPTY)


async def delete(call: Call) -> Response:
    """Delete traces of one experiment."""
    given = await _DELETE.body(call)
    experiment = experiment_key(needed(given.experiment_id, "experiment_id"))
    if given.max_traces is not None and given.max_traces < 1:
        raise InvalidInput(f"`max_traces` must be a positive integer, received {given.max_traces}.")
    if given.request_ids and (given.max_timestamp_millis is not None or given.max_traces is not None):
        raise InvalidInput("Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.")
    gone = await call.write(
        lambda: call.engine.traces.delete(
            experiment,
            trace_ids=given.request_ids,
            until_ms=given.max_timestamp_millis,
            most=given.max_traces,
        )
    )
    return JsonAnswer({"traces_deleted": gone})


async def link_run(call: Call) -> Response:
    """Note that traces belong to a run."""
    given = await _LINK_RUN.body(call)
    run_id = needed(given.run_id, "run_id")
    await call.write(lambda: call.engine.traces.link(given.trace_ids, run_id=run_id), quick=True)
    return JsonAnswer(EMPTY)


async def link_prompts(call: Call) -> Response:
    """Note which prompt versions a trace used."""
    given = await _LINK_PROMPTS.body(call)
    used = [f"{needed(each.name, 'name')}/{each.version}" for each in given.prompt_versions]
    trace_id = needed(given.trace_id, "trace_id")
    await call.write(lambda: call.engine.traces.link([trace_id], prompts=used), quick=True)
    return JsonAnswer(EMPTY)


ROUTES = (
    Route("POST", TRACES, start, role=Role.WRITER),
    Route("POST", f"{TRACES}/search", search),
    Route("GET", f"{TRACES}/get", get, body=Body.NONE),
    Route("GET", f"{TRACES}/batchGet", batch_get, body=Body.NONE),
    Route("POST", f"{TRACES}/batchGetInfos", batch_get_infos),
    Route("GET", f"{TRACES}/{{trace_id}}", get_info, body=Body.NONE),
    Route("PATCH", f"{TRACES}/{{trace_id}}/tags", set_tag, role=Role.WRITER),
    Route("DELETE", f"{TRACES}/{{trace_id}}/tags", delete_tag, role=Role.WRITER),
    Route("PATCH", f"{OLD_TRACES}/{{trace_id}}/tags", set_tag, role=Role.WRITER),
    Route("DELETE", f"{OLD_TRACES}/{{trace_id}}/tags", delete_tag, role=Role.WRITER),
    Route("POST", f"{TRACES}/delete-traces", delete, role=Role.OPERATOR),
    Route("POST", f"{OLD_TRACES}/delete-traces", delete, role=Role.OPERATOR),
    Route("POST", f"{TRACES}/link-to-run", link_run, role=Role.WRITER),
    Route("POST", f"{OLD_TRACES}/link-to-run", link_run, role=Role.WRITER),
    Route("POST", f"{TRACES}/link-prompts", link_prompts, role=Role.WRITER),
    Route("POST", f"{OLD_TRACES}/link-prompts", link_prompts, role=Role.WRITER),
)
