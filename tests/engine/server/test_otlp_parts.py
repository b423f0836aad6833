"""What a request of OpenTelemetry may ask memory for is counted before it gets it."""

from __future__ import annotations

import gzip

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from engine.core.errors import InvalidInput, TooLarge
from engine.server import otlp_parts
from engine.server.otlp_parts import MOST_FIELDS, MOST_PARTS, UNCOUNTED_BYTES, check_parts
from tests.engine.server.wire import Wire


def sized(field: int, content: bytes) -> bytes:
    """One field that holds a message."""
    left, length = len(content), b""
    while left > 0x7F:
        length += bytes([left & 0x7F | 0x80])
        left >>= 7
    return bytes([field << 3 | 2]) + length + bytes([left]) + content


def nested(fields: tuple[int, ...], content: bytes) -> bytes:
    """A message inside others, the outermost first."""
    for field in reversed(fields):
        content = sized(field, content)
    return content


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ((), 1),
        ((1,), 2),
        ((1, 2), 2),
        ((1, 1), 1),
        ((1, 2, 2), 9),
        ((1, 2, 2), 11),
        ((1, 2, 2), 13),
        ((1, 2, 2, 9, 2, 5), 1),
        ((1, 2, 2, 9, 2, 6), 1),
    ],
)
def test_many_empty_messages_are_refused_wherever_they_are(fields: tuple[int, ...], part: int) -> None:
    bomb = nested(fields, sized(part, b"") * (MOST_PARTS + 50_000))
    with pytest.raises(TooLarge):
        check_parts(bomb)


@pytest.mark.parametrize("field", [b"\x08\0", b"\x15\0\0\0\0", b"\x7a\0"], ids=["number", "four bytes", "unknown"])
def test_many_fields_that_say_nothing_are_refused_before_they_take_long(field: bytes) -> None:
    with pytest.raises(TooLarge):
        check_parts(field * (MOST_FIELDS + 1))


def test_a_body_of_zeros_is_refused_at_its_first_byte() -> None:
    with pytest.raises(InvalidInput):
        check_parts(bytes(64 << 20))


def test_what_exporters_send_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(50):
        span = scope.spans.add(name=f"step {number}", trace_id=b"t" * 16, span_id=b"s" * 8, end_time_unix_nano=2**63)
        span.attributes.add(key="prompt").value.string_value = "x" * 300
        span.attributes.add(key="list").value.array_value.values.add().double_value = 0.5
        span.events.add(name="e").attributes.add(key="k").value.int_value = -1
        span.status.code = 2
    body = request.SerializeToString()
    monkeypatch.setattr(otlp_parts, "UNCOUNTED_BYTES", 0)
    check_parts(body)
    counted = 2 + 50 * (1 + 2 + 2 + 2 + 1 + 2 + 1)
    monkeypatch.setattr(otlp_parts, "MOST_PARTS", counted)
    check_parts(body)
    monkeypatch.setattr(otlp_parts, "MOST_PARTS", counted - 1)
    with pytest.raises(TooLarge):
        check_parts(body)


@pytest.mark.parametrize("end", [b"\x0a", b"\x0a\xff", b"\xff" * 20, b"\x0b", b"\x08"])
def test_what_ends_early_is_refused(end: bytes) -> None:
    text = nested((1, 2, 2, 5), b"x" * UNCOUNTED_BYTES)
    check_parts(text)
    with pytest.raises(InvalidInput):
        check_parts(text + end)


def test_a_small_body_that_inflates_to_many_spans_is_413(wire: Wire) -> None:
    bomb = gzip.compress(nested((1, 2), sized(2, b"") * (MOST_PARTS + 50_000)), 1)
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert wire.send("POST", "/v1/traces", bomb, headers).status == 413


def test_json_has_a_bound_of_its_own(wire: Wire) -> None:
    body = b'{"resourceSpans":[' + b" " * (8 << 20) + b"]}"
    assert wire.send("POST", "/v1/traces", body, {"content-type": "application/json"}).status == 413
