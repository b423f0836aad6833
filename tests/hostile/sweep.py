"""The whole sweep: hostile texts on every screen, in every dialog and message, and through every command.

    python -m tests.hostile.sweep [SECONDS]

Several terminals are looked at side by side, each with a copy of the workspace of its own, because keys change things.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.hostile.command_sweep import command_lines, sweep_commands
from tests.hostile.console_sweep import ConsoleSweep
from tests.hostile.judge import Findings
from tests.hostile.workspace import Workspace, make_hostile, served

LONGEST = 240.0
"""Seconds after which a sweep ends, whatever is left; what was not looked at is among its findings."""

SIDES = 4
"""Terminals side by side: most of the time each waits for its program to start or to be done."""

Part = Callable[[Workspace, Findings, float], None]


def sweep(folder: Path, longest: float = LONGEST) -> Findings:
    """Look at everything.

    Args:
        folder: An empty folder to work in.
        longest: Seconds after which it ends.

    Returns:
        What was seen.
    """
    deadline = time.monotonic() + longest
    hostile = make_hostile(folder.resolve() / "workspace")
    every = Findings()
    with ProcessPoolExecutor(SIDES, get_context("spawn")) as pool:
        copies = [hostile.copy(folder.resolve() / f"copy-{number}") for number, _ in enumerate(PARTS)]
        for done in [pool.submit(_part, part, copy, deadline) for part, copy in zip(PARTS, copies, strict=True)]:
            every.add(done.result())
    return every


def _part(part: Part, workspace: Workspace, deadline: float) -> Findings:
    findings = Findings()
    part(workspace, findings, deadline)
    return findings


def _screens(workspace: Workspace, findings: Findings, deadline: float) -> None:
    with served(workspace), ConsoleSweep(workspace, findings, deadline) as console:
        console.screens()


def _actions(workspace: Workspace, findings: Findings, deadline: float) -> None:
    with ConsoleSweep(workspace, findings, deadline) as console:
        console.actions()


def _words(workspace: Workspace, findings: Findings, deadline: float) -> None:
    with ConsoleSweep(workspace, findings, deadline) as console:
        console.words()


def _commands(workspace: Workspace, findings: Findings, deadline: float) -> None:
    with served(workspace):
        sweep_commands(workspace, findings, deadline, command_lines(workspace))


PARTS: tuple[Part, ...] = (_commands, _actions, _screens, _words)
"""The longest first."""


def main() -> int:
    """Sweep and tell; 1 when something was found."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = sweep(Path(folder), float(sys.argv[1]) if len(sys.argv) > 1 else LONGEST)
    for finding in (*found.leaks, *found.crashes, *found.missed):
        print(finding)
    counts = f"{len(found.leaks)} leaks, {len(found.crashes)} crashes, {len(found.missed)} missed"
    print(f"{found.looks} looks in {time.monotonic() - began:.0f} s: {counts}")
    return int(bool(found.leaks or found.crashes or found.missed))


if __name__ == "__main__":
    raise SystemExit(main())
