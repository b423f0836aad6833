"""Whatever dies, fills up or changes hands beside a data plane: callers are answered on, and all is counted."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine
from engine.core.errors import Conflict, NotServable
from engine.endpoints.model import Share
from engine.telemetry.lock import writer_status
from tests.serving.callers import Callers
from tests.serving.shop import Shop, trained, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROW = [0.5, -1.0, 2.0, 0.25]
CALLERS = 8

pytestmark = pytest.mark.slow


def opened(path: Path, *, capture: float = 0.0) -> Shop:
    """A workspace with two versions, the first of them live."""
    made = Shop(path)
    for seed in (0, 1):
        made.register(trained(seed))
    made.engine.endpoints.create("churn", "churn", capture=capture)
    made.engine.endpoints.deploy("churn", 1, reason="first")
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = opened(tmp_path / "ws", capture=1.0)
    yield made
    made.engine.close()


def counted(shop: Shop, sent: int) -> bool:
    """Whether every request that was sent is stored, or was dropped and counted."""
    counts = shop.engine.telemetry.counts("churn")
    assert all(each.sent >= each.stored + each.dropped for each in counts)
    return sum(each.stored + each.dropped for each in counts) == sent


@pytest.mark.parametrize("module", ["engine.telemetry.writer", "engine.supervision.analysis"])
def test_what_runs_beside_is_killed_and_nobody_notices(shop: Shop, module: str) -> None:
    with shop.serve() as served, Callers(served, ROW, count=CALLERS) as callers:
        until(lambda: served.child(module) > 0)
        first = served.child(module)
        callers.heard(100)
        os.kill(first, signal.SIGKILL)
        callers.heard(100)
        until(lambda: served.child(module) not in (0, first))
        callers.heard(100)
    assert (callers.lost, callers.statuses) == (0, {200})
    with shop.serve():  # whatever a killed writer has left is stored by the next
        until(lambda: counted(shop, len(callers.outcomes)), within_s=30)
    assert not writer_status(shop.engine.workspace).alive


def planes(shop: Shop) -> set[str]:
    return {each.plane for each in shop.engine.endpoints.get("churn").acknowledgements if each.alive}


def test_a_killed_worker_loses_only_what_it_had_at_hand(shop: Shop) -> None:
    with shop.serve("--workers", "2") as served:
        until(lambda: len(planes(shop)) == 2 and shop.engine.endpoints.get("churn").settled)
        before = planes(shop)
        victim = int(min(before).rpartition(":")[2])
        with Callers(served, ROW, count=CALLERS) as callers:
            callers.heard(200)
            os.kill(victim, signal.SIGKILL)
            until(lambda: len(planes(shop)) == 2 and len(planes(shop) & before) == 1, within_s=20)
            callers.heard(200)
        assert callers.lost <= CALLERS  # one a connection, and only of those that it had
        assert callers.statuses == {200}
        assert len(callers.outcomes) - callers.lost > 400


def test_the_end_under_load_loses_no_request(shop: Shop) -> None:
    for words in ((), ("--workers", "2")):
        with shop.serve(*words) as served, Callers(served, ROW, count=CALLERS) as callers:
            callers.heard(200)
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(20) == 0
        assert (callers.lost, callers.statuses) == (0, {200})


@contextmanager
def gone(path: Path) -> Iterator[None]:
    """Deleted, while somebody has it open."""
    kept = path.with_name("kept")
    path.rename(kept)
    yield
    kept.rename(path)


@contextmanager
def replaced(path: Path) -> Iterator[None]:
    """Another workspace's in its place."""
    other = engine.create(path.parent / "other").path
    with gone(path):
        shutil.copy(other / path.name, path)
        yield


