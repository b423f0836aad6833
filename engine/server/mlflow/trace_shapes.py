"""Traces, spans and assessments as MLflow's JSON has them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from engine.server.mlflow import trace_names as names
from engine.traces.assessment_model import AssessmentKind
from engine.traces.model import ID_PREFIX, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.traces.assessment_model import Assessment
    from engine.traces.model import Span, SpanEvent, SpanLink, Tokens, Trace, TraceSummary

Json = dict[str, Any]

_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
_STATUS = {
    SpanStatus.UNSET: {},
    SpanStatus.OK: {"code": "STATUS_CODE_OK"},
    SpanStatus.ERROR: {"code": "STATUS_CODE_ERROR"},
}
_LARGEST_INT = 2**63


def trace_json(trace: Trace) -> Json:
    """A trace with its spans."""
    info = info_json(trace.summary, trace.assessments)
    return {"trace_info": info, "spans": [span_json(span, trace.summary.trace_id) for span in trace.spans]}


def info_json(trace: TraceSummary, assessments: Sequence[Assessment] = ()) -> Json:
    """A trace without its spans."""
    info: Json = {
        "trace_id": trace.trace_id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": str(trace.experiment_id)},
        },
        "request_time": moment(trace.start_ms),
        "state": _state(trace),
        "trace_metadata": _metadata(trace),
        "tags": _tags(trace),
    }
    if trace.duration_ms is not None:
        info["execution_duration"] = f"{trace.duration_ms // 1000}.{trace.duration_ms % 1000:03d}s"
    for key, value in (
        ("client_request_id", trace.client_request_id),
        ("request_preview", trace.request),
        ("response_preview", trace.response),
    ):
        if value is not None:
            info[key] = value
    if assessments:
        info["assessments"] = [assessment_json(each) for each in assessments]
    return info


def old_info_json(trace: TraceSummary) -> Json:
    """A trace without its spans, as version 2 of the API has it."""
    info: Json = {
        "request_id": trace.trace_id,
        "experiment_id": str(trace.experiment_id),
        "timestamp_ms": trace.start_ms,
        "status": "TRACE_STATUS_UNSPECIFIED" if trace.state.value == "unspecified" else _state(trace),
        "request_metadata": [{"key": key, "value": value} for key, value in _metadata(trace).items()],
        "tags": [{"key": key, "value": value} for key, value in _tags(trace).items()],
    }
    if trace.duration_ms is not None:
        info["execution_time_ms"] = trace.duration_ms
    return info


def _state(trace: TraceSummary) -> str:
    return "STATE_UNSPECIFIED" if trace.state.value == "unspecified" else trace.state.value.upper()


def _metadata(trace: TraceSummary) -> Json:
    metadata = dict(trace.metadata)
    if trace.session is not None:
        metadata.setdefault(names.SESSION, trace.session)
    if trace.user is not None:
        metadata.setdefault(names.USER, trace.user)
    if trace.tokens is not None:
        metadata.setdefault(names.TOKENS, json.dumps(_tokens(trace.tokens)))
    if trace.final:
        metadata[names.FINAL] = "true"
    return metadata


def _tags(trace: TraceSummary) -> Json:
    tags = dict(trace.tags)
    tags[names.ARTIFACTS] = f"mlflow-artifacts:/{trace.experiment_id}/traces/{trace.trace_id}/artifacts"
    if trace.name:
        tags[names.NAME] = trace.name
    if trace.span_count:
        tags[names.SPANS] = names.IN_STORE
    if trace.prompts:
        prompts = (each.rpartition("/") for each in trace.prompts)
        tags[names.PROMPTS] = json.dumps([{"name": name, "version": version} for name, _, version in prompts])
    return tags


def _tokens(tokens: Tokens) -> Json:
    return {"input_tokens": tokens.input, "output_tokens": tokens.output, "total_tokens": tokens.total}


def moment(time_ms: int) -> str:
    """A time as protobuf's JSON writes it; one before year 1 or after 9999 as the nearest that it can write."""
    within = min(max(time_ms, _EARLIEST_MS), _LATEST_MS)
    written = datetime.fromtimestamp(within // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{written.zfill(19)}.{within % 1000:03d}Z"


def span_json(span: Span, trace_id: str) -> Json:
    """A span as OTLP's protobuf has it, ids in base64 and numbers as numbers."""
    attributes = {names.SPAN_TRACE: trace_id, **span.attributes}
    if span.kind and names.SPAN_KIND not in attributes:
        attributes[names.SPAN_KIND] = span.kind
    if span.tokens is not None and names.SPAN_TOKENS not in attributes:
        attributes[names.SPAN_TOKENS] = _tokens(span.tokens)
    found: Json = {
        "trace_id": base64.b64encode(otel_id(trace_id)).decode(),
        "span_id": _base64(span.span_id),
        "name": span.name,
        "start_time_unix_nano": span.start_ns,
        "attributes": attributes_json(attributes),
        "status": dict(_STATUS[span.status]),
    }
    if span.parent_id is not None:
        found["parent_span_id"] = _base64(span.parent_id)
    if span.end_ns is not None:
        found["end_time_unix_nano"] = span.end_ns
    if span.status_message:
        found["status"]["message"] = span.status_message
    if span.events:
        found["events"] = [_event(event) for event in span.events]
    if span.links:
        found["links"] = [_link(link) for link in span.links]
    return found


def otel_id(trace_id: str) -> bytes:
    """The 16 bytes of a trace's id; of one that was never OpenTelemetry's, a digest."""
    try:
        found = bytes.fromhex(trace_id.removeprefix(ID_PREFIX))
    except ValueError:
        found = b""
    return found if len(found) == 16 else blake2b(trace_id.encode(), digest_size=16).digest()


def _event(event: SpanEvent) -> Json:
    return {"time_unix_nano": event.time_ns, "name": event.name, "attributes": attributes_json(event.attributes)}


def _link(link: SpanLink) -> Json:
    found: Json = {"trace_id": _base64(link.trace_id), "span_id": _base64(link.span_id)}
    if link.attributes:
        found["attributes"] = attributes_json(link.attributes)
    return found


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def attributes_json(attributes: Mapping[str, object]) -> list[Json]:
    """Attributes as OTLP's list of keys and values."""
    return [{"key": key, "value": _any(value)} for key, value in attributes.items()]


def _any(value: object) -> Json:
    """A value as OTLP's `AnyValue`."""
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, (dict, list)):
        return _nested(value)
    return {"bytes_value": base64.b64encode(value).decode()} if isinstance(value, bytes) else {}


