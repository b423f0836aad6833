"""Typing faster than the console shows: kept before the first screen, dropped behind the word that quits."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.pty.session import PtySession
from tests.console.driver import console
from tests.console.world import World


@pytest.fixture
def terminal(world: World) -> Iterator[PtySession]:
    """The real console, just started: nothing of it has been seen yet."""
    world.run("tree")
    world.version()
    world.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(world.workspace.path), "--readonly"]
    environ = {"PYTHONPATH": str(Path.cwd()), "PATH": os.environ["PATH"]}
    with PtySession(argv, columns=80, rows=24, environ=environ) as session:
        yield session


@pytest.mark.slow
@pytest.mark.parametrize("more", ["m", "r", "\r", "[", ":runs\r", "?"])
def test_keys_behind_quit_are_for_nobody(terminal: PtySession, more: str) -> None:
    terminal.until_text("● live")
    terminal.until_quiet(0.2)
    terminal.send(f":q\r{more}")
    assert terminal.wait() == 0
    assert b"stopped" not in terminal.output


@pytest.mark.slow
def test_a_command_typed_before_the_first_screen_is_done(terminal: PtySession) -> None:
    terminal.send(":runs\r")
    terminal.until_text("2 runs")


@pytest.mark.slow
@pytest.mark.parametrize("before", ["", ":ru", "/tr", "?"])
def test_control_c_leaves_from_everywhere(terminal: PtySession, before: str) -> None:
    terminal.until_text("● live")
    terminal.send(f":runs\r{before}\x03")
    assert terminal.wait() == 0


@pytest.mark.slow
def test_control_z_gives_the_terminal_back_until_the_console_is_continued(terminal: PtySession) -> None:
    terminal.until_text("● live")
    terminal.until_quiet(0.2)
    terminal.send("\x1a")
    terminal.until(terminal.stopped)
    terminal.until_quiet(0.05)
    assert terminal.mode() == terminal.first_mode
    terminal.signal(signal.SIGCONT)
    terminal.send(":runs\r")
    terminal.until_text("2 runs")


async def test_keys_that_come_before_the_data_wait_for_it(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        deck.send("enter")
        await deck.expect("run 00000000", "chart 1 of 2")
