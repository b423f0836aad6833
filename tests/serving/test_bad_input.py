from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serving.shop import Served

ROW = [0.5, -1.0, 2.0, 0.25]
SECRET = "s3cret-payload"  # noqa: S105 must not come back
GOOD = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}
DEEP = b"[" * 100_000


def infer(*inputs: Any, **more: Any) -> bytes:
    return json.dumps({"inputs": list(inputs), **more}).encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"\xff\xfe", "no JSON"),
        (b'{"inputs": [' + b'"\xff"' + b"]}", ""),
        (DEEP, ""),
        (b'{"inputs":' + DEEP, "expected"),
        (b'{"parameters":{"x":' + DEEP, "nested"),
        (b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":' + DEEP, "nested"),
        (b"[]", "not what is expected"),
        (infer(), "lacks"),
        (infer(GOOD | {"shape": [1, -4]}), "negative"),
        (infer(GOOD | {"shape": [-1, -4]}), "negative"),
        (infer(GOOD | {"shape": []}), "shape"),
        (infer(GOOD | {"shape": [2, 4]}), "4 values; its shape stands for 8"),
        (infer(GOOD | {"shape": [10**12, 10**12]}), "shape"),
        (infer(GOOD | {"shape": [1, 4], "data": [1, 2, 3]}), "3 values"),
        (infer(GOOD | {"shape": [1, 3], "data": [1, 2, 3]}), "3 values; the model takes 4"),
        (infer(GOOD | {"shape": [1, 5], "data": [1, 2, 3, 4, 5]}), "5 values; the model takes 4"),
        (infer(GOOD | {"datatype": "FP65"}), "datatype"),
        (infer(GOOD | {"datatype": "BYTES", "data": [SECRET] * 4}), "numbers"),
        (infer(GOOD | {"data": [1, 2, 3, SECRET]}), "Value 3"),
        (infer(GOOD | {"data": [1, 2, None, 3]}), "'c' is missing"),
        (infer(GOOD | {"data": [1, 2, True, 3]}), "Value 2"),
        (infer(GOOD | {"datatype": "INT8", "data": [1, 2, 300, 3]}), "Value 2"),
        (infer(GOOD | {"datatype": "INT64", "data": [1, 2, 0.5, 3]}), "Value 2"),
        (infer(GOOD | {"shape": [0, 4], "data": []}), "no rows"),
        (infer(GOOD | {"shape": [0, 2**62, 8], "data": []}), "no rows"),
        (infer(GOOD | {"shape": [0, 10**30], "data": []}), "no rows"),
        (infer(GOOD | {"shape": [1, 0], "data": []}), "no values"),
        (infer(GOOD | {"shape": [1, 2**31 + 1], "data": []}), "above 2147483648"),
        (infer(GOOD | {"shape": [10**300, 10**300]}), "above 2147483648"),
        (infer(GOOD | {"datatype": "BYTES", "shape": [0, 2**62, 8], "data": []}), "no rows"),
        (b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[1,2,NaN,4]}]}', "no JSON"),
        (b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[1,2,1e999,4]}]}', ""),
        (infer({"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}, GOOD), "lacks 3 inputs"),
        (infer(GOOD, outputs=[{"name": SECRET}]), "output"),
        (infer(GOOD, outputs=[{"name": "predict"}, {"name": "predict"}]), "twice"),
        (infer(GOOD, outputs=[{"name": "predict", "parameters": {"binary_data": True}}] * 10_000), "twice"),
    ],
)
def test_a_bad_inference_is_refused_in_one_sentence(served: Served, body: bytes, words: str) -> None:
    reply = served.ask("POST", "/v2/models/churn/infer", body)
    said = reply.json()["error"]
    assert reply.status == 400
    assert words in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [ROW], "instances": [ROW]},
        {"nothing": 1},
        {"inputs": [[1, 2, 3, SECRET]]},
        {"inputs": {"a": [1], "b": [2], "c": [3]}},
        {"inputs": {"a": [1], "b": [2], "c": [3], "d": [4], SECRET: [5]}},
        {"inputs": {"a": [1, 2], "b": [2], "c": [3], "d": [4]}},
        {"dataframe_records": [{"a": 1, "b": 2, "c": 3}]},
        {"dataframe_split": {"columns": ["a", "a", "b", "c"], "data": [ROW]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [ROW]}},
        {"instances": SECRET},
        {"instances": [[]]},
        {"instances": [ROW, [1, 2]]},
        {"instances": []},
    ],
)
def test_a_bad_invocation_is_refused_in_mlflows_words(served: Served, body: dict[str, Any]) -> None:
    reply = served.ask("POST", "/invocations", body)
    said = reply.json()
    assert (reply.status, said["error_code"]) == (400, "BAD_REQUEST")
    assert SECRET not in said["message"]


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b'a,b,c,d\n"1,2', b"a,b,c,d\n1,2,3", b"a,b,c,d\n1,2,3,x", b"a,b,c\n1,2,3"]
)
def test_bad_csv_is_refused(served: Served, text: bytes) -> None:
    assert served.ask("POST", "/invocations", text, {"content-type": "text/csv"}).status == 400


