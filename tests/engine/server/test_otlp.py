"""`POST /v1/traces`: what OpenTelemetry's exporters send is stored once, and what cannot be is told."""

from __future__ import annotations

import gzip
import json
import math
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import engine
from engine.server.otlp import BATCH
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from engine.traces.model import SpanEvent, SpanLink, SpanStatus, Tokens, TraceQuery, TraceState
from tests.builders import empty_workspace
from tests.engine.server.otlp_requests import (
    JSON,
    PROTOBUF,
    START_NS,
    TRACE,
    TRACE_ID,
    attribute,
    otel_span,
    refused,
    request,
)
from tests.engine.server.wire import Answer, Wire

PATH = "/v1/traces"


def _send(wire: Wire, body: bytes, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire.send("POST", PATH, body, {**PROTOBUF, **given})


def _everything(span: Span) -> None:
    span.kind = Span.SPAN_KIND_SERVER
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = "no luck"
    event = span.events.add(name="exception", time_unix_nano=START_NS + 5)
    event.attributes.add(key="exception.type").value.string_value = "ValueError"
    link = span.links.add(trace_id=b"\xaa" * 16, span_id=b"\xbb" * 8)
    link.attributes.add(key="n").value.int_value = 3
    nested = span.attributes.add(key="nested").value.kvlist_value.values.add(key="list").value.array_value.values
    nested.add().int_value = 1
    nested.add().kvlist_value.values.add(key="deep").value.string_value = "ü"


def test_a_span_comes_back_as_it_was_sent(wire: Wire) -> None:
    span = otel_span(1, None, _everything, attribute("t", "text"), attribute("i", -(2**63)), attribute("none", None))
    for key, value in (("f", 1.0), ("b", True), ("bytes", b"\x00\xff"), ("inf", math.inf)):
        attribute(key, value)(span)
    assert _send(wire, request(span, resource={"service.name": "shop"}))[:2] == (200, b"")
    trace = wire.engine.traces.get(TRACE_ID)
    (found,) = trace.spans
    assert found.attributes == {
        "nested": {"list": [1, {"deep": "ü"}]},
        "t": "text",
        "i": -(2**63),
        "none": None,
        "f": 1.0,
        "b": True,
        "bytes": b"\x00\xff",
        "inf": math.inf,
    }
    assert isinstance(found.attributes["f"], float)
    assert (found.kind, found.status, found.status_message) == ("SERVER", SpanStatus.ERROR, "no luck")
    assert found.events == (SpanEvent("exception", START_NS + 5, {"exception.type": "ValueError"}),)
    assert found.links == (SpanLink("aa" * 16, "bb" * 8, {"n": 3}),)
    summary = trace.summary
    assert (summary.name, summary.state, summary.tags) == ("step", TraceState.ERROR, {"service.name": "shop"})
    assert (summary.start_ms, summary.duration_ms, summary.experiment) == (START_NS // 1_000_000, 1, "Default")


def test_the_same_request_twice_is_stored_once(wire: Wire) -> None:
    body = request(otel_span(1), otel_span(2, 1))
    assert [_send(wire, body).status for _ in range(2)] == [200, 200]
    assert wire.engine.traces.summary(TRACE_ID).span_count == 2


def test_what_models_read_and_wrote_is_told_of_the_whole(wire: Wire) -> None:
    said = {"gen_ai.operation.name": "chat", "session.id": "s-1", "user.id": "ada", "input.value": "why?"}
    model = otel_span(2, 1, *(attribute(key, value) for key, value in said.items()))
    attribute("gen_ai.usage.input_tokens", 7)(model)
    attribute("gen_ai.usage.output_tokens", 3)(model)
    root = otel_span(1, None, attribute("input.value", "question"), attribute("output.value", "answer"))
    _send(wire, request(root, model))
    found = wire.engine.traces.get(TRACE_ID)
    summary = found.summary
    assert (summary.session, summary.user, summary.tokens) == ("s-1", "ada", Tokens(7, 3, 10))
    assert (summary.request, summary.response) == ("question", "answer")
    assert found.tree[1].span.kind == "CHAT_MODEL"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "identity", "GZIP"])
def test_compressed_requests_are_taken(wire: Wire, encoding: str) -> None:
    body = request(otel_span(1))
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(body[:9]) + gzip.compress(body[9:]),  # several members, as the format allows
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
        "identity": body,
        "GZIP": gzip.compress(body),
    }[encoding]
    assert _send(wire, packed, content_encoding=encoding.rsplit(maxsplit=1)[-1]).status == 200
    assert wire.engine.traces.count() == 1


