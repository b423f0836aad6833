"""The command line as tests drive it: in this process for the many cases, as a real program for the edges."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.pty.session import PtySession

COMMAND = (sys.executable, "-m", "console")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command line answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The lines of a CSV answer, cut into cells."""
        return list(csv.reader(io.StringIO(self.out)))


Qd = Callable[..., Answer]
"""Runs one command line: words, and `code=` the exit code that is expected."""


def run_process(*words: str | Path, env: Mapping[str, str] | None = None, stdin: str = "") -> Answer:
    """Run `qd` as a program of its own, with its streams connected to pipes."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def terminal(*words: str | Path, columns: int = 160, rows: int = 50) -> PtySession:
    """`qd` in a real pseudo-terminal; to be entered."""
    plain = {"COLUMNS": "", "LINES": ""}  # the size is what the terminal says
    return PtySession([*COMMAND, *map(str, words)], columns, rows, plain)
