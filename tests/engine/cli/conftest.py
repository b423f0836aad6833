"""The command line as tests drive it: in this process for the many cases, as a real program for the edges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.cli import main


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
        import csv
        import io

        return list(csv.reader(io.StringIO(self.out)))


Qd = Callable[..., Answer]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that `qd` finds by itself."""
    path = engine.create(tmp_path / "workspace").path
    monkeypatch.setenv("QUARTERDECK_HOME", str(path))
    return path


@pytest.fixture
def qd(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Qd:
    """Runs one command line in this process; expects it to succeed unless another exit code is named."""

    def run(*words: str | Path, code: int = 0) -> Answer:
        capsys.readouterr()
        found = main([str(word) for word in words])
        captured = capsys.readouterr()
        assert found == code, captured.err or captured.out
        return Answer(found, captured.out, captured.err)

    return run


COMMAND = (sys.executable, "-m", "engine.cli")


def run_process(*words: str | Path, env: dict[str, str] | None = None, stdin: str = "", timeout: float = 60) -> Answer:
    """Run `qd` as a program of its own, with its streams connected to pipes."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env={**os.environ, **(env or {})},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def process(workspace: Path) -> Qd:
    """Runs one command line as a program of its own."""
    return run_process
