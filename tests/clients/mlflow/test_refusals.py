"""What a tracking request that no careful client sends is answered with: a 4xx, at once, with words that help.

Codes and words are those of the client's own server, since programs match on them; where that answers 500 or stores
something wrong, ours refuses, and the row is marked so.
"""

from __future__ import annotations

import time

import pytest
from mlflow import MlflowClient

from tests.clients.mlflow.wire import LONGEST_S, Call

BAD = "INVALID_PARAMETER_VALUE"
NONE = "RESOURCE_DOES_NOT_EXIST"
ours = pytest.mark.quarterdeck_only
POINT = {"key": "m", "value": 1.0, "timestamp": 1, "step": 0}


def kind(value: str, field: str, name: str) -> str:
    """The words for a value of the wrong type."""
    return f"Invalid value {value} for parameter '{field}' supplied:  Hint: Value was of type '{name}'."


def missing(field: str) -> str:
    """The words for a field that is needed."""
    return f"Missing value for required parameter '{field}'."


POSTED = [
    ("experiments/create", {}, BAD, missing("name")),
    ("experiments/create", {"name": ""}, BAD, missing("name")),
    ("experiments/create", {"name": 5}, BAD, kind("5", "name", "int")),
    ("experiments/create", {"name": ["a"]}, BAD, "for parameter 'name' supplied"),
    ("experiments/create", {"name": "x" * 501}, BAD, "'name' exceeds the maximum length of 500 characters"),
    ("experiments/create", {"name": "a", "tags": "x"}, BAD, kind('"x"', "tags", "str")),
    ("experiments/create", {"name": "a", "artifact_location": "s3://b/x?../y"}, BAD, ""),
    ("experiments/update", {"experiment_id": "0"}, BAD, missing("new_name")),
    ("experiments/update", {"experiment_id": "99999", "new_name": "zz"}, NONE, "No Experiment with id=99999 exists"),
    ("experiments/delete", {}, BAD, missing("experiment_id")),
    ("experiments/delete", {"experiment_id": "99999"}, NONE, "No Experiment with id=99999 exists"),
    ("experiments/restore", {"experiment_id": "99999"}, NONE, "No Experiment with id=99999 exists"),
    ("experiments/set-experiment-tag", {"experiment_id": "0", "value": "x"}, BAD, missing("key")),
    ("experiments/set-experiment-tag", {"experiment_id": "0", "key": "", "value": "x"}, BAD, missing("key")),
    (
        "experiments/set-experiment-tag",
        {"experiment_id": "0", "key": "a" * 251, "value": "x"},
        BAD,
        "'key' exceeds the maximum length of 250 characters",
    ),
    (
        "experiments/set-experiment-tag",
        {"experiment_id": "0", "key": "a", "value": "x" * 20_001},
        BAD,
        "'value' exceeds the maximum length of 20000 characters",
    ),
    (
        "experiments/set-experiment-tag",
        {"experiment_id": "0", "key": "../a", "value": "x"},
        BAD,
        "must not resolve to other names",
    ),
    (
        "experiments/search",
        {},
        BAD,
        "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
    ),
    ("experiments/search", {"max_results": "x"}, BAD, kind('"x"', "max_results", "str")),
    ("runs/create", {"experiment_id": "99999"}, NONE, "No Experiment with id=99999 exists"),
    ("runs/create", {"experiment_id": 5}, BAD, kind("5", "experiment_id", "int")),
    ("runs/create", {"experiment_id": "0", "start_time": "abc"}, BAD, kind('"abc"', "start_time", "str")),
    ("runs/update", {"run_id": "f" * 32, "status": "FINISHED"}, NONE, "Run with id="),
    ("runs/delete", {}, BAD, missing("run_id")),
    ("runs/restore", {"run_id": "f" * 32}, NONE, "Run with id="),
    ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1}, BAD, missing("run_id")),
    ("runs/log-metric", {"run_id": "RUN", "value": 1, "timestamp": 1}, BAD, missing("key")),
    ("runs/log-metric", {"run_id": "RUN", "key": "", "value": 1, "timestamp": 1}, BAD, missing("key")),
    ("runs/log-metric", {"run_id": "RUN", "key": "m", "timestamp": 1}, BAD, missing("value")),
    ("runs/log-metric", {"run_id": "RUN", "key": "m", "value": None, "timestamp": 1}, BAD, missing("value")),
    ("runs/log-metric", {"run_id": "RUN", "key": "m", "value": 1}, BAD, missing("timestamp")),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "value": "abc"}, BAD, kind('"abc"', "value", "str")),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "timestamp": "x"}, BAD, kind('"x"', "timestamp", "str")),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "step": "x"}, BAD, kind('"x"', "step", "str")),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "key": 5}, BAD, kind("5", "key", "int")),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "timestamp": -1}, BAD, "Timestamp must be a nonnegative long"),
    (
        "runs/log-metric",
        {"run_id": "RUN", **POINT, "key": "a//b"},
        BAD,
        "Invalid value \"a//b\" for parameter 'name' supplied",
    ),
    ("runs/log-metric", {"run_id": "RUN", **POINT, "key": "a;b"}, BAD, "Names may only contain alphanumerics"),
    (
        "runs/log-metric",
        {"run_id": "RUN", **POINT, "key": "x" * 251},
        BAD,
        "exceeds the maximum length of 250 characters",
    ),
    ("runs/log-metric", {"run_id": "f" * 32, **POINT}, NONE, "Run with id="),
    ("runs/log-parameter", {"run_id": "RUN", "value": "x"}, BAD, missing("key")),
    ("runs/log-parameter", {"run_id": "RUN", "key": "p", "value": 2}, BAD, kind("2", "value", "int")),
    ("runs/log-parameter", {"run_id": "RUN", "key": "../p", "value": "x"}, BAD, "must not resolve to other names"),
    ("runs/log-parameter", {"run_id": "f" * 32, "key": "p", "value": "x"}, NONE, "Run with id="),
    ("runs/set-tag", {"run_id": "RUN", "value": "x"}, BAD, missing("key")),
    ("runs/set-tag", {"run_id": "RUN", "key": "t", "value": 5}, BAD, kind("5", "value", "int")),
    (
        "runs/set-tag",
        {"run_id": "RUN", "key": "k" * 251, "value": "x"},
        BAD,
        "'key' exceeds the maximum length of 250 characters",
    ),
    ("runs/delete-tag", {"run_id": "RUN"}, BAD, missing("key")),
    ("runs/delete-tag", {"run_id": "RUN", "key": "none"}, NONE, "No tag with name: none in run with id"),
    ("runs/log-batch", {}, BAD, missing("run_id")),
    ("runs/log-batch", {"run_id": "RUN", "metrics": "x"}, BAD, kind('"x"', "metrics", "str")),
    ("runs/log-batch", {"run_id": "RUN", "metrics": {"key": "b"}}, BAD, kind('{"key":"b"}', "metrics", "dict")),
    ("runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "b"}]}, BAD, missing("metrics[0].value")),
    ("runs/log-batch", {"run_id": "RUN", "params": [{"key": None, "value": "1"}]}, BAD, missing("params[0].key")),
    ("runs/log-batch", {"run_id": "RUN", "tags": [{"value": "1"}]}, BAD, missing("tags[0].key")),
    (
        "runs/log-batch",
        {"run_id": "RUN", "metrics": [POINT] * 1001},
        BAD,
        "can contain at most 1000 metrics. Got 1001 metrics.",
    ),
    (
        "runs/log-batch",
        {"run_id": "RUN", "params": [{"key": f"p{number}", "value": "1"} for number in range(101)]},
        BAD,
        "can contain at most 100 params. Got 101 params.",
    ),
    (
        "runs/log-batch",
        {"run_id": "RUN", "tags": [{"key": f"t{number}", "value": "1"} for number in range(101)]},
        BAD,
        "can contain at most 100 tags. Got 101 tags.",
    ),
    (
        "runs/log-batch",
        {
            "run_id": "RUN",
            "metrics": [POINT] * 950,
            "params": [{"key": f"p{number}", "value": "1"} for number in range(100)],
        },
        BAD,
        "can contain at most 1000 metrics, params, and tags. Got 1050",
    ),
    (
        "runs/search",
        {"experiment_ids": ["0"], "max_results": 0},
        BAD,
        "Invalid value 0 for parameter 'max_results' supplied",
    ),
    (
        "runs/search",
        {"experiment_ids": ["0"], "max_results": 50_001},
        BAD,
        "Invalid value 50001 for parameter 'max_results' supplied",
    ),
    ("runs/search", {"experiment_ids": ["0"], "filter": 5}, BAD, kind("5", "filter", "int")),
    ("runs/search", {"experiment_ids": ["0"], "order_by": "x"}, BAD, kind('"x"', "order_by", "str")),
    ("runs/search", {"experiment_ids": ["0"], "page_token": "bad"}, BAD, "page token"),
    # from here on the client's own server answers 500, or stores something that was not said
    pytest.param("runs/create", {}, BAD, "experiment_id", marks=ours),
    pytest.param("runs/log-metric", {"run_id": "RUN", **POINT, "value": [1]}, BAD, "value", marks=ours),
    pytest.param("runs/log-metric", {"run_id": "RUN", **POINT, "value": {}}, BAD, "value", marks=ours),
    pytest.param("runs/log-batch", {"run_id": "RUN", "metrics": [{**POINT, "value": "abc"}]}, BAD, "value", marks=ours),
    pytest.param("runs/log-batch", {"run_id": "RUN", "metrics": [5]}, BAD, "metrics", marks=ours),
    pytest.param("runs/log-batch", {"run_id": "RUN", "metrics": [None]}, BAD, "metrics", marks=ours),
    pytest.param("runs/log-batch", {"run_id": "RUN", "params": [["a", "b"]]}, BAD, "params", marks=ours),
    pytest.param("runs/log-metric", {"run_id": "RUN", **POINT, "step": 2**63}, BAD, "step", marks=ours),
    pytest.param("runs/log-metric", {"run_id": "RUN", **POINT, "timestamp": 2**70}, BAD, "timestamp", marks=ours),
    pytest.param("runs/update", {"run_id": "RUN", "status": "BOGUS"}, BAD, "status", marks=ours),
]

