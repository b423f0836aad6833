"""`qd up` as a real program: its processes are started again when they die, end with it, and are told of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import engine
from engine.api import Engine
from engine.core.errors import Busy, WorkspaceReplaced
from engine.probing.model import HealthState, Protocol
from tests.engine.cli.driver import COMMAND, run_process, terminal
from tests.engine.probing.fake import served
from tests.engine.supervision.programs import lives, until

NAMES = ["server", "writer", "analysis", "prober", "monitors", "serve"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return engine.create(tmp_path / "workspace").path


class Up:
    """A `qd up` that runs."""

    def __init__(self, process: subprocess.Popen[bytes], opened: Engine) -> None:
        self.process = process
        self.engine = opened

    def children(self) -> dict[str, dict[str, Any]]:
        """Its processes by name, as `qd up status` tells."""
        found = self.engine.processes.up()
        return {} if found is None else {each["name"]: each for each in json.loads(found.to_json())["children"]}

    def pids(self) -> dict[str, int]:
        """Which of them run."""
        return {name: each["pid"] for name, each in self.children().items() if each["pid"] is not None}

    def log(self, name: str) -> str:
        """What one of them wrote."""
        path = self.engine.workspace.path / "logs" / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def up(workspace: Path, *words: str) -> Iterator[Up]:
    """Run `qd up`; whatever is left of it at the end is killed."""
    command = [*COMMAND, "--workspace", str(workspace), "up", "--port", "0", "--serve-port", "0", *words]
    with engine.open(workspace) as opened, subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        running = Up(process, opened)
        try:
            until(lambda: bool(running.pids()))
            yield running
        finally:
            left = running.pids()
            process.kill()
            for pid in left.values():
                until(lambda pid=pid: not lives(pid))  # type: ignore[misc]  # its own pid each
            assert process.stderr is not None
            process.stderr.read()


def test_all_parts_run_answer_and_end_in_order(workspace: Path) -> None:
    with up(workspace) as running:
        until(lambda: "answers predictions at http://" in running.log("serve"))
        until(lambda: running.engine.processes.server() is not None)
        assert list(running.children()) == NAMES
        url = running.log("serve").partition("answers predictions at ")[2].split()[0]
        assert httpx.get(f"{url}/v2/health/live", timeout=10).status_code == 200
        pids = running.pids()
        assert run_process("--workspace", workspace, "up", "stop").code == 0
        assert running.process.wait(30) == 0
        assert not any(map(lives, pids.values()))
        assert running.engine.processes.up() is None
        assert running.engine.processes.server() is None
        assert "every request that it took was answered" in running.log("serve")


def test_a_killed_part_is_started_again_and_its_restarts_are_counted(workspace: Path) -> None:
    with up(workspace, "--no-server", "--no-serve") as running:
        until(lambda: len(running.pids()) == 3)
        first = running.pids()
        os.kill(first["prober"], signal.SIGKILL)
        until(lambda: running.pids().get("prober", first["prober"]) != first["prober"])
        told = running.children()["prober"]
        assert (told["restarts"], told["words"]) == (1, "failed once: killed by signal 9")
        assert running.pids()["analysis"] == first["analysis"]


def test_a_part_that_cannot_run_is_said_to_fail_while_the_others_go_on(workspace: Path) -> None:
    with up(workspace, "--no-serve", "--no-analysis", "--host", "203.0.113.1", "--require-tokens") as running:
        until(lambda: running.children()["server"]["failures"] >= 2)
        told = running.children()["server"]
        assert "in a row: exit code" in told["words"]
        assert told["last_line"].startswith("qd: ")
        assert lives(running.pids()["prober"])


def test_nothing_outlives_a_supervisor_that_is_killed(workspace: Path) -> None:
    with up(workspace) as running:
        until(lambda: len(running.pids()) == 6 and "answers predictions" in running.log("serve"))
        until(lambda: running.engine.telemetry.stats().writer.alive)
        pids = running.pids()
        running.process.kill()
        running.process.wait(10)
        for pid in pids.values():
            until(lambda pid=pid: not lives(pid))  # type: ignore[misc]  # its own pid each
        until(lambda: not running.engine.telemetry.stats().writer.alive)
        assert running.engine.processes.up() is None
    with up(workspace, "--no-serve", "--no-server"):
        """A new one takes the place at once."""


def test_there_is_one_a_workspace(workspace: Path) -> None:
    with up(workspace, "--no-server", "--no-serve") as running:
        second = run_process("--workspace", workspace, "up", "--no-server", "--no-serve")
        assert second.code == Busy.exit_code
        assert f"process {running.process.pid} of" in second.err
        assert len(running.pids()) == 3


def test_a_hangup_starts_each_part_again(workspace: Path) -> None:
    with up(workspace, "--no-server", "--no-serve") as running:
        until(lambda: len(running.pids()) == 3)
        first = running.pids()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: len(set(running.pids().values()) - set(first.values())) == 3)
        assert {each["failures"] for each in running.children().values()} == {0}
        assert not any(map(lives, first.values()))


def test_interrupting_it_ends_all_of_it(workspace: Path) -> None:
    with up(workspace, "--no-server", "--no-serve") as running:
        until(lambda: len(running.pids()) == 3)
        pids = running.pids()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
        assert not any(map(lives, pids.values()))


def test_the_prober_asks_in_its_own_time_and_news_reaches_who_follows(workspace: Path) -> None:
    with served({"/": (200, b"", {})}) as fake, up(workspace, "--no-server", "--no-serve", "--no-analysis") as running:
        probing = running.engine.probing
        probing.register("theirs", fake.url, protocol=Protocol.HTTP, interval_ms=1_000)
        probing.register("gone", "http://127.0.0.1:9", protocol=Protocol.HTTP, interval_ms=60_000)
        feed = running.engine.feed()
        until(lambda: probing.health("theirs").state is HealthState.HEALTHY)
        until(lambda: probing.health("gone").state is HealthState.FAILING)
        fake.answers["/"] = (500, b"", {})
        until(lambda: probing.health("theirs").state is HealthState.FAILING)
        assert len(probing.history("gone").items) == 1
        changes = feed.poll()
        assert changes is not None
        news = {(each.change, each.key) for each in changes.events}
        assert {("health", "theirs"), ("health", "gone")} <= news


def test_a_terminal_that_is_closed_takes_it_along(workspace: Path) -> None:
    with engine.open(workspace) as opened, terminal("--workspace", workspace, "up", "--no-server", "--no-serve"):
        until(lambda: len(_pids(opened)) == 3)
        pids = _pids(opened)
    for pid in pids:
        until(lambda pid=pid: not lives(pid))  # type: ignore[misc]  # its own pid each
    assert opened.processes.up() is None


def _pids(opened: Engine) -> list[int]:
    found = opened.processes.up()
    return [] if found is None else [each.pid for each in found.children if each.pid is not None]


def test_a_workspace_that_is_moved_away_ends_it(workspace: Path, tmp_path: Path) -> None:
    with up(workspace, "--no-server", "--no-serve") as running:
        pids = running.pids()
        workspace.rename(tmp_path / "elsewhere")
        assert running.process.wait(30) == WorkspaceReplaced.exit_code
        assert not any(map(lives, pids.values()))


def test_a_read_only_session_starts_nothing(workspace: Path) -> None:
    refused = run_process("--workspace", workspace, "--readonly", "up")
    assert refused.code == 4
    assert not (workspace / "logs").exists()


def test_logs_are_followed_as_they_grow(workspace: Path) -> None:
    with up(workspace, "--no-server", "--no-serve", "--no-analysis") as running:
        until(lambda: "started as process" in running.log("prober"))
        words = [sys.executable, "-m", "console", "--workspace", str(workspace), "up", "logs", "prober", "-f"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
            assert following.stdout is not None
            assert "started as process" in following.stdout.readline()
            os.kill(running.pids()["prober"], signal.SIGKILL)
            assert "killed by signal 9" in following.stdout.readline()
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 130
