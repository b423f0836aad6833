"""What changes made by another process cost the console, and how soon they are on the screen."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path

from tests.bench.places import Places
from tests.bench.results import Row, p50, p95
from tests.bench.sampling import as_installed
from tests.bench.tape import Tape, console, filled, size

SECONDS = 15.0
COMMITS = 60


def measure(places: Places) -> Iterator[Row]:
    """Many cells that change all the time; then single commits."""
    name = "console: 38 rows x 3 cells at 4 Hz"
    yield from _moving(places, name, "rows=38,cells=3,hz=4", (10_000, 3))
    yield from _moving(places, "console: 3 cells at 1 Hz", "rows=1,cells=3,hz=1", (400, None))
    yield from _commits(places)


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv, env=as_installed(), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1
    )
    try:
        _answer(process)
        yield process
    finally:
        process.terminate()
        process.communicate()


def _answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise ChildProcessError(f"{process.args!r} ended early")
    return line


def _moving(places: Places, name: str, what: str, limits: tuple[float, float | None]) -> Iterator[Row]:
    """Bytes and processor time while runs log.

    Args:
        places: Where workspaces are.
        name: What is measured.
        what: What moves; see `Live.parse`.
        limits: The most bytes a second, and percent of one core.
    """
    with places.copy() as workspace, _seeded(workspace, places.runs, what), console(workspace) as tape:
        tape.when(lambda: filled(tape))
        tape.listen(3.0)
        before, begun, screens = tape.cpu_seconds(), time.monotonic(), len(tape.chunks)
        chunks = tape.listen(SECONDS)
        elapsed = time.monotonic() - begun
        used = (tape.cpu_seconds() - before) / elapsed * 100
        moved = _distinct_screens(tape, screens)
    detail = f"{moved / elapsed:.1f} repaints/s; {SECONDS:.0f} s"
    yield Row(f"{name}, output", size(chunks) / elapsed, "B/s", limits[0], detail=detail)
    yield Row(f"{name}, processor", used, "% CPU", limits[1])


def _seeded(workspace: Path, runs: int, what: str) -> AbstractContextManager[object]:
    return _process("tests.bench.seed", str(workspace), "--runs", str(runs), "--live", what)


def _distinct_screens(tape: Tape, first: int) -> int:
    """Bursts of output: those that follow another by 50 ms or more."""
    times = [chunk.at for chunk in tape.chunks[first:]]
    return 1 + sum(later - earlier > 0.05 for earlier, later in pairwise(times))


def _commits(places: Places) -> Iterator[Row]:
    rng = random.Random(1)
    waits = []
    with places.copy() as workspace, _process("tests.bench.committer", str(workspace)) as committer:
        assert committer.stdin is not None
        with console(workspace) as tape:
            tape.when(lambda: filled(tape))
            tape.rest(1.0)
            for number in range(COMMITS):
                tape.listen(rng.uniform(0.3, 0.6))  # out of step with any polling
                value = 1_001 + number
                committer.stdin.write(f"{value}\n")
                committed = float(_answer(committer))
                shown = tape.when(lambda: tape.shows(f" {value} "))[0]  # noqa: B023 called before the next turn
                waits.append((shown - committed) * 1000)
    detail = f"median {p50(waits):.0f} ms, worst {max(waits):.0f} ms; {COMMITS} commits"
    name = "console: a commit elsewhere is on the screen, p95"
    yield Row(name, p95(waits), "ms", 120, detail=detail, samples={"ms": waits})
