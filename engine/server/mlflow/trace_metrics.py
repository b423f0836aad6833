"""Measures over traces, as MLflow's screens ask for them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import InvalidInput
from engine.core.query import TRACES, And, parse_filter
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed, wrong
from engine.server.mlflow.shapes import experiment_key
from engine.server.mlflow.trace_filters import translated
from engine.server.mlflow.traces import TRACES as PATH
from engine.server.routes import Route
from engine.traces.measure_model import MeasureQuery, Quantity, Subject
from engine.traces.measuring import MAX_MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from engine.core.query import Filter
    from engine.server.call import Call
    from engine.traces.measure_model import Measure

_BUCKET = "time_bucket"
_DEFAULT = 1_000
_SUBJECTS = {"TRACES": Subject.TRACES, "SPANS": Subject.SPANS, "ASSESSMENTS": Subject.ASSESSMENTS}
_SUBJECT_NUMBERS = {1: "TRACES", 2: "SPANS", 3: "ASSESSMENTS"}
_TYPES = {1: "COUNT", 2: "SUM", 3: "AVG", 4: "PERCENTILE", 5: "MIN", 6: "MAX"}
_QUANTITIES = {
    "trace_count": Quantity.COUNT,
    "session_count": Quantity.SESSIONS,
    "span_count": Quantity.COUNT,
    "assessment_count": Quantity.COUNT,
    "latency": Quantity.LATENCY_MS,
    "input_tokens": Quantity.INPUT_TOKENS,
    "output_tokens": Quantity.OUTPUT_TOKENS,
    "total_tokens": Quantity.TOTAL_TOKENS,
    "assessment_value": Quantity.VALUE,
}
_GROUPS = {
    "trace_name": "name",
    "trace_status": "state",
    "span_name": "name",
    "span_type": "kind",
    "span_status": "status",
    "assessment_name": "name",
    "assessment_value": "value",
}
_UPPER = ("state", "status")
_OF_ASSESSMENT = re.compile(r"""\s*assessment\.name\s*=\s*(['"])(.{0,250})\1\s*""")
_OF_TRACE = re.compile(r"\s*trace\.(?=(?:tag|metadata)s?\.)")


class _Aggregation(msgspec.Struct):
    aggregation_type: str | int
    percentile_value: float | None = None


class _Query(msgspec.Struct):
    experiment_ids: list[str]
    view_type: str | int
    metric_name: str
    aggregations: list[_Aggregation]
    dimensions: list[str] = msgspec.field(default_factory=list)
    filters: list[str] = msgspec.field(default_factory=list)
    time_interval_seconds: int | None = None
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    max_results: int | None = None


_QUERY = Shape(_Query)


async def measure(call: Call) -> Response:
    """Measure traces, spans or assessments."""
    given = await _QUERY.body(call)
    kinds = [_kind(each) for each in given.aggregations]
    query = _measure_query(given)
    found = await call.read(lambda: call.engine.traces.measure(query))
    points = [
        {
            "metric_name": given.metric_name,
            "dimensions": _dimensions(given.dimensions, each),
            "values": dict(_value(kind, each) for kind in kinds),
        }
        for each in found
    ]
    return JsonAnswer({"data_points": points})


def _measure_query(given: _Query) -> MeasureQuery:
    subject = _SUBJECTS.get(
        _SUBJECT_NUMBERS.get(given.view_type, "") if isinstance(given.view_type, int) else given.view_type
    )
    if subject is None:
        raise wrong(given.view_type, "view_type", f": it must be one of {', '.join(_SUBJECTS)}.")
    quantity = _QUANTITIES.get(needed(given.metric_name, "metric_name"))
    if quantity is None:
        raise wrong(given.metric_name, "metric_name", f": it must be one of {', '.join(_QUANTITIES)}.")
    if unknown := next((each for each in given.dimensions if each not in _GROUPS), None):
        raise wrong(unknown, "dimensions", f": it must be one of {', '.join(_GROUPS)}.")
    if given.time_interval_seconds is not None and None in (given.start_time_ms, given.end_time_ms):
        raise InvalidInput("start_time_ms and end_time_ms are required if time_interval_seconds is set")
    tree, assessment = _filters(given.filters)
    interval_s = given.time_interval_seconds
    return MeasureQuery(
        subject=subject,
        quantity=quantity,
        by=tuple(_GROUPS[each] for each in given.dimensions),
        percentiles=tuple(each.percentile_value for each in given.aggregations if each.percentile_value is not None),
        filter="" if tree is None else tree,
        assessment=assessment,
        experiment_ids=tuple(experiment_key(each) for each in given.experiment_ids),
        start_ms=given.start_time_ms,
        end_ms=given.end_time_ms,
        interval_ms=None if interval_s is None else interval_s * 1_000,
        limit=min(given.max_results or _DEFAULT, MAX_MEASURES),
    )


def _filters(texts: Sequence[str]) -> tuple[Filter | None, str | None]:
    """All filters as one, and the name of the only assessments that count."""
    name: str | None = None
    parts: list[Filter] = []
    for text in texts:
        if found := _OF_ASSESSMENT.fullmatch(text):
            name = found[2]
        elif (tree := parse_filter(_OF_TRACE.sub("", text), schema=TRACES)) is not None:
            parts.append(translated(tree))
    return (And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None), name


def _kind(given: _Aggregation) -> tuple[str, float | None]:
    name = given.aggregation_type
    name = _TYPES.get(name, "") if isinstance(name, int) else name
    if name not in _TYPES.values():
        raise wrong(given.aggregation_type, "aggregations", f": it must be one of {', '.join(_TYPES.values())}.")
    if (name == "PERCENTILE") != (given.percentile_value is not None):
        raise InvalidInput("A percentile value is given with the aggregation PERCENTILE, and with no other.")
    return name, given.percentile_value


def _value(kind: tuple[str, float | None], measured: Measure) -> tuple[str, float]:
    name, share = kind
    if share is not None:
        return f"P{share}", measured.percentiles[share]
    told = {
        "COUNT": measured.count,
        "SUM": measured.total,
        "AVG": measured.mean,
        "MIN": measured.least,
        "MAX": measured.greatest,
    }
    return name, told[name]


def _dimensions(asked: Sequence[str], measured: Measure) -> dict[str, str]:
    told = {} if measured.start_ms is None else {_BUCKET: _moment(measured.start_ms)}
    for name in asked:
        group = _GROUPS[name]
        told[name] = measured.group[group].upper() if group in _UPPER else measured.group[group]
    return told


def _moment(time_ms: int) -> str:
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):  # beyond the years that have a name
        return str(time_ms)


ROUTES = (Route("POST", f"{PATH}/metrics", measure),)
