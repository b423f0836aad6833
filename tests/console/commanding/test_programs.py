"""A program of quarterdeck.toml that has the terminal to itself, in a real pty; and one that is given up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.bench.pty.session import PtySession
from tests.console.commanding.test_typed import say
from tests.console.driver import console
from tests.console.world import World

ASKING = "import sys; print('PROGRAM', sys.argv[1]); sys.stdin.readline(); print('HEARD'); sys.exit(3)"
ENDLESS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def test_the_terminal_is_the_programs_and_then_the_consoles_again(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        f"[console.commands.ask-me]\ncommand = [{sys.executable!r}, '-c', {ASKING!r}, '{{user}}']\nkey = 'f8'\n",
    )
    path = str(world.workspace.path)
    world.close()
    argv = [sys.executable, "-m", "console", "--workspace", path, "console", "models"]
    environ = {"PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with PtySession(argv, environ=environ) as session:
        session.until_text("No registered models yet.")
        session.send(":ask-me\r")
        session.until_text("PROGRAM")
        before = session.output
        assert b"\x1b[?1049l" in before.rpartition(b"PROGRAM")[0]
        session.send("hello\r")
        session.until_text("ended with code 3")
        assert b"\x1b[?1049h" in session.output.rpartition(b"HEARD")[2]
        session.send("q")
        assert session.wait() == 0
    kept = (tmp_path / "state" / "quarterdeck" / "history").read_text()
    assert kept == "ask-me\n"


async def test_a_program_that_is_given_up_ends_with_all_it_started(world: World) -> None:
    world.write_policy(
        f"[console.commands.forever]\ncommand = [{sys.executable!r}, '-c', {ENDLESS!r}]\nbackground = true"
    )
    async with console(world.engine, size=(160, 45)) as deck:
        deck.app.custom.look()
        await deck.until(lambda: "forever" in deck.app.custom.settings.commands, "the settings")
        await say(deck, "forever")
        await deck.until(lambda: any(task.words.isdigit() for task in deck.app.tasks.all), "its number")
        task = deck.app.tasks.all[0]
        number = int(task.words)
        deck.app.tasks.cancel(task)
        await deck.until(lambda: not task.running, "its end")
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


async def test_a_program_that_is_not_there_is_told(world: World) -> None:
    world.write_policy("[console.commands.nope]\ncommand = ['no-such-program-at-all']")
    async with console(world.engine, size=(160, 45)) as deck:
        deck.app.custom.look()
        await deck.until(lambda: "nope" in deck.app.custom.settings.commands, "the settings")
        await say(deck, "nope")
        await deck.expect("There is no program no-such-program-at-all.")


def test_another_workspace_is_opened_over_this_one_and_left_again(tmp_path: Path) -> None:
    there = World(tmp_path / "there")
    there.version("elsewhere")
    there.close()
    policy = f"[console.environments]\nstaging = {str(there.workspace.path)!r}\nbroken = '/nowhere/at/all'\n"
    here = World(tmp_path / "here", policy)
    here.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(here.workspace.path), "console", "models"]
    with PtySession(argv, environ={"PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path)}) as session:
        session.until_text("No registered models yet.")
        session.send(":models @staging\r")
        session.until_text("elsewhere")
        session.until_text("@staging")
        session.send("q")
        session.until_text("Back from @staging.")
        session.send(":models @broken\r")
        session.until_text("/nowhere/at/all")
        session.send("q")
        assert session.wait() == 0
