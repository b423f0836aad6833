"""OTLP requests for tests, said shortly."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACE = bytes(range(1, 17))
TRACE_ID = f"tr-{TRACE.hex()}"
START_NS = 1_760_000_000_000_000_000

Change = Callable[[Span], None]


def otel_span(number: int, parent: int | None = None, *changes: Change, name: str = "step") -> Span:
    """A span of one millisecond."""
    span = Span(trace_id=TRACE, span_id=number.to_bytes(8, "big"), name=name)
    span.start_time_unix_nano = START_NS + number
    span.end_time_unix_nano = START_NS + number + 1_000_000
    if parent is not None:
        span.parent_span_id = parent.to_bytes(8, "big")
    for change in changes:
        change(span)
    return span


def attribute(key: str, value: str | float | bool | bytes | None) -> Change:
    """Adds an attribute."""

    def change(span: Span) -> None:
        added = span.attributes.add(key=key)
        if value is not None:
            kind = {str: "string", bool: "bool", int: "int", float: "double", bytes: "bytes"}[type(value)]
            setattr(added.value, f"{kind}_value", value)

    return change


def request(*spans: Span, resource: Mapping[str, str] | None = None, scope: str = "") -> bytes:
    """A request with spans of one source."""
    message = ExportTraceServiceRequest()
    source = message.resource_spans.add()
    for key, value in (resource or {}).items():
        source.resource.attributes.add(key=key).value.string_value = value
    group = source.scope_spans.add()
    group.scope.name = scope
    group.spans.extend(spans)
    body: bytes = message.SerializeToString()
    return body


def refused(body: bytes) -> tuple[int, str]:
    """How many spans an answer says were refused, and why."""
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    return partial.rejected_spans, partial.error_message
