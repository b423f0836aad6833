"""The processes that share a port: one that breaks says why."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A workspace that knows its folder and nothing else: whatever a worker does with it raises what nobody expects.
_PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from engine.server.settings import Settings
from engine.serving.run import Serving
from engine.serving.workers import supervise

engine = SimpleNamespace(workspace=SimpleNamespace(planes=Path(sys.argv[1])))
supervise(engine, Settings(port=0), Serving(workers=2), ())
"""


def test_a_worker_that_breaks_says_where_and_another_takes_its_place(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "another one takes its place" in line:
                break
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    text = "".join(said)
    assert "Traceback (most recent call last)" in text
    assert "AttributeError: " in text
    assert "run.py" in text
