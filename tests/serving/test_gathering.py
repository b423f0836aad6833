"""A model that shares its calls: answers to many at once, to those who leave, and the sums of several workers."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.serving.shop import Shop, trained, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.shop import Served

ROWS = [[0.1 * at, -1.0 + 0.05 * at, 2.0 - 0.1 * at, 0.25] for at in range(40)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("gathering") / "ws")
    made.register(trained(kind="svc"))
    made.engine.endpoints.create("churn", "churn", capture=1.0)
    made.engine.endpoints.deploy("churn", 1, reason="first")
    yield made
    made.engine.close()


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        until(lambda: running.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        yield running


def metric(served: Served, name: str) -> float:
    text = served.ask("GET", "/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def test_many_at_once_get_each_their_own_answer(served: Served) -> None:
    expected = trained(kind="svc").predict(_frame()).tolist()

    def ask(at: int) -> int:
        reply = served.ask("POST", "/predict", {"features": ROWS[at]})
        assert reply.status == 200, reply.body
        return int(reply.json()["prediction"])

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(ask, list(range(len(ROWS))) * 3))
    assert found == expected * 3
    assert len(set(expected)) == 2


def _frame() -> object:
    import pandas as pd

    return pd.DataFrame(ROWS, columns=list("abcd"))


def test_who_leaves_before_the_answer_leaves_nothing_behind(served: Served) -> None:
    body = json.dumps({"features": ROWS[0]}).encode()
    head = f"POST /predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    for _ in range(5):
        left = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(30)]
        for each in left:
            each.sendall(head + body)
        for each in left:
            each.close()
    until(lambda: metric(served, "batch_request_queue") == 0)
    assert served.ask("POST", "/predict", {"features": ROWS[0]}).status == 200
    assert metric(served, 'quarterdeck_requests_total{[^}]*outcome="error"}') == 0


def test_any_of_several_workers_tells_the_sums_of_all(shop: Shop) -> None:
    with shop.serve("--workers", "2") as served:
        until(lambda: served.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        for row in ROWS:
            until(lambda row=row: served.ask("POST", "/predict", {"features": row}).status == 200)  # type: ignore[misc]
        told = 'quarterdeck_requests_total{[^}]*outcome="ok"}'
        for _ in range(6):  # whichever answers
            until(lambda: metric(served, told) == len(ROWS))