@pytest.mark.parametrize("features", [None, 1, "x", [], {}, [[]], [1, 2, 3, "x"], [None] * 4, {"a": 1}, [[1, 2], 3]])
def test_bad_features_are_refused(served: Served, features: Any) -> None:
    assert served.ask("POST", "/predict", {"features": features}).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/models/nobody/infer", 404),
        ("POST", "/v2/models/churn/versions/99/infer", 404),
        ("POST", "/v2/models/churn/versions/-1/infer", 404),
        ("GET", "/v2/models/churn/versions/x", 404),
        ("GET", "/v2/models/churn/infer", 405),
        ("POST", "/v2", 405),
        ("GET", "/nothing/of/this", 404),
        ("GET", "/", 404),
        ("POST", "/invocations/nobody", 404),
        ("DELETE", "/predict", 405),
    ],
)
def test_unknown_places_are_told_apart(served: Served, method: str, path: str, status: int) -> None:
    assert served.ask(method, path, infer(GOOD)).status == status


def test_a_pin_to_a_version_that_is_not_served_is_refused(served: Served) -> None:
    reply = served.ask("POST", "/v2/models/churn/infer", infer(GOOD), {"x-pin-version": "9"})
    assert (reply.status, reply.json()["error"].partition(".")[0]) == (
        404,
        "That version of churn is not served by the endpoint churn",
    )


def test_a_body_too_large_is_refused_before_it_is_read(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_bodies_may_be_compressed(served: Served, coding: str, compress: Callable[[bytes], bytes]) -> None:
    body, headers = json.dumps({"features": ROW}).encode(), {"content-encoding": coding}
    assert served.ask("POST", "/predict", compress(body), headers).status == 200
    assert served.ask("POST", "/predict", compress(body)[:-9], headers).status == 400
    assert served.ask("POST", "/predict", body, headers).status == 400
    assert served.ask("POST", "/predict", compress(b" " * (80 << 20)), headers).status == 413


def test_other_compressions_are_refused(served: Served) -> None:
    body = json.dumps({"features": ROW}).encode()
    assert served.ask("POST", "/predict", body, {"content-encoding": "br"}).status == 415


def test_who_sends_half_a_request_keeps_nobody_waiting(served: Served) -> None:
    halves = [b"POST /pre", b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{"]
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(20)]
    try:
        for number, raw in enumerate(held):
            raw.sendall(halves[number % 2])
        began_s = time.monotonic()
        assert served.ask("POST", "/predict", {"features": ROW}).status == 200
        assert time.monotonic() - began_s < 2
    finally:
        for raw in held:
            raw.close()


def test_a_body_may_come_in_pieces(served: Served) -> None:
    body = json.dumps({"features": ROW}).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 7):
            raw.sendall(body[at : at + 7])
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_requests_may_come_before_their_answers(served: Served) -> None:
    one = b"POST /predict HTTP/1.1\r\nhost: localhost\r\nx-request-id: %d\r\ncontent-length: %d\r\n\r\n%b"
    body = json.dumps({"features": ROW}).encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as raw:
        raw.sendall(b"".join(one % (number, len(body), body) for number in range(50)))
        found = b""
        while found.count(b"HTTP/1.1 200 ") < 50:
            piece = raw.recv(65536)
            assert piece
            found += piece
    ids = [int(part.split(b"\r\n")[0]) for part in found.split(b"x-request-id: ")[1:]]
    assert ids == list(range(50))


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"sec-fetch-site": "cross-site"}]
)
def test_pages_of_other_sites_get_nothing(served: Served, headers: dict[str, str]) -> None:
    assert served.ask("POST", "/predict", {"features": ROW}, headers).status == 403