@pytest.mark.parametrize(
    ("packed", "encoding", "status"),
    [
        (gzip.compress(b"\0" * 70_000_000), "gzip", 413),
        (gzip.compress(b"\0" * 40_000_000) * 2, "gzip", 413),
        (zlib.compress(b"\0" * 70_000_000), "deflate", 413),
        (gzip.compress(request(otel_span(1)))[:-4], "gzip", 400),
        (b"nonsense", "gzip", 400),
        (b"nonsense", "deflate", 400),
        (request(otel_span(1)), "br", 400),
    ],
    ids=["bomb", "bomb in members", "deflate bomb", "cut short", "no gzip", "no deflate", "unknown"],
)
def test_bombs_and_broken_compression_are_refused(wire: Wire, packed: bytes, encoding: str, status: int) -> None:
    assert _send(wire, packed, content_encoding=encoding).status == status
    assert wire.engine.traces.count() == 0


def test_how_much_may_inflate_is_a_setting(tmp_path: Path) -> None:
    path = empty_workspace(tmp_path / "workspace").path
    settings = Settings(port=0, max_inflated_bytes=200)
    with engine.open(path, via="http") as opened, ThreadedServer(opened, settings) as url, Wire(url, opened) as wire:
        small, large = request(otel_span(1)), request(*(otel_span(number) for number in range(1, 9)))
        statuses = [_send(wire, gzip.compress(body), content_encoding="gzip").status for body in (small, large)]
    assert statuses == [200, 413]


def _with(**fields: object) -> Span:
    span = otel_span(9)
    for name, value in fields.items():
        setattr(span, name, value)
    return span


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (_with(trace_id=b""), "without a trace id"),
        (_with(trace_id=b"\0" * 16), "without a trace id"),
        (_with(trace_id=b"\1" * 15), "without a trace id"),
        (_with(span_id=b""), "without a span id"),
        (_with(span_id=b"\0" * 8), "without a span id"),
        (_with(span_id=b"\1" * 16), "without a span id"),
        (_with(parent_span_id=b"\1"), "with a parent id"),
        (_with(start_time_unix_nano=2**64 - 1), "beyond 64 bits"),
        (_with(end_time_unix_nano=2**63), "beyond 64 bits"),
    ],
)
def test_a_span_that_cannot_be_kept_is_refused_alone(wire: Wire, span: Span, reason: str) -> None:
    answer = _send(wire, request(span, otel_span(1)))
    count, message = refused(answer.body)
    assert (answer.status, count) == (200, 1)
    assert reason in message
    assert wire.engine.traces.summary(TRACE_ID).span_count == 1


@pytest.mark.parametrize(
    ("fields", "took_ns"),
    [
        ({"end_time_unix_nano": 0}, None),
        ({"end_time_unix_nano": 5}, 0),
        ({"start_time_unix_nano": 0}, START_NS + 9 + 1_000_000),
        ({"start_time_unix_nano": 2**63 - 1, "end_time_unix_nano": 2**63 - 1}, 0),
    ],
    ids=["running", "reversed", "from 1970", "2262"],
)
def test_odd_times_are_kept_as_they_are(wire: Wire, fields: dict[str, int], took_ns: int | None) -> None:
    assert _send(wire, request(_with(**fields))).body == b""
    assert wire.engine.traces.get(TRACE_ID).spans[0].duration_ns == took_ns


def test_circles_and_missing_parents_are_read_as_a_tree(wire: Wire) -> None:
    _send(wire, request(otel_span(1, 2), otel_span(2, 1), otel_span(3, 3), otel_span(4, 99)))
    tree = wire.engine.traces.get(TRACE_ID).tree
    assert sorted(node.span.span_id[-1] for node in tree) == ["1", "2", "3", "4"]


def _many_attributes(span: Span) -> None:
    for number in range(50_000):
        span.attributes.add(key=f"key {number}").value.string_value = "v" * 50


def _deep(span: Span) -> None:
    value = span.attributes.add(key="deep").value
    for _ in range(40):
        value = value.array_value.values.add()
    value.int_value = 1


def _many_events(span: Span) -> None:
    for number in range(5_000):
        span.events.add(name="e" * 2_000, time_unix_nano=number)


@pytest.mark.parametrize(
    "change",
    [attribute("big", "x" * 3_000_000), attribute("k" * 100_000, "v"), _many_attributes, _deep, _many_events],
    ids=["long text", "long key", "many attributes", "deep", "many events"],
)
def test_huge_spans_are_cut_and_say_so(wire: Wire, change: Any) -> None:
    assert _send(wire, request(otel_span(1, None, change))).status == 200
    (found,) = wire.engine.traces.get(TRACE_ID).spans
    assert found.cut > 0


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"nonsense", PROTOBUF),
        (request(otel_span(1, name="bad name")).replace(b"bad name", b"\xff\xfe name"), PROTOBUF),
        (b"\x0a" * 10_000, PROTOBUF),
        (b"{", JSON),
        (b'"\xff"', JSON),
        (b"[" * 100_000, JSON),
        (b'{"resourceSpans": 5}', JSON),
        (b'{"resourceSpans": [5]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [5]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}', JSON),
        (b'{"resourceSpans": [{"resource": 7, "scopeSpans": [{"spans": []}]}]}', JSON),
        (b"{}", {"content-type": "text/plain"}),
        (b"{}", {}),
    ],
)
def test_what_is_no_request_is_refused(wire: Wire, body: bytes, headers: dict[str, str]) -> None:
    answer = wire.send("POST", PATH, body, headers)
    assert answer.status in (400, 415)
    assert len(answer.json["error"]["message"]) <= 200


