"""Traces through the client: decorated functions, spans, errors, search, tags, deletion, assessments, OTLP."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import mlflow
import pytest
from mlflow import MlflowClient
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

from tests.clients.mlflow.wire import LONGEST_S, Call, refused

if TYPE_CHECKING:
    from mlflow.entities import Trace

ours = pytest.mark.quarterdeck_only
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
"""Waiting for the client's queue costs a second a trace; the other files leave it as it is."""


@pytest.fixture
def here(experiment: str) -> str:
    """The id of a new experiment that traces go to."""
    mlflow.set_experiment(experiment_id=experiment)
    return experiment


def traced(action: Callable[[], object]) -> Trace:
    """Run something traced, and read its trace back from the server."""
    action()
    trace_id = mlflow.get_last_active_trace_id()
    mlflow.flush_trace_async_logging()
    found = mlflow.get_trace(trace_id)
    assert found is not None
    return found


@mlflow.trace(name="answer", span_type="CHAIN", attributes={"version": 2})
def answer(question: str, *, fail: bool = False) -> str:
    """A pipeline of two steps, the way people write them."""
    with mlflow.start_span("retrieve", span_type="RETRIEVER") as span:
        span.set_inputs({"query": question})
        span.set_outputs([{"page_content": "a page", "metadata": {"rank": 1}}])
    with mlflow.start_span("generate", span_type="LLM") as span:
        span.set_attribute("model", "small")
        span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
        if fail:
            raise ValueError("no answer to ünïcödé")
        span.set_outputs("42")
    mlflow.update_current_trace(tags={"team": "red"}, metadata={"release": "7"})
    return f"{question}: 42"


def test_a_decorated_function_is_a_tree_of_spans(here: str) -> None:
    found = traced(lambda: answer("why"))
    root, retrieve, generate = sorted(found.data.spans, key=lambda span: span.start_time_ns)
    assert (root.name, root.span_type, root.parent_id, root.status.status_code) == ("answer", "CHAIN", None, "OK")
    assert root.inputs == {"question": "why", "fail": False}
    assert root.outputs == "why: 42"
    assert root.attributes["version"] == 2
    assert {retrieve.parent_id, generate.parent_id} == {root.span_id}
    assert (retrieve.name, retrieve.span_type, retrieve.inputs) == ("retrieve", "RETRIEVER", {"query": "why"})
    assert retrieve.outputs == [{"page_content": "a page", "metadata": {"rank": 1}}]
    assert generate.attributes["model"] == "small"
    assert root.start_time_ns <= retrieve.start_time_ns <= retrieve.end_time_ns <= root.end_time_ns


def test_a_trace_tells_its_state_tags_metadata_and_previews(here: str) -> None:
    info = traced(lambda: answer("why")).info
    assert (info.state, info.experiment_id, info.tags["mlflow.traceName"]) == ("OK", here, "answer")
    assert info.tags["team"] == "red"
    assert info.trace_metadata["release"] == "7"
    assert json.loads(info.request_preview) == {"question": "why", "fail": False}
    assert json.loads(info.response_preview) == "why: 42"
    assert info.execution_duration is not None
    assert info.execution_duration >= 0
    assert abs(info.request_time - time.time() * 1000) < 60_000
    assert info.token_usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def test_an_exception_is_an_error_with_its_words(here: str) -> None:
    def act() -> None:
        with pytest.raises(ValueError, match="no answer"):
            answer("why", fail=True)

    found = traced(act)
    assert found.info.state == "ERROR"
    states = {span.name: span.status for span in found.data.spans}
    assert states["answer"].status_code == "ERROR"
    assert states["generate"].description == "ValueError: no answer to ünïcödé"
    assert states["retrieve"].status_code == "OK"
    [event] = next(span for span in found.data.spans if span.name == "generate").events
    assert (event.name, event.attributes["exception.type"]) == ("exception", "ValueError")


