"""Small programs that a supervisor looks after in tests, each written into a folder that Python finds them in."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAMS = {
    "living": "import os, signal, time\nprint('alive', os.getpid(), flush=True)\nwhile True:\n    time.sleep(60)\n",
    "crashing": "import sys\nprint('no such thing', file=sys.stderr, flush=True)\nsys.exit(3)\n",
    "ending": "print('that is all', flush=True)\n",
    "stubborn": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('alive', flush=True)\n"
        "while True:\n    time.sleep(60)\n"
    ),
    "hostile": "import sys\nsys.stdout.buffer.write(b'\\x1b]0;owned\\x07 \\xff' + b'x' * 200_000 + b'\\nlast\\n')\n",
    "chatty": "while True:\n    print('x' * 500, flush=True)\n",
    "parented": (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdin=subprocess.DEVNULL)\n"
        "print('child', child.pid, flush=True)\nwhile True:\n    time.sleep(60)\n"
    ),
}


def write_programs(folder: Path) -> None:
    """Write them all."""
    for name, text in PROGRAMS.items():
        (folder / f"{name}.py").write_text(text)


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has buried does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 no such file is an answer
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
