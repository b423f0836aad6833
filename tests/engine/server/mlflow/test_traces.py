"""Traces as MLflow's clients speak of them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from engine.traces.model import TraceState
from tests.engine.server.otlp_requests import PROTOBUF, START_NS, TRACE, TRACE_ID, attribute, otel_span, request
from tests.engine.server.wire import Answer, Wire

NEW = "/api/3.0/mlflow/traces"
OLD = "/api/2.0/mlflow/traces"
FOLDER = f"0/traces/{TRACE_ID}/artifacts"
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
FILE = f"{PROXY}/{FOLDER}/traces.json"


def _info(**fields: object) -> dict[str, Any]:
    info: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-31T12:00:00.123Z",
        "execution_duration": "0.089s",
        "state": "OK",
        "trace_metadata": {"mlflow.user": "ada", "mlflow.sourceRun": "r1", "mlflow.trace.session": "s-1"},
        "tags": {"mlflow.traceName": "outer", "fruit": "apple"},
        "request_preview": '{"x": 1}',
        "response_preview": "2",
    }
    return {"trace": {"trace_info": {**info, **fields}}}


def _start(wire: Wire, **fields: object) -> dict[str, Any]:
    answer = wire.call("POST", NEW, _info(**fields))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["trace"]["trace_info"]
    return found


def _export(wire: Wire, *spans: Any) -> None:
    assert wire.send("POST", "/v1/traces", request(*spans), PROTOBUF).status == 200


def _search(wire: Wire, **asked: object) -> Answer:
    return wire.call("POST", f"{NEW}/search", {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}], **asked})


def test_what_a_program_reports_comes_back_in_its_words(wire: Wire) -> None:
    _export(wire, otel_span(1))
    info = _start(wire)
    assert info["tags"] == {
        "fruit": "apple",
        "mlflow.traceName": "outer",
        "mlflow.artifactLocation": f"mlflow-artifacts:/0/traces/{TRACE_ID}/artifacts",
        "mlflow.trace.spansLocation": "TRACKING_STORE",
    }
    assert info["trace_metadata"] == {
        "mlflow.user": "ada",
        "mlflow.sourceRun": "r1",
        "mlflow.trace.session": "s-1",
        "mlflow.trace.infoFinalized": "true",
    }
    assert (info["request_time"], info["execution_duration"]) == ("2026-01-31T12:00:00.123Z", "0.089s")
    assert (info["state"], info["request_preview"], info["response_preview"]) == ("OK", '{"x": 1}', "2")
    assert wire.call("GET", f"{NEW}/{TRACE_ID}").json["trace"]["trace_info"] == info


def test_without_spans_the_client_is_not_told_that_they_are_here(wire: Wire) -> None:
    assert "mlflow.trace.spansLocation" not in _start(wire)["tags"]


def test_spans_are_given_as_opentelemetry_writes_them(wire: Wire) -> None:
    values: dict[str, str | float | bytes | None] = {"t": "ü", "i": -5, "f": 2.0, "b": False, "y": b"\x00", "n": None}
    root = otel_span(1, None, *(attribute(key, value) for key, value in values.items()))
    root.events.add(name="e", time_unix_nano=START_NS)
    _export(wire, root, otel_span(2, 1, attribute("gen_ai.operation.name", "chat")))
    answer = wire.call("GET", f"{NEW}/get", query={"trace_id": TRACE_ID})
    first, second = answer.json["trace"]["spans"]
    assert first["trace_id"] == base64.b64encode(TRACE).decode()
    assert first["span_id"] == base64.b64encode(b"\0" * 7 + b"\1").decode() == second["parent_span_id"]
    assert (first["start_time_unix_nano"], first["status"]) == (START_NS + 1, {})
    assert {each["key"]: each["value"] for each in first["attributes"]} == {
        "mlflow.traceRequestId": {"string_value": TRACE_ID},
        "t": {"string_value": "ü"},
        "i": {"int_value": -5},
        "f": {"double_value": 2.0},
        "b": {"bool_value": False},
        "y": {"bytes_value": "AA=="},
        "n": {},
    }
    assert first["events"] == [{"name": "e", "time_unix_nano": START_NS, "attributes": []}]
    assert {"key": "mlflow.spanType", "value": {"string_value": "CHAT_MODEL"}} in second["attributes"]


def test_a_trace_whose_spans_are_not_all_there_is_waited_for_and_then_not_found(wire: Wire) -> None:
    _export(wire, otel_span(1))
    _start(wire, trace_metadata={"mlflow.trace.sizeStats": '{"num_spans": 2}'})
    answer = wire.call("GET", f"{NEW}/get", query={"trace_id": TRACE_ID})
    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "not fully exported yet" in answer.json["message"]
    partial = wire.call("GET", f"{NEW}/get", query={"trace_id": TRACE_ID, "allow_partial": "true"})
    assert len(partial.json["trace"]["spans"]) == 1
    _export(wire, otel_span(2, 1))
    assert wire.call("GET", f"{NEW}/get", query={"trace_id": TRACE_ID}).status == 200


def test_several_are_read_at_once_without_those_that_have_no_spans(wire: Wire) -> None:
    _export(wire, otel_span(1))
    _start(wire, trace_id="tr-other")
    asked = {"trace_ids": ["tr-other", TRACE_ID, "tr-none"]}
    found = wire.call("GET", f"{NEW}/batchGet", query=asked).json["traces"]
    assert [each["trace_info"]["trace_id"] for each in found] == [TRACE_ID]
    infos = wire.call("POST", f"{NEW}/batchGetInfos", asked).json["trace_infos"]
    assert [each["trace_id"] for each in infos] == ["tr-other", TRACE_ID]
    elsewhere = wire.call("POST", f"{NEW}/batchGetInfos", {**asked, "experiment_ids": ["7"]})
    assert elsewhere.json == {"trace_infos": []}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("trace.status = 'OK'", True),
        ("attributes.name = 'outer'", True),
        ("tag.`mlflow.traceName` LIKE 'out%'", True),
        ("tags.fruit = 'apple' AND execution_time_ms < 90", True),
        ("metadata.`mlflow.sourceRun` = 'r1'", True),
        ("request_metadata.`mlflow.trace.session` = 's-1'", True),
        ("run_id = 'r1'", True),
        ("metadata.`mlflow.user` = 'bob'", False),
        ("timestamp_ms > 1769860800122 AND timestamp_ms < 1769860800124", True),
        ("NOT (name = 'outer' OR name = 'inner')", False),
        ("feedback.quality IS NULL", True),
    ],
)
def test_filters_mean_what_they_mean_there(wire: Wire, text: str, found: bool) -> None:
    _start(wire)
    assert (len(_search(wire, filter=text).json["traces"]) == 1) is found


def test_pages_follow_each_other(wire: Wire) -> None:
    for number in range(5):
        _start(wire, trace_id=f"tr-{number}", request_time=f"2026-01-31T12:00:0{number}Z")
    seen: list[str] = []
    token = None
    while True:
        asked: dict[str, object] = {} if token is None else {"page_token": token}
        page = _search(wire, max_results=2, order_by=["timestamp_ms ASC"], **asked).json
        seen += [each["trace_id"] for each in page["traces"]]
        token = page.get("next_page_token")
        if token is None:
            break
    assert seen == [f"tr-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "foo.bar = 1"},
        {"filter": "span.name RLIKE 'x'"},
        {"order_by": ["span.name"]},
        {"order_by": ["nothing"]},
        {"max_results": 0},
        {"max_results": 501},
        {"max_results": "many"},
        {"page_token": "xx"},
        {"page_token": base64.b64encode(b'{"offset": 1}').decode()},
        {"locations": [{"mlflow_experiment": {"experiment_id": "zz"}}]},
        {"locations": 5},
    ],
)
def test_a_search_that_cannot_be_answered_is_refused(wire: Wire, asked: Mapping[str, object]) -> None:
    answer = _search(wire, **asked)
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"trace_id": ""}, 400),
        ({"trace_id": "../../etc"}, 400),
        ({"request_time": "yesterday"}, 400),
        ({"request_time": "0001-01-01T00:00:00+23:59"}, 400),
        ({"execution_duration": "5 minutes"}, 400),
        ({"state": "FINE"}, 400),
        ({"state": 9}, 400),
        ({"tags": {"k" * 300: "v"}}, 400),
        ({"tags": {"k": 5}}, 400),
        ({"trace_metadata": {"k\0": "v"}}, 400),
        ({"trace_location": None}, 400),
        ({"trace_location": {"mlflow_experiment": {"experiment_id": "77"}}}, 404),
        ({"assessments": [{"assessment_name": "x"}]}, 400),
        ({"assessments": [{"assessment_name": "x", "expectation": {"serialized_value": {"value": "{"}}}]}, 400),
    ],
)
def test_a_report_that_cannot_be_kept_is_refused(wire: Wire, fields: Mapping[str, object], status: int) -> None:
    assert wire.call("POST", NEW, _info(**fields)).status == status
    assert wire.engine.traces.count() == 0


def test_values_that_are_too_long_are_cut_as_there(wire: Wire) -> None:
    info = _start(wire, tags={"long": "x" * 50_000}, request_preview="y" * 50_000)
    assert len(info["tags"]["long"]) < 8_000
    assert len(info["request_preview"]) < 2_000


@pytest.mark.parametrize("base", [NEW, OLD])
def test_tags_are_set_and_deleted(wire: Wire, base: str) -> None:
    _start(wire)
    path = f"{base}/{TRACE_ID}/tags"
    assert wire.call("PATCH", path, {"key": "k", "value": "v" * 20_000}).json == {}
    assert wire.call("PATCH", path, {"key": "mlflow.traceName", "value": "renamed"}).json == {}
    found = wire.engine.traces.summary(TRACE_ID)
    assert (found.name, found.tags["k"][:3]) == ("renamed", "vvv")
    assert wire.call("DELETE", path, {"key": "k"}).json == {}
    again = wire.call("DELETE", path, {"key": "k"})
    assert (again.status, again.json["message"][:29]) == (404, "No trace tag with key 'k' for")
    assert wire.call("PATCH", f"{base}/tr-none/tags", {"key": "k", "value": "v"}).status == 404
    for key in ("", "mlflow.artifactLocation", "k" * 300, "a\0"):
        assert wire.call("PATCH", path, {"key": key, "value": "v"}).status == 400


@pytest.mark.parametrize("base", [NEW, OLD])
def test_traces_are_deleted_by_id_and_by_time(wire: Wire, base: str) -> None:
    for number in range(4):
        _start(wire, trace_id=f"tr-{number}", request_time=f"1970-01-01T00:00:0{number}Z")
    path = f"{base}/delete-traces"
    assert wire.call("POST", path, {"experiment_id": "0", "request_ids": ["tr-3", "x"]}).json == {"traces_deleted": 1}
    by_time = {"experiment_id": "0", "max_timestamp_millis": 1_000, "max_traces": 1}
    assert [wire.call("POST", path, by_time).json["traces_deleted"] for _ in range(3)] == [1, 1, 0]
    assert [each.trace_id for each in wire.engine.traces.page().items] == ["tr-2"]
    for wrong in ({}, {"experiment_id": "0"}, {"experiment_id": "0", "max_timestamp_millis": 10**30}):
        assert wire.call("POST", path, wrong).status == 400


def test_a_trace_that_is_deleted_while_it_is_read_is_there_or_not(wire: Wire) -> None:
    done = threading.Event()

    def delete_and_report() -> None:
        with Wire.to(wire.url) as other:
            for _ in range(60):
                _start(other)
                other.call("POST", f"{NEW}/delete-traces", {"experiment_id": "0", "request_ids": [TRACE_ID]})
        done.set()

    changing = threading.Thread(target=delete_and_report)
    changing.start()
    statuses = set()
    while not done.is_set():
        statuses |= {wire.call("GET", f"{NEW}/{TRACE_ID}").status, _search(wire).status}
    changing.join()
    assert statuses <= {200, 404}


def _assessed(wire: Wire, **fields: object) -> Answer:
    given = {"assessment_name": "quality", "source": {"source_type": "HUMAN", "source_id": "ada"}, **fields}
    return wire.call("POST", f"{NEW}/{TRACE_ID}/assessments", {"assessment": given})


@pytest.mark.parametrize(
    "value",
    [
        {"feedback": {"value": 0.5}},
        {"feedback": {"value": None, "error": {"error_code": "E", "error_message": "m"}}},
        {"feedback": {"value": [1, {"a": True}]}},
        {"expectation": {"value": "yes"}},
        {"expectation": {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": '{"a": [1, 2]}'}}},
        {"issue": {"issue_name": "slow"}},
    ],
)
def test_an_assessment_comes_back_as_it_was_sent(wire: Wire, value: Mapping[str, object]) -> None:
    _start(wire)
    made = _assessed(wire, **value, rationale="ok", metadata={"m": "1"}, create_time="2026-01-31T12:00:00.500Z").json
    found = made["assessment"]
    assert {key: found[key] for key in value} == value
    assert (found["create_time"], found["rationale"], found["valid"]) == ("2026-01-31T12:00:00.500Z", "ok", True)
    path = f"{NEW}/{TRACE_ID}/assessments/{found['assessment_id']}"
    assert wire.call("GET", path).json == made
    assert wire.call("GET", f"{NEW}/{TRACE_ID}").json["trace"]["trace_info"]["assessments"] == [found]
    assert [wire.call("DELETE", path, {}).json for _ in range(2)] == [{}, {}]
    assert wire.call("GET", path).status == 404


def test_the_mask_says_what_of_an_assessment_changes(wire: Wire) -> None:
    _start(wire)
    made = _assessed(wire, feedback={"value": 1}, rationale="first").json["assessment"]
    path = f"{NEW}/{TRACE_ID}/assessments/{made['assessment_id']}"
    change = {"assessment_name": "renamed", "feedback": {"value": 2}, "rationale": "second"}
    answer = wire.call("PATCH", path, {"assessment": change, "update_mask": "assessmentName,feedback"})
    found = answer.json["assessment"]
    assert (found["assessment_name"], found["feedback"], found["rationale"]) == ("renamed", {"value": 2}, "first")
    wrong = wire.call("PATCH", path, {"assessment": {"expectation": {"value": 1}}, "update_mask": "expectation"})
    assert wrong.status == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"feedback": {"value": 1}, "assessment_name": ""}, 400),
        ({"feedback": {"value": 1}, "assessment_id": "a b"}, 400),
        ({"feedback": {"value": 1}, "create_time": "now"}, 400),
        ({"feedback": {"value": 1}, "metadata": {"a": 5}}, 400),
        ({"feedback": {"value": 1}, "overrides": "a-none"}, 404),
        ({"feedback": 5}, 400),
    ],
)
def test_an_assessment_that_cannot_be_kept_is_refused(wire: Wire, fields: Mapping[str, object], status: int) -> None:
    _start(wire)
    assert _assessed(wire, **fields).status == status


def test_traces_are_linked_to_runs_and_prompts(wire: Wire) -> None:
    _start(wire)
    assert wire.call("POST", f"{OLD}/link-to-run", {"trace_ids": [TRACE_ID], "run_id": "r2"}).json == {}
    prompts = {"trace_id": TRACE_ID, "prompt_versions": [{"name": "a/b", "version": "3"}]}
    assert wire.call("POST", f"{OLD}/link-prompts", prompts).json == {}
    assert wire.engine.traces.summary(TRACE_ID).runs == ("r1", "r2")
    tags = wire.call("GET", f"{NEW}/{TRACE_ID}").json["trace"]["trace_info"]["tags"]
    assert json.loads(tags["mlflow.linkedPrompts"]) == [{"name": "a/b", "version": "3"}]
    many = {"trace_ids": ["x"] * 101, "run_id": "r"}
    assert wire.call("POST", f"{NEW}/link-to-run", many).status == 400


def test_version_2_begins_and_ends_a_trace_in_two_requests(wire: Wire) -> None:
    begun = {
        "experiment_id": "0",
        "timestamp_ms": 1_000,
        "tags": [{"key": "mlflow.traceName", "value": "old"}, {"key": "a", "value": "1"}],
        "request_metadata": [{"key": "m", "value": "2"}],
    }
    info = wire.call("POST", OLD, begun).json["trace_info"]
    assert (info["status"], info["timestamp_ms"]) == ("IN_PROGRESS", 1_000)
    assert {"key": "mlflow.traceName", "value": "old"} in info["tags"]
    path = f"{OLD}/{info['request_id']}"
    ended = wire.call("PATCH", path, {"timestamp_ms": 1_500, "status": "ERROR"}).json["trace_info"]
    assert (ended["status"], ended["execution_time_ms"]) == ("ERROR", 500)
    assert wire.call("GET", f"{path}/info").json["trace_info"] == ended
    found = wire.call("GET", OLD, query={"experiment_ids": ["0"], "filter": "name = 'old'", "max_results": 5})
    assert found.json["traces"] == [ended]
    assert wire.call("PATCH", path, {"timestamp_ms": 10**30, "status": "OK"}).status == 400
    assert wire.call("PATCH", f"{OLD}/tr-none", {"timestamp_ms": 1, "status": "OK"}).status == 404
    assert wire.engine.traces.summary(info["request_id"]).state is TraceState.ERROR


def test_the_span_file_of_older_clients_becomes_spans(wire: Wire) -> None:
    _start(wire)
    new = {
        "span_id": base64.b64encode(b"\0" * 7 + b"\1").decode(),
        "parent_span_id": None,
        "name": "root",
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + 5,
        "status": {"code": "STATUS_CODE_ERROR", "message": "bad"},
        "attributes": {"mlflow.spanType": '"LLM"', "mlflow.spanInputs": '{"x": 1}', "raw": "not json"},
        "events": [{"name": "e", "time_unix_nano": START_NS, "attributes": {"a": 1}}],
    }
    old = {
        "context": {"span_id": "0x2", "trace_id": "0x9"},
        "parent_id": "0x1",
        "name": "child",
        "start_time": START_NS,
        "end_time": None,
        "status_code": "OK",
        "status_message": None,
        "attributes": {},
        "events": [],
    }
    assert wire.send("PUT", FILE, json.dumps({"spans": [new, old]}).encode()).status == 200
    root, child = wire.engine.traces.get(TRACE_ID).spans
    assert (root.kind, root.status_message, root.events[0].attributes) == ("LLM", "bad", {"a": 1})
    assert root.attributes == {"mlflow.spanType": "LLM", "mlflow.spanInputs": {"x": 1}, "raw": "not json"}
    assert (child.name, child.parent_id, child.end_ns) == ("child", root.span_id, None)
    listed = wire.call("GET", PROXY, query={"path": FOLDER})
    assert listed.json == {"files": [{"path": "traces.json", "is_dir": False}]}
    given = wire.call("GET", FILE).json["spans"]
    assert [json.loads(each["attributes"]["mlflow.traceRequestId"]) for each in given] == [TRACE_ID, TRACE_ID]
    assert wire.send("PUT", FILE, json.dumps({"spans": given}).encode()).status == 200
    assert wire.engine.traces.summary(TRACE_ID).span_count == 2


@pytest.mark.parametrize(
    "body", [b"x", b"[]", b'{"spans": 5}', b'{"spans": [5, {}]}', b'{"spans": [{"context": {"span_id": "0x' + b"f" * 99]
)
def test_a_span_file_that_is_none_is_refused(wire: Wire, body: bytes) -> None:
    _start(wire)
    assert wire.send("PUT", FILE, body).status == 400
    assert wire.send("PUT", FILE.replace("traces.json", "other"), b"").status == 404
