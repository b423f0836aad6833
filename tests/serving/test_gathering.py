"""A model that shares its calls: answers to many at once, to those who leave, and the sums of several workers."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.serving.callers import Callers
from tests.serving.shop import Shop, trained, until
from tests.serving.test_connections import Kept, asking, request
from tests.serving.test_turns import BAD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def known(served: Served) -> Kept:
    """A connection whose head is known: what it sends takes no parser and no task."""
    made = Kept(served.port)
    for _ in range(2):
        assert made.ask(sent(0))[0] == 200
    return made


def sent(at: int, *lines: str) -> bytes:
    return request(asking(ROWS[at]).ljust(60), *lines)


def test_many_connections_ask_without_pause_and_get_each_their_own_answers_in_order(served: Served) -> None:
    expected = trained(kind="svc").predict(_frame()).tolist()
    crowd = [known(served) for _ in range(16)]
    for turn in range(5):
        for at, each in enumerate(crowd):
            each.send(sent(at + turn, f"x-request-id: {turn}-{at}"))
        for at, each in enumerate(crowd):  # more comes meanwhile: several at once, and in pieces
            each.send(sent(at + turn + 1) + sent(at + turn + 2))
            each.send(sent(at + turn + 3)[:70])
            each.send(sent(at + turn + 3)[70:])
        for at, each in enumerate(crowd):
            found = [each.answer() for _ in range(4)]
            assert [(one[0], one[2]["prediction"]) for one in found] == [
                (200, expected[at + turn + step]) for step in range(4)
            ]
            assert found[0][1]["x-request-id"] == f"{turn}-{at}"
    for each in crowd:
        each.close()


def test_a_bad_row_that_waits_with_others_is_refused_alone(served: Served) -> None:
    crowd = [known(served) for _ in range(8)]
    for at, each in enumerate(crowd):
        each.send(request(BAD.ljust(60)) if at == 3 else sent(at))
    assert [each.answer()[0] for each in crowd] == [400 if at == 3 else 200 for at in range(8)]
    assert crowd[3].ask(sent(0))[0] == 200
    for each in crowd:
        each.close()


def test_who_leaves_while_waiting_leaves_nothing_behind_and_harms_nobody(served: Served) -> None:
    told = 'quarterdeck_requests_total{[^}]*outcome="error"}'
    for _ in range(5):
        crowd = [known(served) for _ in range(12)]
        for at, each in enumerate(crowd):
            each.send(sent(at))
        for each in crowd[::2]:
            each.close()
        assert {each.answer()[0] for each in crowd[1::2]} == {200}
        for each in crowd[1::2]:
            each.close()
    until(lambda: metric(served, "batch_request_queue") == 0)
    assert metric(served, told) == 0


def test_a_new_version_takes_over_while_requests_wait_for_the_old(tmp_path: Path) -> None:
    own = Shop(tmp_path / "ws")
    for seed in (0, 1):
        own.register(trained(seed, kind="svc"))
    endpoints = own.engine.endpoints
    endpoints.create("churn", "churn", capture=1.0)
    endpoints.deploy("churn", 1, reason="first")
    with own.serve() as served:
        until(lambda: served.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        with Callers(served, ROWS[0], count=6) as callers:
            for version in (2, 1, 2):
                made = endpoints.deploy("churn", version, reason="switch")
                endpoints.wait("churn", made.number)
                acknowledged = time.monotonic()
                callers.heard(100)
                late = {each.version for each in callers.outcomes if each.sent_s > acknowledged}
                assert late == {f"churn/{version}"}
        assert (callers.lost, callers.statuses) == (0, {200})
        sums = {
            name: metric(served, f'quarterdeck_requests_total{{[^}}]*outcome="{name}"}}') for name in ("ok", "error")
        }
        assert sums == {"ok": len(callers.outcomes), "error": 0}
        sent = len(callers.outcomes)  # looked for while its capture writer runs
        until(lambda: sum(each.sent for each in own.engine.telemetry.counts()) == sent, within_s=20)
    counts = own.engine.telemetry.counts()
    assert sum(each.stored + each.dropped for each in counts) == len(callers.outcomes)
    own.engine.close()


def test_what_waits_at_the_end_is_answered_and_told_that_it_was_the_last(shop: Shop) -> None:
    with shop.serve() as served:
        until(lambda: served.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        crowd = [known(served) for _ in range(20)]
        for at, each in enumerate(crowd):
            each.send(sent(at))
        served.process.send_signal(signal.SIGTERM)
        for each in crowd:
            status, headers, _ = each.answer()
            assert status == 200
            while headers.get("connection") != "close":  # answered before the word came: the next may be the last
                status, headers, _ = each.ask(sent(0))
                assert status == 200
            assert each.at_end()
            each.close()
        assert served.process.wait(20) == 0


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
