from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from engine.endpoints.model import Share
from tests.serving.shop import Served, Shop, trained, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

ROW = [0.5, -1.0, 2.0, 0.25]
HEAVY = {"textual", "rich", "pandas", "scipy", "sklearn", "skops", "joblib", "starlette", "console"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "ws")
    for seed in (0, 1):
        made.register(trained(seed))
    made.engine.endpoints.create("churn", "churn", key="header:x-user")
    made.engine.endpoints.deploy("churn", 1, reason="first")
    yield made
    made.engine.close()


def version(served: Served, user: str = "u") -> str:
    reply = served.ask("POST", "/churn/predict", {"features": ROW}, {"x-user": user})
    assert reply.status == 200, reply.body
    return reply.headers["x-model-version"].rpartition("/")[2]


def settled(shop: Shop) -> bool:
    return shop.engine.endpoints.get("churn").settled


class Callers:
    """Threads that ask without pause and note every answer."""

    def __init__(self, served: Served, count: int = 4) -> None:
        self._served = served
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]
        self.answers: list[tuple[float, int, str]] = []
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._ending.is_set():
            began_s = time.monotonic()
            try:
                reply = self._served.ask("POST", "/churn/predict", {"features": ROW})
            except OSError as error:
                self.failures.append(repr(error))
            else:
                self.answers.append((began_s, reply.status, reply.headers.get("x-deployment-generation", "")))

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        until(lambda: len(self.answers) > 10)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for each in self._threads:
            each.join()


def _asked_since(callers: Callers, since_s: float) -> bool:
    return any(began_s > since_s for began_s, *_ in callers.answers)


def test_a_deployment_takes_over_under_load_without_a_lost_request(own: Shop) -> None:
    with own.serve() as served, Callers(served) as callers:
        for number in (2, 1, 2):
            generation = own.engine.endpoints.deploy("churn", number, reason="next")
            own.engine.endpoints.wait("churn", generation.number)
            since_s = time.monotonic()
            until(partial(_asked_since, callers, since_s))
            late = [seen for began_s, _, seen in callers.answers if began_s > since_s]
            assert set(late) == {str(generation.number)}
    assert not callers.failures
    assert {status for _, status, _ in callers.answers} == {200}


def test_a_canary_gets_its_weight_and_keeps_its_callers(own: Shop) -> None:
    own.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    with own.serve() as served:
        first = {str(user): version(served, str(user)) for user in range(400)}
        assert {str(user): version(served, str(user)) for user in range(400)} == first
        share = Counter(first.values())["2"] / 400
        assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 400) ** 0.5
        generation = own.engine.endpoints.traffic("churn", {2: 300}, reason="more")
        own.engine.endpoints.wait("churn", generation.number)
        assert all(version(served, user) == "2" for user, seen in first.items() if seen == "2")
        pinned = served.ask("POST", "/predict", {"features": ROW}, {"x-pin-version": "churn/2"})
        assert pinned.headers["x-model-version"] == "churn/2"


def test_a_shadow_is_asked_and_never_answers(own: Shop) -> None:
    own.engine.endpoints.shadow("churn", 2, reason="watch")
    with own.serve() as served:
        assert {version(served, str(user)) for user in range(50)} == {"1"}
        name = 'quarterdeck_shadow_compared_total{endpoint="churn",model="churn",version="2",share="shadow"} 50'
        until(lambda: name in served.ask("GET", "/metrics").body.decode())


def test_the_kill_switch_refuses_and_revives(own: Shop) -> None:
    with own.serve() as served:
        version(served)
        killed = own.engine.endpoints.kill("churn", reason="stop")
        own.engine.endpoints.wait("churn", killed.number)
        reply = served.ask("POST", "/predict", {"features": ROW})
        assert reply.status == 503
        assert "switched off" in reply.json()["detail"]
        assert reply.headers["retry-after"] == "1"
        revived = own.engine.endpoints.revive("churn", reason="go")
        own.engine.endpoints.wait("churn", revived.number)
        assert version(served) == "1"


def test_it_goes_on_without_its_database_and_says_so(own: Shop) -> None:
    with own.serve() as served:
        version(served)
        away = own.path / "away.db"
        (own.path / "control.db").rename(away)
        until(lambda: "x-control-stale-seconds" in served.ask("GET", "/v2/health/ready").headers)
        assert served.ask("GET", "/v2/health/ready").status == 200
        assert version(served) == "1"
        away.rename(own.path / "control.db")
        until(lambda: "x-control-stale-seconds" not in served.ask("GET", "/v2/health/ready").headers)


