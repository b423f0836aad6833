"""OTLP requests: spans as exporters send them, as protobuf and as JSON, with what no exporter would send mixed in."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench.fuzz.words import Words

_KEYS = ("mlflow.spanInputs", "mlflow.spanType", "x", "session.id")
_WRONG_KEYS = (*_KEYS, "mlflow.traceRequestId", "mlflow.experimentId", "", "k" * 5_000)
_TIMES = ("1760000000000000000", "0", "1", str(2**63), str(2**64 - 1), "1759999999000000000")
_IDS = ("01" * 16, "00" * 16, "01", "")
_KINDS = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue", "arrayValue", "kvlistValue")


def export(words: Words) -> dict[str, Any]:
    """A request in the JSON of OTLP.

    Args:
        words: Draws it.
    """
    spans = [_span(words) for _ in range(words.rng.choice((0, 1, 2, 10)))]
    resource = {"attributes": _attributes(words)}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": words.text()}, "spans": spans}]}]
    }


def protobuf(request: dict[str, Any]) -> bytes:
    """The same request as protobuf; as JSON where protobuf cannot say it.

    Args:
        request: As `export` gives it.
    """
    try:
        message: bytes = ParseDict(_with_ids(request), ExportTraceServiceRequest()).SerializeToString()
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        return json.dumps(request).encode()
    return message


def _span(words: Words) -> dict[str, Any]:
    start = str(words.pick(_TIMES))
    span: dict[str, Any] = {
        "traceId": words.pick((f"{words.rng.randrange(1, 50):032x}",) + (() if words.calm else _IDS)),
        "spanId": f"{words.rng.randrange(1 << 16):016x}",
        "name": words.text(),
        "kind": words.pick((0, 1, 5)),
        "startTimeUnixNano": start,
        "endTimeUnixNano": words.pick((str(int(start) + 1_000_000), *_TIMES)),
        "attributes": _attributes(words),
        "events": [{"name": words.text(), "timeUnixNano": start, "attributes": _attributes(words)}],
        "links": [{"traceId": "01" * 16, "spanId": "02" * 8}],
        "status": {"code": words.pick((0, 1, 2)), "message": words.text()},
    }
    if words.rng.random() < 0.5:
        span["parentSpanId"] = f"{words.rng.randrange(1 << 16):016x}"
    return span


def _attributes(words: Words) -> list[dict[str, Any]]:
    keys = _KEYS if words.calm else _WRONG_KEYS
    return [{"key": words.pick(keys), "value": _value(words)} for _ in range(words.rng.randrange(4))]


def _value(words: Words, depth: int = 0) -> dict[str, Any]:
    kind = str(words.pick(_KINDS))
    inner = [] if depth > words.rng.choice((1, 2, 60)) else [_value(words, depth + 1)]
    said: dict[str, Any] = {
        "stringValue": words.pick((words.text(), json.dumps(words.known.one("trace_id")), '{"a": 1}')),
        "intValue": words.pick(("1", str(2**63 - 1), "-1")),
        "doubleValue": words.pick((0.5, "NaN", "Infinity")),
        "boolValue": True,
        "bytesValue": "AAEC",
        "arrayValue": {"values": inner},
        "kvlistValue": {"values": [{"key": "k", "value": each} for each in inner]},
    }
    return {kind: said[kind]}


def _with_ids(value: Any) -> Any:
    """Ids as protobuf's own JSON has them, which is base64 where OTLP's has hexadecimal."""
    from base64 import b64encode

    if isinstance(value, list):
        return [_with_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: b64encode(bytes.fromhex(each)).decode()
        if name.endswith(("traceId", "spanId", "SpanId"))
        else _with_ids(each)
        for name, each in value.items()
    }