def _nested(value: dict[str, object] | list[object]) -> Json:
    if isinstance(value, dict):
        return {"kvlist_value": {"values": attributes_json(value)}}
    return {"array_value": {"values": [_any(each) for each in value]}}


def _number(value: float) -> Json:
    if isinstance(value, int) and -_LARGEST_INT <= value < _LARGEST_INT:
        return {"int_value": value}
    number = float(value)
    if number - number == 0:
        return {"double_value": number}
    return {"double_value": "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"}  # noqa: PLR0124


def assessment_json(given: Assessment) -> Json:
    """An assessment."""
    found: Json = {
        "assessment_id": given.assessment_id,
        "assessment_name": given.name,
        "trace_id": given.trace_id,
        "source": {"source_type": given.source_type, "source_id": given.source_id},
        "create_time": moment(given.created_ms),
        "last_update_time": moment(given.updated_ms),
        "valid": given.valid,
        **_value(given),
    }
    for key, value in (
        ("span_id", given.span_id),
        ("rationale", given.rationale),
        ("metadata", dict(given.metadata) or None),
        ("overrides", given.overrides),
    ):
        if value is not None:
            found[key] = value
    return found


def _value(given: Assessment) -> Json:
    if given.kind is AssessmentKind.ISSUE:
        return {"issue": {"issue_name": given.value}}
    if given.kind is AssessmentKind.FEEDBACK:
        error = {} if given.error is None else {"error": dict(given.error)}
        return {"feedback": {"value": given.value, **error}}
    if isinstance(given.value, (dict, list)):
        written = {"serialization_format": "JSON_FORMAT", "value": json.dumps(given.value)}
        return {"expectation": {"serialized_value": written}}
    return {"expectation": {"value": given.value}}
