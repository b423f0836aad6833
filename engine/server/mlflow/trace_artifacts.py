"""The file that older MLflow clients keep a trace's spans in: taken apart into spans, and put together again."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput, NotFound
from engine.server.answers import JsonAnswer
from engine.server.mlflow.trace_names import CONVENTIONS, SPAN_TRACE
from engine.server.mlflow.trace_shapes import attributes_json, otel_id, span_json
from engine.server.otlp_spans import Group, Reader

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from starlette.responses import Response

    from engine.server.call import Call
    from engine.traces.model import SpanBatch, Trace

FILE = "traces.json"
"""The file with the spans of a trace; traces have no other."""

_EMPTY = b"{}"
_BATCH = 2_048
_BASE64 = re.compile(r"[A-Za-z0-9+/]{10,24}={1,2}", re.ASCII)
_STATUS = ("UNSET", "OK", "ERROR")
_UNREADABLE = "that cannot be read"


async def put(call: Call, trace_id: str, path: str) -> Response:
    """Take the spans of a trace.

    Raises:
        NotFound: there is no such trace, or the file is another one.
        InvalidInput: the file holds no spans, or one of them cannot be read.
    """
    _check_path(path)
    body = await call.body()
    traces = call.engine.traces
    reader = await call.read(lambda: _reader(body, trace_id))
    experiment = (await call.read(lambda: traces.summary(trace_id))).experiment_id
    while batches := await call.read(lambda: reader.batches(_BATCH)):
        for batch in batches.values():
            await _record(call, _named(batch, trace_id), experiment)
    if reader.refused:
        (reason, count), *_ = reader.refused.most_common(1)
        raise InvalidInput(f"{reader.refused.total()} spans were refused: {count} {reason}.")
    return JsonAnswer(_EMPTY)


async def _record(call: Call, batch: SpanBatch, experiment: int) -> None:
    await call.write(lambda: call.engine.traces.record(batch, experiment))


async def get(call: Call, trace_id: str, path: str) -> Response:
    """Give the spans of a trace.

    Raises:
        NotFound: there is no such trace, or the file is another one.
    """
    _check_path(path)

    def read() -> bytes:
        found = call.engine.traces.get_all([trace_id])
        if not found:
            raise NotFound(f"Trace with ID '{trace_id[:60]}' not found.")
        return _file(found[0])

    return JsonAnswer(await call.read(read))


async def listed(call: Call, trace_id: str, path: str) -> Response:
    """List the files of a trace."""
    found = await call.read(lambda: call.engine.traces.summaries([trace_id]))
    if path or not found or not found[0].span_count:
        return JsonAnswer(_EMPTY)
    return JsonAnswer({"files": [{"path": FILE, "is_dir": False}]})


def _check_path(path: str) -> None:
    if path != FILE:
        raise NotFound(f"Traces have one file here: {FILE}.", hint="Log other files to a run.")


def _named(batch: SpanBatch, trace_id: str) -> SpanBatch:
    """The batch under the trace's public id, which need not be one of OpenTelemetry's."""
    batch.spans[:] = [span._replace(trace_id=trace_id) for span in batch.spans]
    facts = list(batch.traces.values())
    batch.traces.clear()
    batch.traces[trace_id] = facts[0]
    return batch


def _reader(body: bytes, trace_id: str) -> Reader:
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{FILE} is not JSON.") from error
    spans = given.get("spans") if isinstance(given, dict) else None
    if not isinstance(spans, list):
        raise InvalidInput(f"{FILE} holds no list of spans.")
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

    whole = otel_id(trace_id)
    return Reader([Group(Resource(), "", (_span(each, whole) for each in spans))], CONVENTIONS, ())


def _span(given: object, trace_id: bytes) -> Span | str:
    """A span as one of OpenTelemetry's; a text says why it is none."""
    from google.protobuf.json_format import ParseDict, ParseError
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    try:
        span: Span = ParseDict(_otel(given), Span(), ignore_unknown_fields=True)
        span.trace_id = trace_id
    except (ParseError, ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
        return _UNREADABLE
    return span


def _otel(given: Any) -> dict[str, Any]:
    """The fields of a span, as this and older versions name them, under OpenTelemetry's names."""
    old = "context" in given
    status = {"code": given["status_code"], "message": given.get("status_message")} if old else given["status"]
    return {
        "span_id": _id(given["context"]["span_id"] if old else given["span_id"]),
        "parent_span_id": _id(given.get("parent_id" if old else "parent_span_id")),
        "name": given["name"],
        "start_time_unix_nano": int(given["start_time" if old else "start_time_unix_nano"]),
        "end_time_unix_nano": int(given.get("end_time" if old else "end_time_unix_nano") or 0),
        "status": {"code": _status(status.get("code")), "message": status.get("message") or ""},
        "attributes": attributes_json({key: _loaded(each) for key, each in given["attributes"].items()}),
        "events": [
            {
                "name": event["name"],
                "time_unix_nano": int(event["timestamp" if old else "time_unix_nano"]),
                "attributes": attributes_json(event.get("attributes") or {}),
            }
            for event in given.get("events") or ()
        ],
    }


def _id(given: str | None) -> str:
    """An id in base64, as protobuf's JSON takes it; it comes so, or in hex."""
    if not given or _BASE64.fullmatch(given):
        return given or ""
    return base64.b64encode(int(given.removeprefix("0x"), 16).to_bytes(8, "big")).decode()


def _status(code: object) -> int:
    name = str(code).removeprefix("STATUS_CODE_")
    return _STATUS.index(name) if name in _STATUS else 0


def _loaded(value: object) -> object:
    """Attributes stand in the file as JSON within JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _file(trace: Trace) -> bytes:
    trace_id = trace.summary.trace_id
    spans = []
    for span in trace.spans:
        found = span_json(span, trace_id)
        attributes = {SPAN_TRACE: trace_id, **span.attributes}
        found["attributes"] = {
            key: json.dumps(value, ensure_ascii=False, default=_text) for key, value in attributes.items()
        }
        found.setdefault("parent_span_id", None)
        found.setdefault("end_time_unix_nano", None)
        found["status"] = {"code": f"STATUS_CODE_{span.status.name}", "message": span.status_message}
        found["events"] = [
            {"name": event.name, "time_unix_nano": event.time_ns, "attributes": json.loads(_plain(event.attributes))}
            for event in span.events
        ]
        spans.append(found)
    return json.dumps({"spans": spans}, ensure_ascii=False, default=_text).encode()


def _plain(value: object) -> str:
    return json.dumps(value, default=_text)


def _text(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
