"""Comparing data with data: how quick against Evidently, how often wrong, how large a report."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.drift.checking import check_tables, compare, learned_reference
from engine.drift.html import page
from engine.profiles.profiling import profile
from engine.profiles.reference import Reference
from engine.tables.source import open_table
from tests.bench.places import Places
from tests.bench.results import Row, p50

EVIDENTLY = "QD_EVIDENTLY"
"""Names the interpreter that has Evidently."""

PEER = Path(__file__).parents[1] / "peers" / "evidently_drift.py"
SAMPLES = Path(__file__).parents[3] / "sample_data"
NUMBERS, TEXTS = 20, 5
TRIALS = 100


def measure(places: Places) -> Iterator[Row]:
    """Speed against the peer, the tick, the process, the report, alarms and misses."""
    with places.scratch() as folder:
        yield from _speed(folder, 100_000, least=150)
        yield from _speed(folder, 1_000_000, least=300)
        yield from _exact(folder)
        yield from _tick()
        yield from _process(folder)
        yield from _wide()
    yield _alarms()
    yield from _found()


def table(rows: int, seed: int, numbers: int = NUMBERS, texts: int = TEXTS) -> Any:
    """Numbers without an end and texts of twenty levels."""
    import pyarrow as pa

    source = np.random.default_rng(seed)
    names = np.array([f"level {place}" for place in range(20)])
    columns: dict[str, Any] = {f"f{place}": pa.array(source.normal(size=rows)) for place in range(numbers)}
    columns |= {f"s{place}": pa.array(names[source.integers(0, 20, rows)].tolist()) for place in range(texts)}
    return pa.table(columns)


def _best(work: Callable[[], object], times: int = 5) -> float:
    """The shortest time that something took, in seconds."""
    found = []
    for _ in range(times):
        began_s = time.perf_counter()
        work()
        found.append(time.perf_counter() - began_s)
    return min(found)


def _peer(folder: Path, sides: tuple[Any, Any], method: str) -> float | None:
    """How long Evidently takes for the same, in seconds; `None` where it is not installed."""
    python = os.environ.get(EVIDENTLY)
    if python is None:
        return None
    from pyarrow import parquet

    paths = [folder / name for name in ("reference.parquet", "current.parquet")]
    for side, path in zip(sides, paths, strict=True):
        parquet.write_table(side, path)
    done = subprocess.run([python, str(PEER), *map(str, paths), method], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _speed(folder: Path, rows: int, *, least: int) -> Iterator[Row]:
    sides = table(rows, 0), table(rows, 1)
    content = learned_reference(open_table(sides[0]))

    def work(*, whole: bool = False) -> None:
        compare(content, profile(open_table(sides[1]), content.layout), whole=whole)

    ours, whole = _best(work), _best(lambda: work(whole=True), 3)
    what = f"drift, {rows:,} rows x 25 columns, reference prebuilt"
    yield Row(what, 1000 * ours, "ms", detail=f"with shapes and distances of all columns {1000 * whole:.0f} ms")
    theirs = _peer(folder, sides, "default")
    if theirs is not None:
        detail = f"{theirs:.1f} s against {1000 * ours:.0f} ms"
        yield Row(f"{what}, of Evidently's default preset", theirs / ours, "x", least, at_least=True, detail=detail)


def _exact(folder: Path) -> Iterator[Row]:
    from engine.stats import jensen_shannon, wasserstein

    sides = table(1_000_000, 0, 2, 0), table(1_000_000, 1, 2, 0)

    def work() -> None:
        for name in sides[0].column_names:
            one, other = (side.column(name).to_numpy() for side in sides)
            wasserstein.exact(one, other)
            edges = np.quantile(one, np.linspace(0, 1, 31)[1:-1])
            jensen_shannon.distance(*(np.bincount(np.searchsorted(edges, each), minlength=30) for each in (one, other)))

    ours = _best(work, 3)
    found = [_peer(folder, sides, method) for method in ("wasserstein", "jensenshannon")]
    theirs = [each for each in found if each is not None]
    if len(theirs) == len(found):
        detail = f"two columns: {sum(theirs):.1f} s against {1000 * ours:.0f} ms"
        what = "exact Wasserstein and JS, 1,000,000 rows, of Evidently"
        yield Row(what, sum(theirs) / ours, "x", 20, at_least=True, detail=detail)


def _tick() -> Iterator[Row]:
    content = learned_reference(open_table(table(100_000, 0)))
    window = profile(open_table(table(2_000, 1)), content.layout)
    compare(content, window)
    took = _best(lambda: compare(content, window), 20)
    yield Row("a drift tick of 25 features", 1000 * took, "ms", 10)


def _process(folder: Path) -> Iterator[Row]:
    from pyarrow import csv

    paths = [folder / name for name in ("reference.csv", "current.csv")]
    for seed, path in enumerate(paths):
        csv.write_csv(table(5_000, seed, 8, 2), path)
    command = [sys.executable, "-m", "engine.cli", "drift", "check", *map(str, paths), "--json"]
    took = []
    for _ in range(7):
        began_s = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        took.append(time.perf_counter() - began_s)
    yield Row("qd drift check, 5,000 rows, whole process", p50(took), "s", 0.8, samples={"s": took})


def _wide() -> Iterator[Row]:
    sides = table(100_000, 0, 500, 0), table(100_000, 1, 500, 0)
    report = check_tables(open_table(sides[0]), open_table(sides[1]))
    yield Row("HTML report of 500 columns", len(page(report).encode()) / 1000, "KB", 300)


def _alarms() -> Row:
    """Disjoint windows of a real table in which nothing changed; the reference is dealt from the same."""
    from pyarrow import csv

    rows = csv.read_csv(SAMPLES / "car_loan_reference.csv.gz")
    source = np.random.default_rng(1)
    shares = []
    for size in (200, 500, 1_000, 2_000):
        windows = alarms = 0
        while windows < TRIALS:
            dealt = source.permutation(rows.num_rows)
            content = learned_reference(open_table(rows.take(dealt[:2_500])))
            rest = rows.take(dealt[2_500:])
            for start in range(0, rest.num_rows - size + 1, size):
                alarms += _report(content, rest.slice(start, size)).drift
                windows += 1
        shares.append(100 * alarms / windows)
    detail = ", ".join(f"{share:.1f} %" for share in shares) + " of windows of 200, 500, 1,000, 2,000 rows"
    return Row("windows without drift that raise any alarm", float(np.mean(shares)), "%", 6, detail=detail)


def _found() -> Iterator[Row]:
    content = learned_reference(open_table(table(10_000, 0, 10, 0)))
    for shift, rows, least in ((0.3, 1_000, 97), (0.5, 200, 90)):
        hits = sum(_finds(content, shift, rows, seed) for seed in range(TRIALS))
        what = f"a shift of {shift} sd at {rows:,} rows, found"
        yield Row(what, 100 * hits / TRIALS, "%", least, at_least=True)
    content = learned_reference(open_table(table(1_000_000, 0, 3, 0)))
    alarms = sum(_finds(content, 0.01, 1_000_000, seed) for seed in range(3))
    yield Row("a shift of 0.01 sd at 1,000,000 rows, alarms", alarms, "", 0)


def _finds(content: Reference, shift: float, rows: int, seed: int) -> bool:
    source = np.random.default_rng(1_000 + seed)
    columns = {each.key: source.normal(size=rows) for each in content.layout.features}
    columns["f1"] = columns["f1"] + shift
    found = _report(content, columns).feature("f1")
    return found is not None and found.drift


def _report(content: Reference, rows: Any) -> Any:
    return compare(content, profile(open_table(rows), content.layout))
