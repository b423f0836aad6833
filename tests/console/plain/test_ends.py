"""The plain console as a process: terminals, pipes, and every way it can end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench.pty.session import PtySession
from tests.console.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World(tmp_path_factory.mktemp("plain"))
    world.run("bäume")
    world.close()
    return world.workspace.path


@pytest.fixture
def session(workspace: Path) -> Iterator[PtySession]:
    argv = [sys.executable, "-m", "console", "--workspace", str(workspace), "--plain"]
    environ = {"TERM": "dumb", "LANG": "C", "LC_ALL": "", "LC_CTYPE": "", "PYTHONPATH": str(Path.cwd())}
    with PtySession(argv, environ=environ) as running:
        running.until(lambda: running.output.endswith(b"qd> "))
        yield running


def _answered(session: PtySession, line: str) -> bytes:
    before = len(session.output)
    session.send(f"{line}\n")
    session.until(lambda: session.output[before:].endswith(b"qd> "))
    return session.output[before:]


def test_a_dumb_terminal_gets_no_escape_and_ascii_and_every_end_is_sane(session: PtySession) -> None:
    assert b"1. baume; " in _answered(session, "runs")
    assert b"'nonsense'" in _answered(session, "nonsense")
    session.send("\x03")
    before = len(session.output)
    session.until(lambda: b"qd> " in session.output[before - 5 :])
    session.send("models\ncreate\n")
    session.until(lambda: session.output.endswith(b"name: "))
    session.send("\x03")
    session.until(lambda: b"Given up." in session.output)
    assert session.mode() == session.first_mode
    session.send("\x04")
    assert session.wait() == 0
    assert b"\x1b" not in session.output
    assert session.output.isascii()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_its_code(session: PtySession, number: signal.Signals, code: int) -> None:
    session.signal(number)
    assert session.wait() == code


def test_a_hung_up_terminal_ends_it(session: PtySession) -> None:
    session.close()
    session.wait()


def test_a_reader_that_has_seen_enough_is_no_failure(workspace: Path) -> None:
    line = f"yes help | {sys.executable} -m console --workspace {workspace} --plain | head -1; echo ${{PIPESTATUS[1]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "0"
    assert not done.stderr
