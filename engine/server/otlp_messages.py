"""The two encodings of OTLP's trace messages, compressed or not, and the answer in each of them."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput, TooLarge
from engine.server.otlp_parts import check_parts
from engine.server.otlp_spans import Group

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_GZIP_OR_ZLIB = 47
_RAW = -15
_ID_FIELDS = ("traceId", "spanId", "parentSpanId")
_UNREADABLE = "that cannot be read"
_MAX_SCOPE = 250
_MAX_JSON_BYTES = 8 << 20
"""Exporters send a tenth of it; read as JSON, a byte can ask for forty."""


def inflate(body: bytes, encoding: str, most: int) -> bytes:
    """Undo the compression of a body.

    Args:
        body: As sent.
        encoding: `gzip`, `deflate`, `identity` or nothing.
        most: Most bytes of what comes out.

    Raises:
        InvalidInput: the encoding is another one, or the body is not of it.
        TooLarge: more would come out.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise InvalidInput(
            f"The content encoding {encoding[:40]} is not known.", hint="Send gzip, deflate or no compression."
        )
    pieces: list[bytes] = []
    rest, windows = body, _GZIP_OR_ZLIB
    while rest:
        inflater = zlib.decompressobj(windows)
        try:
            pieces.append(inflater.decompress(rest, most + 1))
        except zlib.error as error:
            if encoding == "deflate" and windows != _RAW and not pieces:
                windows = _RAW  # some clients send it without the header
                continue
            raise InvalidInput(f"The body is not {encoding}.") from error
        most -= len(pieces[-1])
        if most < 0:
            raise TooLarge("The body inflates to more bytes than are taken.", hint="Send fewer spans at once.")
        if not inflater.eof:
            raise InvalidInput(f"The {encoding} body ends too early.")
        rest = inflater.unused_data
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def groups(body: bytes, media_type: str) -> Iterator[Group]:
    """The spans of a request.

    Args:
        body: The request, not compressed.
        media_type: `PROTOBUF` or `JSON`.

    Raises:
        InvalidInput: it is no such message.
        TooLarge: it holds more messages than are taken, or is more JSON than is taken.
    """
    if media_type == JSON:
        if len(body) > _MAX_JSON_BYTES:
            raise TooLarge(f"OTLP as JSON may have {_MAX_JSON_BYTES} bytes.", hint=f"Send less, or {PROTOBUF}.")
        return _json_groups(body)
    check_parts(body)
    # Protocol buffers cost a tenth of the server's start, and many servers never see a span.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        request = ExportTraceServiceRequest.FromString(body)
    except (DecodeError, ValueError) as error:
        raise InvalidInput("The body is no ExportTraceServiceRequest of OpenTelemetry.") from error
    return (
        Group(resource.resource, scope.scope.name[:_MAX_SCOPE], scope.spans)
        for resource in request.resource_spans
        for scope in resource.scope_spans
    )


def answer(refused: Counter[str], media_type: str) -> bytes:
    """What a request is answered with.

    Args:
        refused: How many spans were refused, by reason.
        media_type: `PROTOBUF` or `JSON`.
    """
    count = refused.total()
    reasons = "; ".join(f"{number} {reason}" for reason, number in refused.most_common(5))
    message = f"Spans were refused: {reasons}." if count else ""
    if media_type == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(count), "errorMessage": message}} if count else {}
        return msgspec.json.encode(partial)
    if not count:
        return b""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = count
    response.partial_success.error_message = message
    written: bytes = response.SerializeToString()
    return written


def _json_groups(body: bytes) -> Iterator[Group]:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("The body is not JSON.") from error
    return iter(
        [
            Group(_resource(resource), _scope(scope), map(_json_span, spans))
            for resource in _list(request, "resourceSpans")
            for scope in _list(resource, "scopeSpans")
            for spans in [_list(scope, "spans")]
        ]
    )


def _list(thing: object, key: str) -> list[Any]:
    found = thing.get(key, []) if isinstance(thing, dict) else None
    if found is None:
        found = []
    if not isinstance(found, list) or not isinstance(thing, dict):
        raise InvalidInput(f"The body is no OTLP message: {key} is missing or no list.")
    return found


def _resource(thing: dict[str, Any]) -> Resource:
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

    found: Resource | None = _parsed(thing.get("resource") or {}, Resource())
    if found is None:
        raise InvalidInput("The body is no OTLP message: a resource cannot be read.")
    return found


def _scope(thing: dict[str, Any]) -> str:
    scope = thing.get("scope")
    name = scope.get("name") if isinstance(scope, dict) else None
    return name[:_MAX_SCOPE] if isinstance(name, str) else ""


def _json_span(given: object) -> Span | str:
    """OTLP writes ids in hex where protobuf's JSON writes base64."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    if not isinstance(given, dict):
        return _UNREADABLE
    try:
        ids = {key: _base64(given[key]) for key in _ID_FIELDS if given.get(key)}
        links = [
            {**link, **{key: _base64(link[key]) for key in _ID_FIELDS if link.get(key)}}
            for link in given.get("links") or ()
        ]
    except (ValueError, TypeError, AttributeError, binascii.Error):
        return "with an id that is not hexadecimal"
    span: Span | None = _parsed({**given, **ids, "links": links}, Span())
    return _UNREADABLE if span is None else span


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _parsed(given: object, into: Any) -> Any:
    from google.protobuf.json_format import ParseDict, ParseError

    try:
        return ParseDict(given, into, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        return None
