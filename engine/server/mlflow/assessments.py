"""Assessments of traces: feedback, expectations and issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed
from engine.server.mlflow.trace_requests import GivenAssessment, assessment, assessment_change
from engine.server.mlflow.trace_shapes import assessment_json
from engine.server.mlflow.traces import EMPTY, TRACES
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call


class _Create(msgspec.Struct):
    assessment: GivenAssessment


class _Update(msgspec.Struct):
    assessment: GivenAssessment
    update_mask: str


_CREATE, _UPDATE = Shape(_Create), Shape(_Update)


async def create(call: Call) -> Response:
    """Record an assessment of a trace."""
    given = assessment((await _CREATE.body(call)).assessment)
    made = await call.write(lambda: call.engine.traces.assess(call.path["trace_id"], given), quick=True)
    return JsonAnswer({"assessment": assessment_json(made)})


async def get(call: Call) -> Response:
    """One assessment."""
    path = call.path
    found = await call.read(lambda: call.engine.traces.assessment(path["trace_id"], path["assessment_id"]))
    return JsonAnswer({"assessment": assessment_json(found)})


async def update(call: Call) -> Response:
    """Change the fields of an assessment that the mask names."""
    given = await _UPDATE.body(call)
    change = assessment_change(given.assessment, needed(given.update_mask, "update_mask"))
    path, traces = call.path, call.engine.traces
    made = await call.write(
        lambda: traces.change_assessment(path["trace_id"], path["assessment_id"], change), quick=True
    )
    return JsonAnswer({"assessment": assessment_json(made)})


async def delete(call: Call) -> Response:
    """Take an assessment back."""
    path, traces = call.path, call.engine.traces
    await call.write(lambda: traces.delete_assessment(path["trace_id"], path["assessment_id"]), quick=True)
    return JsonAnswer(EMPTY)


_OF_TRACE = f"{TRACES}/{{trace_id}}/assessments"
_ONE = f"{_OF_TRACE}/{{assessment_id}}"

ROUTES = (
    Route("POST", _OF_TRACE, create, role=Role.WRITER),
    Route("GET", _ONE, get, body=Body.NONE),
    Route("PATCH", _ONE, update, role=Role.WRITER),
    Route("DELETE", _ONE, delete, role=Role.WRITER),
)
