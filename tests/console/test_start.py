from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from console.__main__ import plain_wish
from engine.core.wish import Wish
from tests.bench.pty.session import PtySession
from tests.console.world import World


def _wish(*words: str, workspace: str | None = None, as_user: str | None = None, read_only: bool = False) -> Wish:
    return Wish(workspace, as_user, read_only, words)


@pytest.mark.parametrize(
    ("argv", "wish"),
    [
        ([], _wish()),
        (["console"], _wish()),
        (["console", "runs"], _wish("runs")),
        (
            ["--workspace", "w", "--readonly", "--as", "ci", "console", "runs", "/x"],
            _wish("runs", "/x", workspace="w", as_user="ci", read_only=True),
        ),
        (["--readonly"], _wish(read_only=True)),
    ],
)
def test_a_plain_line_opens_the_console_without_the_command_line_library(argv: list[str], wish: Wish) -> None:
    assert plain_wish(argv) == wish


@pytest.mark.parametrize(
    "argv",
    [
        ["runs", "list"],
        ["--help"],
        ["--version"],
        ["--workspace"],
        ["--workspace", "--readonly"],
        ["console", "--help"],
        ["console", "runs", "--readonly"],
        ["--workspace=w"],
    ],
)
def test_every_other_line_is_left_to_it(argv: list[str]) -> None:
    assert plain_wish(argv) is None


def _qd(*argv: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *argv],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), "TERM": "xterm", **(environ or {})},
    )


def test_a_pipe_and_a_dumb_terminal_are_refused_in_one_line() -> None:
    for environ in ({}, {"TERM": "dumb"}):
        done = _qd("console", "runs", environ=environ)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "qd runs list" in done.stderr


@pytest.mark.slow
def test_a_missing_workspace_is_one_sentence_and_an_exit_code(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "console", "--workspace", str(tmp_path / "none"), "console"]
    with PtySession(argv, environ={"PYTHONPATH": str(Path.cwd())}) as session:
        assert session.wait() == 3
        assert b"qd init" in session.output
        assert b"Traceback" not in session.output


@pytest.mark.slow
def test_the_real_console_opens_filters_and_leaves(world: World) -> None:
    world.run("tree")
    world.run("forest")
    world.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(world.workspace.path), "--readonly", "console", "runs"]
    with PtySession(argv, columns=80, rows=24, environ={"PYTHONPATH": str(Path.cwd())}) as session:
        session.until_text("2 runs")
        session.until_text("READ-ONLY")
        session.send("/forest")
        session.until_text("1 run")
        session.send("\r")
        session.send("q")
        assert session.wait() == 0
