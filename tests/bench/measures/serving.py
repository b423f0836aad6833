"""The server as a process: how soon it answers, how much it holds, what it costs when nobody asks, and after a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import engine
from tests.bench.measures.raw import batches, start_run
from tests.bench.peers.raw import pound
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.clients import server

TIMES = 7
LOAD_S = 3.0
IDLE_S = 10.0
KILLS = 5


def measure(places: Places) -> Iterator[Row]:
    """Start, memory, idling, and the start after a kill under load."""
    with places.scratch() as folder:
        workspace = engine.create(folder / "workspace").path
        yield _start(workspace)
        yield from _held(workspace)
        yield _after_a_kill(workspace)


def _start(workspace: Path) -> Row:
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        started = server.start(workspace)
        taken.append(time.perf_counter() - began)
        server.stop(started)
    return Row("server: start to the first 200", p50(taken[1:]), "s", 0.5, samples={"s": taken})


def _held(workspace: Path) -> Iterator[Row]:
    started = server.start(workspace)
    run = start_run(started.url)
    pound(started.port, [batches(run, f"c{number}", 0) for number in range(8)], LOAD_S)
    yield Row("server: resident memory after a load", _resident_mb(started.process.pid), "MB", 100)
    before = _cpu_s(started.process.pid)
    time.sleep(IDLE_S)
    used = _cpu_s(started.process.pid) - before
    yield Row("server: CPU when nobody asks", used / IDLE_S * 100, "%", 0.5, detail=f"over {IDLE_S:g} s")
    server.stop(started)


def _after_a_kill(workspace: Path) -> Row:
    taken = []
    steps = count(1_000_000, 1_000_000)
    for _ in range(KILLS):
        started = server.start(workspace)
        run = start_run(started.url)
        pound(urlsplit(started.url).port or 0, [batches(run, f"c{number}", next(steps)) for number in range(8)], 1.0)
        started.kill()
        began = time.perf_counter()
        again = server.start(workspace)
        taken.append(time.perf_counter() - began)
        again.kill()
    return Row("server: start after kill -9 under load", max(taken), "s", 1, samples={"s": taken})


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