def test_deep_nesting_keeps_its_parents(here: str) -> None:
    def act() -> None:
        with mlflow.start_span("0"), mlflow.start_span("1"), mlflow.start_span("2"), mlflow.start_span("3"):
            pass

    spans = {span.name: span for span in traced(act).data.spans}
    assert [spans[str(depth)].parent_id for depth in (1, 2, 3)] == [spans[str(depth)].span_id for depth in (0, 1, 2)]


def test_many_spans_arrive(here: str) -> None:
    def act() -> None:
        with mlflow.start_span("root"):
            for number in range(60):
                with mlflow.start_span(f"s{number}") as span:
                    span.set_inputs({"number": number})

    found = traced(act)
    assert len(found.data.spans) == 61
    assert {span.name for span in found.data.spans} == {"root"} | {f"s{number}" for number in range(60)}


def test_a_trace_within_a_run_knows_the_run(client: MlflowClient, here: str) -> None:
    with mlflow.start_run() as run:
        found = traced(lambda: answer("in a run"))
    assert found.info.trace_metadata["mlflow.sourceRun"] == run.info.run_id
    listed = client.search_traces(experiment_ids=[here], run_id=run.info.run_id)
    assert [one.info.trace_id for one in listed] == [found.info.trace_id]


def test_the_low_level_functions_make_the_same(client: MlflowClient, here: str) -> None:
    root = client.start_trace("manual", inputs={"a": 1}, tags={"t": "1"}, experiment_id=here)
    child = client.start_span("child", trace_id=root.trace_id, parent_id=root.span_id, inputs={"b": 2})
    client.end_span(trace_id=root.trace_id, span_id=child.span_id, outputs={"c": 3}, attributes={"k": "v"})
    client.end_trace(root.trace_id, outputs={"d": 4}, status="OK")
    mlflow.flush_trace_async_logging()
    found = client.get_trace(root.trace_id)
    assert {span.name: span.outputs for span in found.data.spans} == {"manual": {"d": 4}, "child": {"c": 3}}
    assert found.info.tags["t"] == "1"


def test_tags_of_a_trace(client: MlflowClient, here: str) -> None:
    trace_id = traced(lambda: answer("why")).info.trace_id
    client.set_trace_tag(trace_id, "k", "1")
    client.set_trace_tag(trace_id, "k", "2")
    assert client.get_trace(trace_id).info.tags["k"] == "2"
    client.delete_trace_tag(trace_id, "k")
    assert "k" not in client.get_trace(trace_id).info.tags
    assert refused(client.delete_trace_tag, trace_id, "k").status == 404


def test_an_unknown_trace_does_not_exist(api: Call, client: MlflowClient) -> None:
    assert mlflow.get_trace("tr-" + "f" * 32) is None
    assert refused(client.set_trace_tag, "tr-" + "f" * 32, "k", "v").status in (400, 404)
    answer = api("GET", f"/api/3.0/mlflow/traces/tr-{'f' * 32}")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_traces_are_deleted_by_id_and_by_time(client: MlflowClient, here: str) -> None:
    ids = [traced(lambda: answer("why")).info.trace_id for _ in range(3)]
    assert client.delete_traces(here, trace_ids=ids[:1]) == 1
    assert {one.info.trace_id for one in client.search_traces(experiment_ids=[here])} == set(ids[1:])
    assert client.delete_traces(here, max_timestamp_millis=int(time.time() * 1000) + 1000, max_traces=10) == 2
    assert list(client.search_traces(experiment_ids=[here])) == []


def test_feedback_and_expectations(here: str) -> None:
    trace_id = traced(lambda: answer("why")).info.trace_id
    given = mlflow.log_feedback(trace_id=trace_id, name="correct", value=True, rationale="seen")
    mlflow.log_expectation(trace_id=trace_id, name="expected", value={"answer": "42"})
    found = {one.name: one for one in mlflow.get_trace(trace_id).info.assessments}
    assert (found["correct"].value, found["correct"].rationale) == (True, "seen")
    assert found["expected"].value == {"answer": "42"}
    mlflow.delete_assessment(trace_id=trace_id, assessment_id=given.assessment_id)
    assert [one.name for one in mlflow.get_trace(trace_id).info.assessments] == ["expected"]


