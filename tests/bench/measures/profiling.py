"""Profiling columns in memory on one core: numbers, texts and texts that are coded; wide tables; and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from engine.profiles.layout import Layout
from engine.profiles.learning import learned
from engine.profiles.profiling import profile
from engine.tables.model import Table
from engine.tables.source import open_table
from tests.bench.places import Places
from tests.bench.results import Row, p50

ROWS = 1_000_000
NUMBERS, TEXTS = 20, 5
WIDE_COLUMNS, WIDE_ROWS = 500, 100_000
TIMES = 7

_CHUNKS = """
import sys
from pathlib import Path
import numpy as np
from engine.profiles.learning import learned_from_chunks
from engine.profiles.profiling import profile
from engine.tables.source import open_table

def chunks(rows):
    source = np.random.default_rng(1)
    for _ in range(rows // 100_000):
        numbers = {f"n{place}": source.normal(size=100_000) for place in range(20)}
        texts = {f"s{place}": np.array(["a", "b", "c"], object)[source.integers(0, 3, 100_000)] for place in range(5)}
        for part in open_table(numbers | texts).partitions():
            yield from part.chunks()

first = next(chunks(100_000))
table = open_table({key: np.zeros(2) for key in first.columns})
layout = learned_from_chunks(table.columns, [first])
counted = profile(chunks(int(sys.argv[1])), layout).rows
told = Path("/proc/self/status").read_text()  # what getrusage tells is the parent's peak, if that was higher
print(counted, told.partition("VmHWM:")[2].split()[0])
"""


def measure(places: Places) -> Iterator[Row]:
    """Rows and values a second of processor time of one core; seconds of a wide table; MB more for more rows."""
    numbers = _numbers(NUMBERS, ROWS)
    texts = _texts()
    coded = {name: values.dictionary_encode() for name, values in texts.items()}
    cases: Mapping[str, tuple[dict[str, Any], float]] = {
        "20 float64 + 5 string columns": (numbers | texts, 5.0),
        "20 float64 + 5 coded string columns": (numbers | coded, 20.0),
    }
    for name, (columns, limit) in cases.items():
        times = _times(_profiling(open_table(pa.table(columns))))
        detail = f"{p50(times) * 1000:.0f} ms; median of {TIMES}, processor time"
        rate = ROWS / p50(times) / 1e6
        yield Row(f"profile {name}", rate, "M rows/s", limit, at_least=True, detail=detail, samples={"s": times})
    times = _times(_profiling(open_table(pa.table(numbers))))
    rate = ROWS * NUMBERS / p50(times) / 1e6
    detail = f"{1000 / rate:.2f} ns a value: seven passes in numpy, of which counting cells takes half"
    yield Row("profile float64", rate, "M values/s", 400.0, at_least=True, detail=detail, samples={"s": times})
    wide = _times(_profiling(open_table(pa.table(_numbers(WIDE_COLUMNS, WIDE_ROWS)))), 3)
    yield Row("profile 500 columns x 100 k rows", p50(wide), "s", 0.5, detail="processor time", samples={"s": wide})
    yield _memory()


def _memory() -> Row:
    peaks = {rows: _peak_mb(rows) for rows in (1_000_000, 10_000_000)}
    least, most = peaks.values()
    detail = f"{most:.0f} MB against {least:.0f} MB, 25 columns in chunks of 100 k rows"
    return Row("peak memory, 10 M rows over 1 M", most - least, "MB", 64.0, detail=detail)


def _peak_mb(rows: int) -> float:
    told = subprocess.run([sys.executable, "-c", _CHUNKS, str(rows)], capture_output=True, text=True, check=True)
    counted, peak_kb = told.stdout.split()
    if int(counted) != rows:
        raise AssertionError(f"{counted} rows were counted of {rows}")
    return int(peak_kb) / 1024


def _profiling(table: Table) -> Callable[[], object]:
    layout: Layout = learned(table)
    return lambda: profile(table, layout)


def _times(act: Callable[[], object], times: int = TIMES) -> list[float]:
    act()
    found = []
    for _ in range(times):
        begin = time.process_time()
        act()
        found.append(time.process_time() - begin)
    return found


def _numbers(columns: int, rows: int) -> dict[str, Any]:
    source = np.random.default_rng(0)
    return {f"number {place}": source.normal(place, 1 + place, rows) for place in range(columns)}


def _texts() -> dict[str, Any]:
    source = np.random.default_rng(1)
    levels = pa.array([f"level {place}" for place in range(50)])
    return {f"text {place}": levels.take(pa.array(source.integers(0, 50, ROWS), pa.int64())) for place in range(TEXTS)}