def test_it_goes_on_while_the_database_is_locked(own: Shop) -> None:
    with own.serve() as served:
        version(served)
        lock = sqlite3.connect(own.path / "control.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            assert version(served) == "1"
        finally:
            lock.close()


def test_a_model_file_that_was_swapped_is_not_taken_over(own: Shop) -> None:
    build = own.engine.builds.build("churn", 2)
    path = own.engine.builds.path(build)
    with own.serve() as served:
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
        own.engine.endpoints.deploy("churn", 2, reason="next")
        said = own.engine.endpoints
        until(lambda: any("changed" in each.problem for each in said.get("churn").acknowledgements))
        assert version(served) == "1"


def test_a_term_signal_ends_it_after_what_it_has_begun(own: Shop) -> None:
    with own.serve() as served:
        version(served)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(15) == 0
        assert own.engine.endpoints.get("churn").observed is None


@pytest.mark.parametrize("path", ["/predict", "/v2/models/churn", "/stream/churn"])
def test_a_caller_that_keeps_its_connection_is_told_before_it_is_closed(own: Shop, path: str) -> None:
    body = {"/predict": b'{"features": [0.5, -1, 2, 0.25]}', "/stream/churn": b"[0.5, -1, 2, 0.25]"}.get(path)
    method = "GET" if body is None else "POST"
    with own.serve() as served, closing(HTTPConnection("127.0.0.1", served.port, timeout=10)) as kept:
        told: list[tuple[int, bool]] = []
        while not told or not told[-1][1]:
            kept.request(method, path, body)
            answer = kept.getresponse()
            answer.read()
            told.append((answer.status, answer.will_close))
            if len(told) == 1:
                served.process.send_signal(signal.SIGTERM)
        assert {status for status, _ in told} == {200}
        assert served.process.wait(15) == 0


def test_a_port_that_is_taken_is_told_in_one_line(own: Shop) -> None:
    with own.serve() as served:
        command = [
            sys.executable,
            "-m",
            "engine.cli",
            "--workspace",
            str(own.path),
            "serve",
            "--port",
            str(served.port),
        ]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert (found.returncode, found.stderr.count("\n")) == (3, 1)
        assert f"Port {served.port} of 127.0.0.1 is taken" in found.stderr


def test_an_endpoint_that_is_not_there_is_refused(own: Shop) -> None:
    command = [sys.executable, "-m", "engine.cli", "--workspace", str(own.path), "serve", "churm", "--port", "0"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert found.returncode == 1
    assert "churn" in found.stderr


def test_a_worker_that_is_killed_is_replaced(own: Shop) -> None:
    with own.serve("--workers", "2") as served:
        until(lambda: len(own.engine.endpoints.get("churn").acknowledgements) == 2 and settled(own))
        before = {each.plane for each in own.engine.endpoints.get("churn").acknowledgements if each.alive}
        victim = int(min(before).rpartition(":")[2])
        os.kill(victim, signal.SIGKILL)
        for _ in range(20):
            try:
                version(served)
            except OSError:  # a connection that the dead one had not taken yet
                continue
        until(
            lambda: len({each.plane for each in own.engine.endpoints.get("churn").acknowledgements if each.alive}) == 2
        )
        after = {each.plane for each in own.engine.endpoints.get("churn").acknowledgements if each.alive}
        assert len(before & after) == 1
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(15) == 0


def test_it_needs_no_heavy_library_for_a_twin(own: Shop) -> None:
    with own.serve(python=("-X", "importtime")) as served:
        version(served)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.stderr is not None
        said = [*served.said, *served.process.stderr]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in said if line.startswith("import time:")}
    assert "numpy" in imported
    assert not imported & HEAVY


def test_it_needs_little_memory(own: Shop) -> None:
    with own.serve() as served:
        version(served)
        with open(f"/proc/{served.process.pid}/status", encoding="ascii") as file:  # noqa: PTH123 the kernel's
            resident_kb = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        assert resident_kb < 110 * 1024


def test_what_is_captured_is_counted_exactly(own: Shop) -> None:
    own.engine.endpoints.update("churn", capture=1.0)
    with own.serve() as served:
        for number in range(120):
            reply = served.ask("POST", "/predict", {"features": ROW}, {"x-request-id": f"r{number}"})
            assert reply.status == 200
        endpoint = own.engine.endpoints.get("churn").row_id

        def kept() -> bool:
            return sum(each.stored for each in own.engine.telemetry.counts(endpoint)) == 120

        until(kept, within_s=20)
        reply = served.ask("POST", "/labels", [{"request_id": "r1", "label": 1}, {"request_id": "r2", "label": "x"}])
        assert reply.json()["stored"] == 2
        assert served.ask("POST", "/labels", {"labels": 5}).status == 400
    counts = own.engine.telemetry.counts(endpoint)
    assert [(each.sent, each.stored + each.dropped) for each in counts] == [(120, 120)]
