"""A page of eight charts of a million points each: opening it, and every zoom, in a real terminal."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import engine
from engine.tracking.model import MetricPoint, RunImport
from tests.bench.places import Places
from tests.bench.results import Row, p50, p95
from tests.bench.sampling import interleaved
from tests.bench.tape import AS_INSTALLED, Tape, size

CURVES, POINTS, CHUNK = 8, 1_000_000, 50_000
KEYS = tuple(f"m{number}" for number in range(CURVES))
BIG, SMALL = "b" * 32, "a" * 32
BEGIN_MS = 1_760_000_000_000
COLUMNS, ROWS = 160, 45
OPENINGS, ZOOMS, READS = 5, 12, 20
MARK = "charts.json"
DOTS = 80
"""Stretches that the console asks of the engine for a chart of 40 cells."""


def measure(places: Places) -> Iterator[Row]:
    """The page, the zooms, and the engine's part of both."""
    workspace = _workspace(places.folder / "charts")
    yield from _engine(workspace)
    opened: list[float] = []
    zoomed: list[float] = []
    sizes: list[float] = []
    for _ in range(OPENINGS):
        with _console(workspace) as tape:
            tape.when(lambda: tape.shows("m7"))
            _arrange(tape)
            opened.append(_opened(tape))
            waits, bytes_ = _zooms(tape, ZOOMS // OPENINGS + 1)
            zoomed += waits
            sizes += bytes_
    detail = f"from Enter until the last curve; p95 {p95(opened):.0f} ms, {OPENINGS} times"
    yield Row(f"charts: {CURVES} x {POINTS:,} points on one page, open, p50", p50(opened), "ms", 300, detail=detail)
    detail = f"median {p50(zoomed):.0f} ms, {p50(sizes):,.0f} B; {len(zoomed)} zooms"
    yield Row("charts: zoom of all of them, last byte, p95", p95(zoomed), "ms", 60, detail=detail)


def _engine(workspace: Path) -> Iterator[Row]:
    with engine.open(workspace, read_only=True) as opened:
        runs = opened.runs

        def read(x: str, start: float | None = None, end: float | None = None) -> object:
            return runs.curves((BIG,), KEYS, points=DOTS, x=x, start=start, end=end)

        third = POINTS // 3
        times = interleaved(
            {
                "all": lambda: read("step"),
                "a third": lambda: read("step", third, 2 * third),
                "a third by time": lambda: read("elapsed", third, 2 * third),
                "20,000 steps": lambda: read("step", third, third + 20_000),
            },
            READS,
        )
    for what, found in times.items():
        detail = f"p95 {p95(found):.0f} ms; {READS} times"
        yield Row(f"engine: {CURVES} curves of {POINTS:,} points, {what}, p50", p50(found), "ms", detail=detail)


def _console(workspace: Path) -> Tape:
    qd = str(Path(sys.executable).with_name("qd"))
    argv = [qd, "--workspace", str(workspace), "console", "run", SMALL]
    return Tape(argv, columns=COLUMNS, rows=ROWS, environ=AS_INSTALLED)


def _arrange(tape: Tape) -> None:
    """Four columns, two rows, as the next run is shown too."""
    tape.rest(0.5)
    for keys in ("|" * 4, "=" * 9, "|" * 3, '"' * 9, "#"):
        tape.send(keys)
        tape.rest(0.3)


def _opened(tape: Tape) -> float:
    """Milliseconds from Enter until all curves are there."""
    tape.send(f":run {BIG}")
    tape.rest(0.5)
    at = tape.send("\r")
    [drawn] = tape.when(lambda: tape.shows(" big ") and _drawn(tape) == CURVES)
    tape.rest(0.5)
    return (drawn - at) * 1000


def _drawn(tape: Tape) -> int:
    """Charts of the long run whose x axis is labelled, which is drawn together with the curve."""
    return sum(line.count("1.0M") for line in tape.screen.display)


def _zooms(tape: Tape, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds until the last byte, and bytes, of each zoom."""
    waits, sizes = [], []
    for _ in range(times):
        at = tape.send("+")
        chunks = tape.rest(0.4)
        waits.append((chunks[-1].at - at) * 1000 if chunks else 0.0)
        sizes.append(float(size(chunks)))
    return waits, sizes


def _workspace(directory: Path) -> Path:
    """The workspace, made when it is missing; made aside and renamed, so that half of one is never taken."""
    wanted = {"curves": CURVES, "points": POINTS}
    mark = directory / MARK
    if mark.is_file() and json.loads(mark.read_text(encoding="utf-8")) == wanted:
        with engine.open(directory):  # brought up to date, for it is read from now on
            return directory
    building = directory.with_name(directory.name + ".building")
    for old in (building, directory):
        shutil.rmtree(old, ignore_errors=True)
    building.parent.mkdir(parents=True, exist_ok=True)
    engine.create(building)
    with engine.open(building) as opened:
        for run_id, name in ((SMALL, "small"), (BIG, "big")):
            opened.runs.import_runs([RunImport("charts", name, BEGIN_MS, run_id=run_id, end_ms=BEGIN_MS + POINTS)])
        opened.runs.log_batch(SMALL, metrics=[(key, float(step), step, BEGIN_MS) for key in KEYS for step in range(9)])
        for number, key in enumerate(KEYS):
            for chunk in _curve(key, number):
                opened.runs.log_batch(BIG, metrics=chunk)
    (building / MARK).write_text(json.dumps(wanted) + "\n", encoding="utf-8")
    building.rename(directory)
    return directory


def _curve(key: str, seed: int) -> Iterator[Sequence[MetricPoint]]:
    rng = random.Random(seed)
    value = 5.0
    for begin in range(0, POINTS, CHUNK):
        chunk: list[MetricPoint] = []
        for step in range(begin, begin + CHUNK):
            value = 0.9999 * value + 0.05 * (rng.random() - 0.5)
            chunk.append((key, value, step, BEGIN_MS + step))
        yield chunk
