"""The sweep ends, says what it could not see, and finds nothing in a real terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.bench.pty.session import PtySession, TimedOut
from tests.hostile.command_sweep import command_lines, sweep_commands
from tests.hostile.console_sweep import ConsoleSweep
from tests.hostile.judge import Findings
from tests.hostile.places import COMMANDS, SCREENS, Screen
from tests.hostile.texts import HOSTILE
from tests.hostile.workspace import Workspace, make_hostile, served

FEW = {name: HOSTILE[name] for name in ("colour", "c1", "style tag")}
"""Enough for a screen that shows a text raw to be seen doing it."""

MINUTE = 60.0


@pytest.fixture
def hostile(tmp_path: Path) -> Workspace:
    return make_hostile(tmp_path / "workspace", FEW)


def _clean(findings: Findings, least: int) -> None:
    assert (findings.leaks, findings.crashes, findings.missed) == ([], [], [])
    assert findings.looks >= least


@pytest.mark.slow
def test_no_screen_lets_hostile_text_through_to_a_real_terminal(hostile: Workspace) -> None:
    findings = Findings()
    with served(hostile), ConsoleSweep(hostile, findings, time.monotonic() + MINUTE) as console:
        console.screens()
    _clean(findings, len(SCREENS))


@pytest.mark.slow
def test_no_key_and_no_dialog_lets_it_through(hostile: Workspace) -> None:
    findings = Findings()
    with ConsoleSweep(hostile, findings, time.monotonic() + MINUTE) as console:
        console.actions([Screen("runs"), Screen("run", "{run}")])
    _clean(findings, 100)


def test_no_command_lets_it_through(hostile: Workspace) -> None:
    findings = Findings()
    chosen = [command for command in COMMANDS if "show {" in command.words or command.words == "server status"]
    with served(hostile):
        sweep_commands(hostile, findings, time.monotonic() + MINUTE, command_lines(hostile, chosen))
    _clean(findings, len(chosen))


def test_a_sweep_out_of_time_ends_and_names_what_it_did_not_see(hostile: Workspace) -> None:
    findings = Findings()
    with ConsoleSweep(hostile, findings, time.monotonic()) as console:
        console.screens()
    sweep_commands(hostile, findings, time.monotonic(), command_lines(hostile))
    assert findings.looks == 0
    assert ["time was over" in missed for missed in findings.missed] == [True, True]


def test_a_place_that_is_not_there_is_told(hostile: Workspace) -> None:
    findings = Findings()
    with ConsoleSweep(hostile, findings, time.monotonic() + MINUTE) as console:
        console.screens([Screen("nowhere")])
    assert ["nowhere' did not open" in missed for missed in findings.missed] == [True]


def test_a_program_that_waits_is_settled_and_one_that_works_is_not() -> None:
    with PtySession([sys.executable, "-c", "print('ready'); input()"]) as session:
        session.until_text("ready")
        session.until_settled(within=10)
    with PtySession([sys.executable, "-c", "print('ready')\nwhile True: pass"]) as session:
        session.until_text("ready")
        with pytest.raises(TimedOut, match="still works"):
            session.until_settled(within=0.2)