@pytest.fixture(scope="module")
def family() -> tuple[str, dict[str, str]]:
    """An experiment with three traces: good (team red), bad (failed), slow (team blue)."""
    client = MlflowClient()
    experiment = client.create_experiment(f"traces-{secrets.token_hex(6)}")
    ids = {}
    for name, status, team, start, length in (
        ("good", "OK", "red", 1_000, 5),
        ("bad", "ERROR", "red", 2_000, 10),
        ("slow", "OK", "blue", 3_000, 900),
    ):
        root = client.start_trace(
            name, experiment_id=experiment, tags={"team": team, "odd key": name}, start_time_ns=start * 1_000_000
        )
        client.end_trace(root.trace_id, status=status, end_time_ns=(start + length) * 1_000_000)
        ids[root.trace_id] = name
    mlflow.flush_trace_async_logging()
    return experiment, ids


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, "good bad slow"),
        ("tags.team = 'red'", "good bad"),
        ("tag.team = 'blue'", "slow"),
        ("tags.`odd key` = 'bad'", "bad"),
        ("trace.status = 'OK'", "good slow"),
        ("attributes.status = 'ERROR'", "bad"),
        ("trace.name = 'slow'", "slow"),
        ("trace.timestamp_ms > 1500", "bad slow"),
        ("trace.timestamp_ms <= 2000", "good bad"),
        ("trace.execution_time_ms > 100", "slow"),
        ("tags.team = 'red' AND trace.status = 'OK'", "good"),
        ("tags.team = 'none'", ""),
    ],
)
def test_traces_by_filter(
    client: MlflowClient, family: tuple[str, dict[str, str]], condition: str | None, expected: str
) -> None:
    experiment, ids = family
    found = client.search_traces(
        experiment_ids=[experiment], filter_string=condition, order_by=["timestamp_ms ASC"], include_spans=False
    )
    assert " ".join(ids[one.info.trace_id] for one in found) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "slow bad good"),
        (["timestamp_ms ASC"], "good bad slow"),
        (["timestamp_ms DESC"], "slow bad good"),
        (["execution_time_ms DESC"], "slow bad good"),
    ],
)
def test_traces_in_order(
    client: MlflowClient, family: tuple[str, dict[str, str]], order: list[str] | None, expected: str
) -> None:
    experiment, ids = family
    found = client.search_traces(experiment_ids=[experiment], order_by=order, include_spans=False)
    assert " ".join(ids[one.info.trace_id] for one in found) == expected


def test_pages_of_traces(client: MlflowClient, family: tuple[str, dict[str, str]]) -> None:
    experiment, ids = family
    first = client.search_traces(experiment_ids=[experiment], max_results=2)
    second = client.search_traces(experiment_ids=[experiment], max_results=2, page_token=first.token)
    assert [ids[one.info.trace_id] for one in [*first, *second]] == ["slow", "bad", "good"]
    assert not second.token
    assert all(len(one.data.spans) == 1 for one in first)


def test_the_fluent_search_gives_a_table(family: tuple[str, dict[str, str]]) -> None:
    table = mlflow.search_traces(locations=[family[0]], filter_string="tags.team = 'blue'")
    assert [family[1][one] for one in table["trace_id"]] == ["slow"]


@pytest.mark.parametrize("condition", ["bogus", "foo.x = 'y'", "trace.status > 'OK'"])
def test_a_bad_filter_is_refused(client: MlflowClient, family: tuple[str, dict[str, str]], condition: str) -> None:
    said = refused(client.search_traces, experiment_ids=[family[0]], filter_string=condition)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)


# --- OpenTelemetry


