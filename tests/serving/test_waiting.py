"""Requests of known heads that wait for their part of a call, while the process of the model stands still."""

from __future__ import annotations

import os
import pickle
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving.shop import Shop, trained, until
from tests.serving.test_connections import Kept, asking, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.shop import Served

ROWS = [[0.5 * at - 2, 1.0 - 0.3 * at, 0.7 * at - 2, 0.25] for at in range(8)]
PROGRAM = "engine.runtimes.isolated_worker"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("waiting") / "ws")
    version = made.register_bytes(pickle.dumps(trained(kind="linear")), "model/model.pkl", build=False)
    made.engine.builds.allow_pickle("churn", version, reason="made by this test")
    made.engine.builds.build("churn", version)
    made.engine.endpoints.create("churn", "churn", capture=1.0)
    made.engine.endpoints.deploy("churn", version, reason="first")
    yield made
    made.engine.close()


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        until(lambda: running.ask("GET", "/v2/health/ready").status == 200, within_s=30)
        yield running


def model(served: Served) -> int:
    """The process that holds the model."""
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == str(served.process.pid) and PROGRAM.encode() in words:
            return int(entry.name)
    raise AssertionError


def waiting(served: Served) -> int:
    """How many requests wait for a call; those of the call that is under way do not."""
    lines = served.ask("GET", "/metrics").body.decode().splitlines()
    return int(float(next(each for each in lines if each.startswith("batch_request_queue ")).split()[1]))


def known(served: Served) -> Kept:
    made = Kept(served.port)
    for _ in range(2):
        assert made.ask(sent(0))[0] == 200
    return made


def sent(at: int) -> bytes:
    return request(asking(ROWS[at]).ljust(60))


def right() -> list[int]:
    import pandas as pd

    return [int(each) for each in trained(kind="linear").predict(pd.DataFrame(ROWS, columns=list("abcd")))]


def held(served: Served, crowd: list[Kept]) -> None:
    """Have the model stand still, and each of these wait: the first in its call, the others for the next."""
    os.kill(model(served), signal.SIGSTOP)
    for at, each in enumerate(crowd):
        each.send(sent(at))
        until(lambda at=at: waiting(served) == at)  # type: ignore[misc]


def test_what_comes_behind_a_request_that_waits_is_answered_after_it(served: Served) -> None:
    crowd = [known(served) for _ in range(4)]
    held(served, crowd)
    for at, each in enumerate(crowd):
        each.send(sent(at + 1) + sent(at + 2))
        each.send(b"GET /v2/health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert served.ask("GET", "/v2/health/live").status == 200  # others go on
    os.kill(model(served), signal.SIGCONT)
    for at, each in enumerate(crowd):
        assert [each.answer()[2]["prediction"] for _ in range(3)] == right()[at : at + 3]
        assert each.answer()[2] == {"live": True}
        each.close()


def test_who_leaves_while_waiting_is_not_predicted_for(served: Served) -> None:
    crowd = [known(served) for _ in range(6)]
    held(served, crowd)
    for each in crowd[3:]:
        each.close()
    time_to_leave(served)
    os.kill(model(served), signal.SIGCONT)
    assert [each.answer()[0] for each in crowd[:3]] == [200] * 3
    told = [each for each in served.ask("GET", "/metrics").body.decode().splitlines() if 'outcome="ok"' in each]
    assert sum(int(each.rpartition(" ")[2]) for each in told) == 6 * 2 + 3
    for each in crowd[:3]:
        each.close()


def time_to_leave(served: Served) -> None:
    """Have the server turn its loop a few times, so that it has seen who left."""
    for _ in range(5):
        assert served.ask("GET", "/v2/health/live").status == 200


def test_those_that_wait_when_the_server_is_told_to_end_are_answered_for_the_last_time(served: Served) -> None:
    crowd = [known(served) for _ in range(5)]
    held(served, crowd)
    process = model(served)
    served.process.send_signal(signal.SIGTERM)
    ended = time.monotonic() + 1.0
    until(lambda: time.monotonic() > ended)  # longer than it waits for those that rest
    assert served.process.poll() is None
    os.kill(process, signal.SIGCONT)
    for at, each in enumerate(crowd):
        status, headers, said = each.answer()
        assert (status, headers["connection"], said["prediction"]) == (200, "close", right()[at])
        assert each.at_end()
        each.close()
    assert served.process.wait(20) == 0


def test_a_model_that_dies_fails_nobody_but_those_in_its_call(served: Served) -> None:
    crowd = [known(served) for _ in range(5)]
    held(served, crowd)
    os.kill(model(served), signal.SIGKILL)
    found = [each.answer()[0] for each in crowd]
    assert found == [500, 200, 200, 200, 200]
    assert [each.ask(sent(0))[0] for each in crowd] == [200] * 5  # the connections go on
    for each in crowd:
        each.close()
