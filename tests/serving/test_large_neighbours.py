"""A large request is answered whole, and small ones beside it hardly notice."""

from __future__ import annotations

import gzip
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.serving.shop import Reply, Served

ROW = [0.5, -1.0, 2.0, 0.25]
ROWS = 200_000

SOON_S = 0.5
"""Within which a small request is answered on a machine that does nothing else."""

LARGE_S = 2.0
"""How long a large one takes there."""


def infer(rows: Any, datatype: str = "FP64") -> bytes:
    tensor = {"name": "x", "shape": [len(rows), 4], "datatype": datatype, "data": rows}
    return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()


def slowest_s(served: Served, path: str, body: bytes) -> tuple[float, int, Reply]:
    """How long the slowest small request took beside a large one, in seconds, how many there were, and the answer.

    Where other work has the cores the large one takes longer too, so seconds count as they do on a machine at rest.
    """
    found: list[Reply] = []
    large = threading.Thread(target=lambda: found.append(served.ask("POST", path, body, wait_s=60)))
    large.start()
    slowest, count, at_first_s = 0.0, 0, time.monotonic()
    while large.is_alive():
        began_s = time.monotonic()
        assert served.ask("POST", "/predict", {"features": ROW}).status == 200
        slowest, count = max(slowest, time.monotonic() - began_s), count + 1
    large.join()
    return slowest / max(1.0, (time.monotonic() - at_first_s) / LARGE_S), count, found[0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/models/churn/infer", infer([[1, 2, 3, 4]] * ROWS)),
        ("/invocations", json.dumps({"dataframe_records": [dict(zip("abcd", ROW, strict=True))] * ROWS}).encode()),
    ],
    ids=["a nested tensor", "records"],
)
def test_a_small_request_beside_a_large_one_is_answered_soon(served: Served, path: str, body: bytes) -> None:
    slowest, count, reply = slowest_s(served, path, body)
    assert reply.status == 200
    assert count > 1
    assert slowest < SOON_S


def test_a_small_request_beside_many_compressed_ones_is_answered_soon(served: Served) -> None:
    bomb, refused = gzip.compress(b" " * (80 << 20)), []

    def send() -> None:
        for _ in range(3):
            reply = served.ask("POST", "/predict", bomb, {"content-encoding": "gzip"}, wait_s=60)
            refused.append(reply.status)

    senders = [threading.Thread(target=send) for _ in range(2)]
    for each in senders:
        each.start()
    slowest = 0.0
    while any(each.is_alive() for each in senders):
        began_s = time.monotonic()
        assert served.ask("POST", "/predict", {"features": ROW}).status == 200
        slowest = max(slowest, time.monotonic() - began_s)
    assert refused == [413] * 6
    assert slowest < SOON_S


def test_a_large_request_is_answered_as_its_rows_are_alone(served: Served) -> None:
    rows = [[number % 7 - 3.0, number % 5 - 2.0, number % 3 - 1.0, number / 30_000] for number in range(30_000)]
    said = served.ask("POST", "/v2/models/churn/infer", infer(rows)).json()["outputs"]
    few = served.ask("POST", "/v2/models/churn/infer", infer(rows[20_000:20_100])).json()["outputs"]
    for large, small in zip(said, few, strict=True):
        width = len(small["data"]) // 100
        assert large["shape"][0] == 30_000
        assert large["data"][20_000 * width : 20_100 * width] == small["data"]


@pytest.mark.parametrize(
    "body",
    [infer([*[ROW] * 30_000, [1, 2, 3, "x"]]), infer([ROW] * 30_000)[:-1], infer([[1, 2, 3, 4e9]] * 30_000, "INT8")],
)
def test_a_bad_large_request_is_refused(served: Served, body: bytes) -> None:
    assert served.ask("POST", "/v2/models/churn/infer", body).status == 400


def test_a_large_request_may_come_compressed(served: Served) -> None:
    body = gzip.compress(infer([ROW] * 30_000))
    reply = served.ask("POST", "/v2/models/churn/infer", body, {"content-encoding": "gzip"})
    assert (reply.status, reply.json()["outputs"][0]["shape"]) == (200, [30_000])