QUERIED = [
    ("experiments/get", {}, BAD, missing("experiment_id")),
    ("experiments/get-by-name", {}, BAD, missing("experiment_name")),
    ("experiments/get", {"experiment_id": "abc"}, BAD, "Invalid experiment ID 'abc'."),
    ("runs/get", {}, BAD, missing("run_id")),
    ("runs/get", {"run_id": "f" * 32}, NONE, "Run with id="),
    ("metrics/get-history", {"run_id": "RUN"}, BAD, missing("metric_key")),
    (
        "metrics/get-history",
        {"run_id": "RUN", "metric_key": "m", "max_results": 0},
        BAD,
        "It must be a positive integer",
    ),
    (
        "metrics/get-history",
        {"run_id": "RUN", "metric_key": "m", "max_results": 1, "page_token": "bad"},
        BAD,
        "page token",
    ),
]

STATUS = {BAD: 400, NONE: 404}


@pytest.fixture(scope="module")
def shared_run() -> str:
    made: str = MlflowClient().create_run("0").info.run_id
    return made


def fill(given: dict[str, object], run: str) -> dict[str, object]:
    return {**given, "run_id": run} if given.get("run_id") == "RUN" else given


def check(answer: object, code: str, words: str) -> None:
    assert answer.status_code == STATUS[code], answer.text  # type: ignore[attr-defined]
    told = answer.json()  # type: ignore[attr-defined]
    assert told["error_code"] == code
    assert words in told["message"]


