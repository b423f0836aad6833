"""A process that does not outlive who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.supervision.programs import lives, until, write_programs

HOLDER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "engine.supervision.ward", sys.argv[1]], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_ward_ends_with_whoever_holds_it_however_that_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    write_programs(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = [sys.executable, "-c", HOLDER, "living"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert holder.stdout.readline().startswith("alive")
        os.kill(holder.pid, sign)
        until(lambda: not lives(pid))


def test_a_ward_runs_its_module_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "telling.py").write_text("import sys\nprint(__name__, sys.argv[1:])\nsys.exit(7)\n")
    monkeypatch.chdir(tmp_path)
    words = [sys.executable, "-m", "engine.supervision.ward", "telling", "a", "--b"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "__main__ ['a', '--b']\n"
        assert process.wait(20) == 7
