"""Deciding: false alarms and finds of the default decision on real tables; streaming detectors against their peer."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.stats import benjamini_hochberg, margin
from engine.stats.adwin import Adwin
from engine.stats.cusum import Cusum
from engine.stats.ddm import Ddm
from engine.stats.hddm_a import HddmA
from engine.stats.page_hinkley import PageHinkley
from tests.bench.places import Places
from tests.bench.results import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = Mapping[str, NDArray[Any]]

SAMPLES = Path("sample_data")
VECTORS = Path("tests/engine/stats/vectors/river.json")
SIZES = (200, 500, 1_000, 2_000, 4_000)
WINDOWS = 40
LEVEL = 0.05
UPDATES = 1_000_000


def measure(places: Places) -> Iterator[Row]:
    """The decision on windows of real tables, then the detectors."""
    yield _quiet_windows()
    yield from _shifts()
    yield _rate()
    yield _delay()


def _quiet_windows() -> Row:
    """Disjoint random windows of one table, each against another: nothing has changed."""
    shares = {
        f"{name}, {size:,} rows": _alarmed(table, size, seed)
        for seed, (name, table) in enumerate(_tables().items())
        for size in SIZES
        if 2 * size <= _rows(table)
    }
    return Row(
        "windows without drift (200 to 4,000 rows of real tables), any feature alarmed",
        sum(shares.values()) / len(shares),
        "%",
        6.0,
        detail=f"worst {max(shares, key=lambda key: shares[key])}: {max(shares.values()):.1f} %; "
        f"{WINDOWS} windows each of {len(shares)} kinds",
        samples={name: [share] for name, share in shares.items()},
    )


def _alarmed(table: Table, size: int, seed: int) -> float:
    import numpy as np

    rng = np.random.default_rng(seed)
    alarmed = 0
    for _ in range(WINDOWS):
        order = rng.permutation(_rows(table))
        reference, window = order[size : size + max(size, 5_000)], order[:size]
        p = [_p(column[reference], column[window]) for column in table.values()]
        alarmed += bool((benjamini_hochberg.adjusted(p) <= LEVEL).any())
    return 100 * alarmed / WINDOWS


def _p(ref: NDArray[Any], cur: NDArray[Any]) -> float:
    """The default decision's p-value of one column: deciles of numbers, levels of anything else."""
    import numpy as np

    if ref.dtype.kind == "f":
        edges = np.unique(np.quantile(ref, np.arange(1, 10) / 10))
        first, second = (np.bincount(np.searchsorted(edges, side), minlength=edges.size + 1) for side in (ref, cur))
        return margin.psi_exceeds(first, second, ordered=first.size).p
    levels, codes = np.unique(np.concatenate((ref, cur)), return_inverse=True)
    first, second = (np.bincount(side, minlength=levels.size) for side in (codes[: ref.size], codes[ref.size :]))
    return margin.psi_exceeds(first, second).p


def _shifts() -> Iterator[Row]:
    """One of ten features shifted, at the sizes that are promised."""
    yield _found(0.01, 1_000_000, 1_000_000, 4, None)
    yield _found(0.3, 5_000, 1_000, 100, 97.0)
    yield _found(0.5, 5_000, 200, 100, 90.0)


def _found(shift: float, reference: int, rows: int, times: int, least: float | None) -> Row:
    import numpy as np

    rng = np.random.default_rng(rows)
    found = 0
    for _ in range(times):
        p = [
            _p(rng.standard_normal(reference), rng.standard_normal(rows) + (shift if feature == 0 else 0.0))
            for feature in range(10 if times > 10 else 2)
        ]
        found += bool(benjamini_hochberg.adjusted(p)[0] <= LEVEL)
    limit = 0.0 if least is None else least
    return Row(
        f"a shift of {shift:g} standard deviations at {rows:,} rows, found",
        100 * found / times,
        "%",
        limit,
        at_least=least is not None,
        detail=f"{found} of {times}; the reference has {reference:,} rows",
    )


def _rate() -> Row:
    import numpy as np

    errors = (np.random.default_rng(0).random(UPDATES) < 0.2).astype(np.float64)
    rates = {}
    for make in (Adwin, Ddm, HddmA, PageHinkley, Cusum):
        make().update(errors[:10_000])
        started = time.process_time()
        make().update(errors)
        rates[make.__name__] = UPDATES / (time.process_time() - started) / 1e6
    slowest = min(rates, key=lambda name: rates[name])
    return Row(
        "streaming detectors, updates a second of one core in batches, the slowest",
        rates[slowest],
        "M/s",
        1.0,
        at_least=True,
        detail=f"{slowest}; " + ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()),
        samples={name: [rate] for name, rate in rates.items()},
    )


def _delay() -> Row:
    """ADWIN's delay over that of river 0.26.0 (its detections are stored), at the same false alarms: none of either."""
    import numpy as np

    peer = json.loads(VECTORS.read_text(encoding="utf-8"))["adwin"]
    ours, theirs, false = [], [], 0
    for key, runs in peer.items():
        before, after = map(float, key.split())
        for seed, run in enumerate(runs):
            rng = np.random.default_rng(seed)
            errors = np.concatenate((rng.random(2_000) < before, rng.random(3_000) < after)).astype(np.float64)
            found = Adwin().update(errors)
            ours.append(_first(found))
            theirs.append(_first(run))
            false += sum(place < 2_000 for place in found) - sum(place < 2_000 for place in run)
    return Row(
        "delay of ADWIN, over river's on the same streams",
        sum(ours) / sum(theirs),
        "x",
        1.0,
        detail=f"{np.mean(ours):.0f} against {np.mean(theirs):.0f} values, {false:+d} false alarms; {len(ours)} runs",
        samples={"quarterdeck": ours, "river": theirs},
    )


def _first(found: Sequence[int]) -> float:
    return float(next((place - 2_000 for place in found if place >= 2_000), 3_000))


def _tables() -> Mapping[str, Table]:
    from sklearn.datasets import load_breast_cancer, load_diabetes

    tables = {"car loans": _typed(_columns("car_loan_reference.csv.gz"), ("id", "timestamp"))}
    tables["weather"] = _typed(_columns("seattle-weather.csv"), ("date",))
    for name, load in (("breast cancer", load_breast_cancer), ("diabetes", load_diabetes)):
        data = load()
        tables[name] = dict(zip(data.feature_names, data.data.T, strict=True))
    return tables


def _columns(name: str) -> dict[str, list[str]]:
    content = (SAMPLES / name).read_bytes()
    text = gzip.decompress(content) if name.endswith(".gz") else content
    head, *rows = csv.reader(io.StringIO(text.decode("utf-8")))
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


def _typed(columns: Mapping[str, list[str]], out: Sequence[str]) -> Table:
    return {name: _column(values) for name, values in columns.items() if name not in out}


def _column(values: list[str]) -> NDArray[Any]:
    import numpy as np

    try:
        return np.array(values, np.float64)
    except ValueError:
        return np.array(values)


def _rows(table: Table) -> int:
    return int(next(iter(table.values())).size)