@contextmanager
def nonsense(path: Path) -> Iterator[None]:
    """Something that is no database in its place."""
    with gone(path):
        path.write_bytes(b"no database" * 1_000)
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Locked by somebody who does not let go."""
    with closing(sqlite3.connect(path, isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("happens", [gone, replaced, nonsense, locked])
def test_it_answers_on_whatever_happens_to_the_database(shop: Shop, happens: object) -> None:
    with shop.serve() as served:
        with Callers(served, ROW) as callers:
            with happens(shop.path / "control.db"):  # type: ignore[operator] # one of four
                if happens is not locked:  # readers do not mind a lock
                    until(lambda: "x-control-stale-seconds" in served.ask("GET", "/v2/health/ready").headers)
                callers.heard(200)
            until(lambda: "x-control-stale-seconds" not in served.ask("GET", "/v2/health/ready").headers)
            generation = shop.engine.endpoints.deploy("churn", 2, reason="it listens again")
            shop.engine.endpoints.wait("churn", generation.number)
            callers.heard(50)
        assert (callers.lost, callers.statuses) == (0, {200})
        assert callers.outcomes[-1].version == "churn/2"


def test_a_swapped_model_file_serves_nobody(shop: Shop) -> None:
    path = shop.engine.builds.path(shop.engine.builds.build("churn", 2))
    with shop.serve() as served, Callers(served, ROW) as callers:
        path.chmod(0o600)
        path.write_bytes(shop.engine.builds.path(shop.engine.builds.build("churn", 1)).read_bytes())
        shop.engine.endpoints.deploy("churn", 2, reason="swapped")
        until(lambda: any("changed" in each.problem for each in shop.engine.endpoints.get("churn").acknowledgements))
        callers.heard(100)
    assert (callers.lost, callers.statuses) == (0, {200})
    assert {each.version for each in callers.outcomes} == {"churn/1"}


def test_a_version_that_takes_traffic_is_not_deleted(shop: Shop) -> None:
    shop.engine.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    for version in (1, 2):
        with pytest.raises(Conflict, match="is deployed to churn and cannot be deleted"):
            shop.engine.models.delete_version("churn", version)
    assert len(shop.engine.endpoints.get("churn").desired.routes) == 2  # type: ignore[union-attr] # it has routes


def test_of_two_operators_who_saw_the_same_one_changes_the_traffic(shop: Shop) -> None:
    endpoints = shop.engine.endpoints
    seen = endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try").number
    gate = threading.Barrier(8)
    moved: list[tuple[int, int]] = []
    refused: list[str] = []

    def change(weight: int) -> None:
        with engine.open(shop.path) as own:
            gate.wait()
            try:
                made = own.endpoints.traffic("churn", {2: weight}, reason=f"to {weight}", expect=seen)
                moved.append((made.number, weight))
            except Conflict as conflict:
                refused.append(str(conflict))

    threads = [threading.Thread(target=change, args=(200 + number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(refused) == 7
    [(number, weight)] = moved
    desired = endpoints.get("churn").desired
    assert desired is not None
    assert number == desired.number == seen + 1
    assert [each.weight for each in desired.routes if each.share is Share.CANARY] == [weight]


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[None]:
    """A file system of its own, of this size; the test is left out where one may not be mounted."""
    path.mkdir()
    options = f"size={size_bytes},mode=700"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=False, stderr=-3).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_costs_captured_requests_and_no_answers(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24 << 20):
        shop = opened(tmp_path / "disk" / "ws", capture=1.0)
        filler = tmp_path / "disk" / "filler"
        with shop.serve() as served, Callers(served, ROW, count=CALLERS) as callers:
            callers.heard(100)
            with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            callers.heard(1_000)
            filler.unlink()
            callers.heard(100)
        assert (callers.lost, callers.statuses) == (0, {200})
        with shop.serve():
            until(lambda: counted(shop, len(callers.outcomes)), within_s=30)
        shop.engine.close()


def test_who_sends_no_more_still_reads_the_answer(shop: Shop) -> None:
    with shop.serve() as served, socket.create_connection(("127.0.0.1", served.port), timeout=10) as half:
        body = b'{"features": [0.5, -1.0, 2.0, 0.25]}'
        half.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        half.shutdown(socket.SHUT_WR)
        assert half.recv(65_536).startswith(b"HTTP/1.1 200 ")


class Trap:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()", "")


def test_a_pickle_that_runs_code_runs_nowhere(shop: Shop, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    data = pickle.dumps(Trap(sprung))
    shop.register_bytes(data, "model/model.pkl", "trap", build=False)
    shop.engine.endpoints.create("trap", "trap")
    with pytest.raises(NotServable):
        shop.engine.builds.build("trap", 1)
    with pytest.raises(NotServable):
        shop.engine.endpoints.deploy("trap", 1, reason="try")
    quarterdeck = [sys.executable, "-m", "engine.cli", "--workspace", str(shop.path)]
    for words in (("models", "show", "trap/1"), ("models", "build", "trap", "1"), ("models", "check", "trap", "1")):
        subprocess.run([*quarterdeck, *words], check=False, capture_output=True, timeout=60)
    with shop.serve() as served:
        assert served.ask("POST", "/trap/predict", {"features": ROW}).status in (404, 503)
        assert served.ask("POST", "/churn/predict", {"features": ROW}).status == 200
    assert not sprung.exists()
