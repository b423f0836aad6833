"""Looks at hostile texts through the command line: what it prints, and what it answers to such words."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tests.bench.pty.session import PtySession, TimedOut
from tests.bench.tape import AS_INSTALLED
from tests.hostile.console_sweep import PATIENCE, qd
from tests.hostile.judge import Findings, formulas
from tests.hostile.places import COMMANDS, Command
from tests.hostile.texts import ARGUMENTS
from tests.hostile.workspace import Workspace

LONGEST_ARGUMENT = 500
"""Characters; longer ones make no new case and slow lines."""


class CommandLine(NamedTuple):
    """A command line with its names put in.

    Args:
        words: After `qd`.
        codes: Exit codes it may end with.
    """

    words: tuple[str, ...]
    codes: tuple[int, ...]

    def __str__(self) -> str:
        return f"qd {' '.join(self.words)}"[:80]


def command_lines(workspace: Workspace, chosen: Iterable[Command] = COMMANDS) -> Iterator[CommandLine]:
    """Every command of the places, about everything in the workspace."""
    planted = [{**names, "text": ""} for names in workspace.names()]
    typed = [{**planted[0], "text": text[:LONGEST_ARGUMENT]} for text in ARGUMENTS.values()]
    for number, command in enumerate(chosen):
        rows = typed if "{text}" in command.words else planted
        if "{" in command.words:
            rows = rows[number % command.every :: command.every]
        for words in dict.fromkeys(_filled(command.words, names) for names in rows):
            yield CommandLine(words, command.codes)


def _filled(template: str, names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word.format_map(names) for word in template.split())


def sweep_commands(workspace: Workspace, findings: Findings, deadline: float, found: Iterable[CommandLine]) -> None:
    """Run command lines, each in a terminal of its own.

    Args:
        workspace: The workspace.
        findings: Takes what is seen.
        deadline: When to stop, in seconds on the monotonic clock.
        found: The command lines.
    """
    for line in found:
        if time.monotonic() > deadline:
            findings.missed.append(f"{str(line)!r} and all after it: the time was over")
            return
        argv = [qd(), "--workspace", str(workspace.path), *line.words]
        with PtySession(argv, environ=AS_INSTALLED, folder=workspace.path) as session:
            try:
                code = session.wait(within=PATIENCE)
            except TimedOut:
                findings.crashes.append(f"{str(line)!r}: hangs for {PATIENCE:g} s\n{session.output!r}")
                continue
            _judge(line, code, session.output, findings)


def _judge(line: CommandLine, code: int, output: bytes, findings: Findings) -> None:
    text = output.decode(errors="replace")
    findings.judge(str(line), output, text)
    if code not in line.codes:
        findings.crashes.append(f"{str(line)!r}: exit code {code}\n{text[-2_000:]}")
    if "--csv" in line.words:
        findings.leaks += [f"{str(line)!r}: a spreadsheet runs {cell!r}" for cell in formulas(text)]