@pytest.mark.parametrize(("path", "body", "code", "words"), POSTED)
def test_a_bad_post_is_refused(
    api: Call, shared_run: str, path: str, body: dict[str, object], code: str, words: str
) -> None:
    check(api("POST", path, json=fill(body, shared_run)), code, words)


@pytest.mark.parametrize(("path", "query", "code", "words"), QUERIED)
def test_a_bad_get_is_refused(
    api: Call, shared_run: str, path: str, query: dict[str, object], code: str, words: str
) -> None:
    check(api("GET", path, params=fill(query, shared_run)), code, words)


@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0"])
def test_the_browser_has_the_same_endpoints(api: Call, prefix: str) -> None:
    answer = api("GET", f"{prefix}/mlflow/experiments/get", params={"experiment_id": "0"})
    assert answer.json()["experiment"]["name"] == "Default"


def test_unknown_fields_and_the_old_run_uuid_are_taken(api: Call, shared_run: str) -> None:
    body = {"run_uuid": shared_run, "key": "t", "value": "1", "no_such_field": {"deep": [1]}}
    assert api("POST", "runs/set-tag", json=body).status_code == 200
    assert api("GET", "runs/get", params={"run_uuid": shared_run}).status_code == 200


def test_a_number_may_come_as_text(api: Call, shared_run: str) -> None:
    body = {"run_id": shared_run, "key": "text", "value": "1.5", "timestamp": "7", "step": "3"}
    assert api("POST", "runs/log-metric", json=body).status_code == 200
    found = api("GET", "metrics/get-history", params={"run_id": shared_run, "metric_key": "text"}).json()["metrics"]
    assert found == [{"key": "text", "value": 1.5, "timestamp": 7, "step": 3}]


def test_not_a_number_is_told_as_text_in_json(api: Call, shared_run: str) -> None:
    for key, value in (("nan", "NaN"), ("inf", "Infinity"), ("minus", "-Infinity")):
        body = {"run_id": shared_run, "key": key, "value": value, "timestamp": 1}
        assert api("POST", "runs/log-metric", json=body).status_code == 200
    query = {"run_id": shared_run, "metric_key": "nan"}
    assert api("GET", "metrics/get-history", params=query).json()["metrics"][0]["value"] == "NaN"


def test_text_that_is_not_json_by_its_type_is_refused(api: Call, shared_run: str) -> None:
    answer = api("POST", "runs/log-batch", data=f'{{"run_id": "{shared_run}"}}', headers={"Content-Type": "text/plain"})
    assert answer.status_code in (400, 415)


@pytest.mark.quarterdeck_only
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b"5", b"null", b"\xff\xfe", b"", b"[" * 100_000, b'{"a":' * 50_000]
)
def test_a_body_that_is_no_json_object_is_refused_at_once(api: Call, body: bytes) -> None:
    began = time.monotonic()
    answer = api("POST", "runs/log-batch", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error_code"] in (BAD, "BAD_REQUEST")
    assert time.monotonic() - began < LONGEST_S


@pytest.mark.quarterdeck_only
def test_what_was_sent_is_not_echoed_at_length(api: Call, shared_run: str) -> None:
    body = {"run_id": shared_run, "key": "m", "value": "abc" * 10_000, "timestamp": 1}
    answer = api("POST", "runs/log-metric", json=body)
    assert answer.status_code == 400
    assert len(answer.text) < 1000