def exporter(url: str, headers: dict[str, str], *, compressed: bool = False) -> tuple[TracerProvider, OTLPSpanExporter]:
    """A provider whose spans an unmodified exporter posts to /v1/traces at once."""
    from opentelemetry.exporter.otlp.proto.http import Compression

    sender = OTLPSpanExporter(
        endpoint=f"{url}/v1/traces", headers=headers, compression=Compression.Gzip if compressed else None, timeout=60
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(sender))
    return provider, sender


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_spans_of_an_unmodified_exporter_become_a_trace(url: str, here: str, compressed: bool) -> None:
    provider, _ = exporter(url, {"x-mlflow-experiment-id": here}, compressed=compressed)
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root") as root:
        root.set_attribute("customer", "ünï")
        with tracer.start_as_current_span("child") as child:
            child.add_event("seen", {"n": 1})
    provider.shutdown()
    found = mlflow.get_trace(f"tr-{root.get_span_context().trace_id:032x}")
    spans = {span.name: span for span in found.data.spans}
    assert set(spans) == {"root", "child"}
    assert spans["child"].parent_id == spans["root"].span_id
    assert spans["root"].attributes["customer"] == "ünï"
    assert [event.name for event in spans["child"].events] == ["seen"]
    assert found.info.experiment_id == here


@ours
def test_no_special_header_is_needed(url: str) -> None:
    provider, _ = exporter(url, {})
    with provider.get_tracer("tests").start_as_current_span("bare") as root:
        pass
    provider.shutdown()
    found = mlflow.get_trace(f"tr-{root.get_span_context().trace_id:032x}")
    assert [span.name for span in found.data.spans] == ["bare"]
    assert found.info.experiment_id == "0"


def spans_in_json(trace: str, count: int = 1) -> bytes:
    """An OTLP request in its JSON form."""
    spans = [
        {
            "traceId": trace,
            "spanId": secrets.token_hex(8),
            "name": f"json {number}",
            "kind": 1,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000001000000000",
            "attributes": [{"key": "n", "value": {"intValue": str(number)}}],
            "status": {"code": 1},
        }
        for number in range(count)
    ]
    return json.dumps(
        {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "t"}, "spans": spans}]}]}
    ).encode()


@ours
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_spans_in_json_are_taken(api: Call, here: str, compressed: bool) -> None:
    trace = secrets.token_hex(16)
    headers = {"Content-Type": "application/json", "x-mlflow-experiment-id": here}
    body = spans_in_json(trace)
    if compressed:
        headers["Content-Encoding"], body = "gzip", gzip.compress(body)
    answer = api("POST", "/v1/traces", data=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert [span.name for span in mlflow.get_trace(f"tr-{trace}").data.spans] == ["json 0"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"}),
        (b"x", {"Content-Type": "text/plain"}),
        (b"\x1f\x8bbroken", {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}),
    ],
)
def test_what_is_not_otlp_is_refused(api: Call, here: str, body: bytes, headers: dict[str, str]) -> None:
    answer = api("POST", "/v1/traces", data=body, headers={**headers, "x-mlflow-experiment-id": here})
    assert 400 <= answer.status_code < 500


@ours
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceSpans": 5}', b'{"resourceSpans": [{"scopeSpans": [5]}]}'])
def test_malformed_json_spans_are_refused(api: Call, body: bytes) -> None:
    answer = api("POST", "/v1/traces", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@ours
def test_a_bomb_is_refused_before_it_is_inflated(api: Call) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, 9)
    began = time.monotonic()
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    answer = api("POST", "/v1/traces", data=bomb, headers=headers)
    assert answer.status_code in (400, 413)
    assert time.monotonic() - began < LONGEST_S


def test_an_exporter_sees_success(url: str, here: str) -> None:
    provider, sender = exporter(url, {"x-mlflow-experiment-id": here})
    with provider.get_tracer("tests").start_as_current_span("seen") as span:
        pass
    assert sender.export([span]) is SpanExportResult.SUCCESS
    provider.shutdown()
