"""`qd server` as a process: one a workspace, quick to answer, and never half gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import engine
from engine.api import Engine
from engine.core.errors import Busy, NotFound
from engine.processes.lock import ServerLock
from engine.server.listening import DRAIN_S
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire

QD = (sys.executable, "-m", "console")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "workspace").path


@contextmanager
def serving(workspace: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process that answers, and its URL."""
    command = (*QD, "--workspace", str(workspace), "server", "--port", "0", *options)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


def qd(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = (*QD, "--workspace", str(workspace), *words)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_it_answers_before_it_says_where(workspace: Path) -> None:
    with serving(workspace) as (_, url), engine.open(workspace) as opened, Wire(url, opened) as wire:
        assert wire.call("GET", "/health").body == b"OK"
        assert wire.call("GET", "/version").body == b"3.17.2"


def test_a_second_server_is_refused_and_told_who_has_the_workspace(workspace: Path) -> None:
    with serving(workspace) as (process, url):
        second = qd(workspace, "server", "--port", "0")
    assert second.returncode == 3
    assert url in second.stderr
    assert str(process.pid) in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_status_tells_what_the_server_does_and_stop_ends_it(workspace: Path) -> None:
    with serving(workspace) as (process, url):
        told = json.loads(qd(workspace, "server", "status", "--json").stdout)
        assert told["owner"]["url"] == url
        assert told["owner"]["durability"] == "full"
        stopped = qd(workspace, "server", "stop")
        assert (stopped.returncode, process.wait(20)) == (0, 0)
    assert qd(workspace, "server", "status").returncode == 1
    assert qd(workspace, "server", "stop").returncode == 1


def test_status_says_what_was_refused_and_draws_the_last_minute_for_people(workspace: Path) -> None:
    with serving(workspace) as (_, url), Wire.to(url) as wire:
        for name in ("one", "two"):
            assert wire.call("GET", f"/api/2.0/mlflow/runs/get?run_id={name}").status == 404
        assert wire.call("GET", "/nope/%1b%5b31m").status == 404

        def told() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(qd(workspace, "server", "status", "--json").stdout)
            return found["status"] or {}

        _wait_until(lambda: told().get("client_errors") == 3)
        unknown, known = told()["refusals"]
        assert (known["method"], known["path"], known["status"]) == ("GET", "/api/2.0/mlflow/runs/get", 404)
        assert (known["code"], known["count"]) == ("not_found", 2)
        assert (unknown["known"], unknown["count"]) == (False, 1)
        assert "\x1b" not in unknown["path"]
        assert len(told()["requests_by_second"]) == 60
        text = qd(workspace, "server", "status").stdout
        assert "/api/2.0/mlflow/runs/get" in text
        assert "no such path" in text
        assert "requests_by_second" not in text
        assert "at most" in text


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told(workspace: Path, sign: signal.Signals) -> None:
    with serving(workspace) as (process, _):
        process.send_signal(sign)
        assert process.wait(20) == 0
    with engine.open(workspace) as opened:
        assert opened.processes.server() is None


def test_a_client_that_keeps_its_connection_is_told_before_it_is_closed(workspace: Path) -> None:
    with serving(workspace) as (process, url), closing(HTTPConnection(url.removeprefix("http://"), timeout=30)) as kept:
        told: set[tuple[int, bool]] = set()
        kept.request("GET", "/health")
        kept.getresponse().read()
        process.send_signal(signal.SIGTERM)
        while (200, True) not in told:
            kept.request("GET", "/health")
            answer = kept.getresponse()
            answer.read()
            told.add((answer.status, answer.will_close))
        assert told <= {(200, False), (200, True)}
        assert process.wait(20) == 0


def test_a_stream_of_news_does_not_hold_up_the_end(workspace: Path) -> None:
    with serving(workspace) as (process, url):
        address = url.removeprefix("http://")
        with closing(HTTPConnection(address, timeout=30)) as listener:
            listener.request("GET", "/api/qd/v1/events")
            stream = listener.getresponse()
            assert stream.readline() == b": here\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(DRAIN_S / 2) == 0
            assert stream.read() == b"\n"  # and it ends as an answer ends, not by a connection that breaks
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_who_waits_when_it_ends_is_told_to_come_again(workspace: Path) -> None:
    with serving(workspace) as (process, url), closing(_locked(workspace)), Wire.to(url) as wire:
        with ThreadPoolExecutor(1) as client:
            asked = client.submit(wire.mlflow, "POST", "experiments/create", {"name": "late"})
            with closing(HTTPConnection(url.removeprefix("http://"), timeout=30)) as other:
                _wait_until(lambda: b"quarterdeck_writes_waiting 0" not in _measures(other))
            process.send_signal(signal.SIGTERM)
            answer = asked.result(60)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def _locked(workspace: Path) -> sqlite3.Connection:
    other = sqlite3.connect(workspace / "control.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def _measures(connection: HTTPConnection) -> bytes:
    connection.request("GET", "/metrics")
    return connection.getresponse().read()


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)  # the core is for what is waited for


def test_a_killed_server_leaves_no_lock_behind(workspace: Path) -> None:
    with serving(workspace) as (process, _):
        process.kill()
        process.wait(20)
    with engine.open(workspace) as opened:
        assert opened.processes.server() is None
        with pytest.raises(NotFound):
            opened.processes.stop_server()
    with serving(workspace) as (_, url):
        assert url.startswith("http://127.0.0.1:")


def test_half_an_upload_of_a_killed_server_goes_with_the_next_one(workspace: Path) -> None:
    def left_over() -> list[Path]:
        return list(workspace.rglob("*.part"))

    with serving(workspace) as (process, url), engine.open(workspace) as opened:
        run = opened.runs.start("trials", "first")
        run.finish()
        path = f"/api/2.0/mlflow-artifacts/artifacts/{opened.runs.get(run.id).experiment_id}/{run.id}/artifacts/a"
        address = urlsplit(url)
        with closing(socket.create_connection((address.hostname or "", address.port or 0))) as connection:
            connection.sendall(f"PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n".encode())
            connection.sendall(b"x" * 4_000_000)
            _wait_until(lambda: bool(left_over()))
            process.kill()
            process.wait(20)
    assert left_over()
    with serving(workspace):
        _wait_until(lambda: not left_over())


def test_relaxed_durability_is_named_in_every_answer(workspace: Path) -> None:
    with (
        serving(workspace, "--durability", "relaxed") as (_, url),
        engine.open(workspace) as opened,
        Wire(url, opened) as wire,
    ):
        assert wire.call("GET", "/health").headers["x-quarterdeck-durability"] == "relaxed"
    with serving(workspace) as (_, url), engine.open(workspace) as opened, Wire(url, opened) as wire:
        assert "x-quarterdeck-durability" not in wire.call("GET", "/health").headers


def test_a_taken_port_is_said_in_one_line(workspace: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = qd(workspace, "server", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 3
    assert "--port" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_address_of_another_machine_is_said_in_one_line(workspace: Path) -> None:
    refused = qd(workspace, "server", "--host", "no.such.host.invalid", "--port", "0")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


def test_commands_work_beside_the_server(workspace: Path) -> None:
    with serving(workspace) as (_, url), engine.open(workspace) as opened, Wire(url, opened) as wire:
        assert qd(workspace, "experiments", "create", "beside").returncode == 0
        assert wire.call("GET", "/health").status == 200


def test_the_lock_is_for_its_owner_alone(workspace: Path) -> None:
    with serving(workspace), engine.open(workspace) as opened:
        assert (workspace / "server.lock").stat().st_mode & 0o077 == 0
        with pytest.raises(Busy):
            ServerLock(opened.workspace).take()


def test_the_link_that_clients_print_leads_to_words(wire: Wire) -> None:
    page = wire.call("GET", "/")
    assert page.status == 200
    assert b"qd console run" in page.body


def test_an_unknown_path_and_method_are_4xx(wire: Wire) -> None:
    assert wire.call("GET", "/nope").status == 404
    assert wire.call("GET", "/api/2.0/mlflow/nope").json["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    answer = wire.call("DELETE", "/health")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_measures_speak_prometheus(wire: Wire) -> None:
    wire.call("GET", "/health")
    told = wire.call("GET", "/metrics").body.decode()
    assert 'quarterdeck_http_requests_total{method="GET",route="/health",status="200"} 1' in told
    assert "quarterdeck_http_request_seconds_count 1" in told


def _status(opened: Engine) -> int:
    found = opened.processes.server()
    return found.status.requests if found and found.status else 0


def test_the_process_is_this_one_when_it_serves_from_a_thread(wire: Wire) -> None:
    found = wire.engine.processes.server()
    assert found is not None
    assert found.owner.pid == os.getpid()
    assert _status(wire.engine) >= 0