def test_the_json_encoding_says_the_same(wire: Wire) -> None:
    span = {
        "traceId": TRACE.hex(),
        "spanId": "00" * 7 + "0A",
        "parentSpanId": "",
        "name": "json",
        "kind": 3,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": START_NS + 5,
        "status": {"code": "STATUS_CODE_OK"},
        "attributes": [{"key": "n", "value": {"intValue": "5"}}, {"key": "b", "value": {"bytesValue": "AP8="}}],
        "links": [{"traceId": "aa" * 16, "spanId": "bb" * 8}],
        "unknownField": 1,
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "lib"}, "spans": [span]}]}]}
    answer = wire.call("POST", PATH, body)
    assert (answer.status, answer.json) == (200, {})
    found = wire.engine.traces.get(TRACE_ID)
    (stored,) = found.spans
    assert (stored.span_id, stored.kind, stored.attributes) == ("0" * 15 + "a", "CLIENT", {"n": 5, "b": b"\x00\xff"})
    assert (stored.links[0].trace_id, stored.duration_ns, found.summary.tags) == ("aa" * 16, 5, {"service.name": "web"})


def test_spans_that_json_cannot_say_are_counted_by_reason(wire: Wire) -> None:
    good = {"traceId": TRACE.hex(), "spanId": "01" * 8, "name": "x", "startTimeUnixNano": "5"}
    spans: list[object] = [
        5,
        None,
        {},
        {**good, "traceId": "zz"},
        {**good, "spanId": 7},
        {**good, "endTimeUnixNano": "9" * 30},
        {**good, "attributes": {"not": "a list"}},
        {**good, "links": [5]},
        good,
    ]
    answer = wire.call("POST", PATH, {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    partial = answer.json["partialSuccess"]
    assert (answer.status, partial["rejectedSpans"]) == (200, "8")
    assert "not hexadecimal" in partial["errorMessage"]
    assert wire.engine.traces.summary(TRACE_ID).span_count == 1


def test_spans_go_to_the_experiment_that_is_named(wire: Wire) -> None:
    by_header, by_resource = (wire.engine.experiments.create(name).id for name in ("header", "resource"))
    _send(wire, request(otel_span(1)), x_mlflow_experiment_id=str(by_header))
    other = _with(trace_id=b"\7" * 16)
    _send(wire, request(other, resource={"quarterdeck.experiment_id": str(by_resource)}))
    found = {item.trace_id: item.experiment for item in wire.engine.traces.page().items}
    assert found == {TRACE_ID: "header", f"tr-{'07' * 16}": "resource"}


@pytest.mark.parametrize(
    ("experiment", "status"), [("99", 404), ("abc", 400), ("-1", 400), ("9" * 30, 400), ("0" * 5_000, 400)]
)
def test_an_experiment_that_is_none_is_refused(wire: Wire, experiment: str, status: int) -> None:
    assert _send(wire, request(otel_span(1)), x_mlflow_experiment_id=experiment).status == status


def test_whole_traces_are_linked_to_the_run_that_is_named(wire: Wire) -> None:
    _send(wire, request(otel_span(1), otel_span(2, 1)), x_mlflow_run_id="r1")
    assert wire.engine.traces.summary(TRACE_ID).runs == ("r1",)
    assert wire.engine.traces.count(TraceQuery("run_id = 'r1'")) == 1


def test_a_request_larger_than_one_write_is_stored_whole(wire: Wire) -> None:
    count = 2 * BATCH + 5
    body = gzip.compress(request(*(otel_span(number, 1 if number > 1 else None) for number in range(1, count + 1))))
    assert _send(wire, body, content_encoding="gzip").status == 200
    assert wire.engine.traces.summary(TRACE_ID).span_count == count


def test_many_exporters_at_once_lose_nothing(wire: Wire) -> None:
    def export(first: int) -> None:
        with Wire.to(wire.url) as own:
            for batch in range(5):
                spans = (otel_span(first + batch * 50 + number, 1) for number in range(50))
                assert own.send("POST", PATH, request(*spans), PROTOBUF).status == 200

    threads = [threading.Thread(target=export, args=(1 + worker * 250,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wire.engine.traces.summary(TRACE_ID).span_count == 1_000


def test_an_answer_is_in_the_encoding_of_its_request(wire: Wire) -> None:
    assert _send(wire, request(otel_span(1))).headers["content-type"] == "application/x-protobuf"
    answer = wire.send("POST", PATH, json.dumps({"resourceSpans": []}).encode(), JSON)
    assert answer.headers["content-type"] == "application/json"
