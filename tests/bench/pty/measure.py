"""What the table costs in bytes and milliseconds, in a real terminal of 120x40.

    python -m tests.bench.pty.measure [MODULE]

MODULE is the demo by default. Each line gives the measured value and the most it may be.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.pty.session import Chunk, PtySession

DEMO = ("-m", "tests.bench.pty.demo")
HELLO = ("-m", "tests.bench.pty.hello")
SECONDS = 5.0
STARTS = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One result. most: the limit, in the same unit."""

    name: str
    value: float
    most: float
    unit: str


@contextmanager
def started(arguments: Sequence[str], text: str) -> Iterator[PtySession]:
    """A session whose screen shows `text` and has come to rest."""
    with PtySession([sys.executable, *arguments]) as session:
        session.until_text(text)
        session.until_quiet(0.4)
        yield session


def first_paint(arguments: Sequence[str], text: str) -> float:
    """Seconds from the start of the process to `text` on the screen."""
    with PtySession([sys.executable, *arguments]) as session:
        session.until_text(text)
        return session.chunks[-1].at - session.started


def press(session: PtySession, key: str, times: int, quiet: float = 0.04) -> tuple[list[float], list[int]]:
    """Press a key again and again; milliseconds from the key to its last byte, and bytes, of each press."""
    waits, sizes = [], []
    for _ in range(times):
        first = len(session.chunks)
        at = session.send(key)
        session.until_quiet(quiet)
        session.until_settled()  # on a busy machine it may not have got its turn by then
        chunks = session.chunks[first:]
        waits.append((chunks[-1].at - at) * 1000 if chunks else 0.0)
        sizes.append(size(chunks))
    return waits, sizes


def size(chunks: Sequence[Chunk]) -> int:
    """Bytes in all."""
    return sum(len(chunk.data) for chunk in chunks)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def keys() -> Iterator[Line]:
    """Cursor, edge and page."""
    with started(DEMO, "run-000030") as session:
        yield Line("bytes until at rest", len(session.output), 25_000, "B")
        waits, sizes = press(session, "j", 35)
        waits2, sizes2 = press(session, "k", 34)
        yield Line("cursor, last byte p95", p95(waits + waits2), 5, "ms")
        yield Line("cursor, largest", max(sizes + sizes2), 400, "B")
        session.send("j" * 36)
        session.until_quiet(0.2)
        waits, sizes = press(session, "j", 80)
        yield Line("cursor at the bottom edge, last byte p95", p95(waits), 8, "ms")
        yield Line("cursor at the bottom edge, mean", statistics.mean(sizes), 500, "B")
        press(session, "\x06", 2, quiet=0.15)
        waits, sizes = press(session, "\x06", 60, quiet=0.1)
        yield Line("page down, last byte p95", p95(waits), 14, "ms")
        yield Line("page down, largest", max(sizes), 6_000, "B")
        waits, sizes = press(session, "G", 1, quiet=0.15)
        yield Line("last row", waits[0], 20, "ms")
        before = session.cpu_seconds()
        quiet = session.listen(SECONDS)
        yield Line("idle", size(quiet) / SECONDS, 0, "B/s")
        yield Line("idle", (session.cpu_seconds() - before) / SECONDS * 100, 0.4, "% CPU")
        yield Line("peak memory", session.memory_mb(), 60, "MB")


def live(what: str, name: str, most_bytes: float, most_cpu: float) -> Iterator[Line]:
    """Cells that change by themselves."""
    with started((*DEMO, "--live", "row@1"), "run-000030"):
        pass
    with PtySession([sys.executable, *DEMO, "--live", what]) as session:
        session.until_text("run-000030")
        session.listen(1.5)
        before, at = session.cpu_seconds(), time.monotonic()
        total = size(session.listen(SECONDS * 2))
        elapsed = time.monotonic() - at
        yield Line(name, total / elapsed, most_bytes, "B/s")
        yield Line(name, (session.cpu_seconds() - before) / elapsed * 100, most_cpu, "% CPU")


def start() -> Iterator[Line]:
    """First rows against a hello app, alternating."""
    ours, hello = [], []
    for _ in range(STARTS):
        hello.append(first_paint(HELLO, "hello"))
        ours.append(first_paint(DEMO, "run-000030"))
    yield Line("first rows", statistics.median(ours) * 1000, 1_000, "ms")
    yield Line("first rows / hello", statistics.median(ours) / statistics.median(hello), 1.3, "x")


def main() -> int:
    """Print the table; 1 when a limit is passed."""
    missed = 0
    for part in (
        start(),
        keys(),
        live("page@4", "38 rows x 3 cells at 4 Hz", 10_000, 3),
        live("row@1", "3 cells at 1 Hz", 400, 1),
    ):
        for line in part:
            over = line.value > line.most
            missed += over
            print(f"{line.name:44}{line.value:10.1f} {line.unit:6} of {line.most:g}{'  OVER' if over else ''}")
    return min(missed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
