"""Runs that go on logging, so that a screen has something to follow."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import engine

NAME = "live"
"""Live runs are called `live-00`, `live-01`, ..."""


@dataclass(frozen=True, slots=True)
class Live:
    """How much moves.

    Args:
        rows: Runs that log.
        cells: Metrics of each that change: `m0`, `m1`, ...
        hz: Times a second that all of them change.
    """

    rows: int = 1
    cells: int = 3
    hz: float = 2.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `rows=38,cells=3,hz=4`, any part of which may be left out.

        Raises:
            ValueError: it is not of that form.
        """
        parts = dict(part.split("=", 1) for part in text.split(",") if part)
        live = cls(int(parts.pop("rows", 1)), int(parts.pop("cells", 3)), float(parts.pop("hz", 2)))
        if parts or live.rows < 1 or live.cells < 1 or live.hz <= 0:
            raise ValueError(f"not of the form rows=38,cells=3,hz=4: {text}")
        return live


def log_until_stopped(directory: Path, live: Live) -> None:
    """Log until SIGINT or SIGTERM. Says `logging` on stdout when every run has begun."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rng = random.Random()
    with engine.open(directory) as opened, ExitStack() as running:
        runs = [
            running.enter_context(opened.runs.start("live", f"{NAME}-{number:02d}", capture=False))
            for number in range(live.rows)
        ]
        step = 0
        due = time.monotonic()
        print("logging", flush=True)
        while not stop.wait(max(0.0, due - time.monotonic())):
            for run in runs:
                run.log_metrics({f"m{cell}": rng.random() for cell in range(live.cells)}, step=step)
            step += 1
            due += 1 / live.hz
    print(f"{step} steps", file=sys.stderr)
