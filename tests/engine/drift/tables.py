"""Tables to compare: honest ones, and what data has of worst."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.drift.checking import check_tables
from engine.drift.methods import parse_method
from engine.drift.model import DriftReport, FeatureResult, Rules, Wanted
from engine.tables.source import open_table

Columns = Mapping[str, NDArray[Any]]


def honest(rows: int, seed: int = 0, *, shift: float = 0.0) -> dict[str, NDArray[Any]]:
    """Two numbers and a level that never change, and `income`, which moves by so many standard deviations."""
    source = np.random.default_rng(seed)
    return {
        "income": source.normal(50 + 10 * shift, 10, rows),
        "age": source.integers(18, 80, rows),
        "region": source.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "tenure": source.exponential(3, rows),
    }


def write(path: Path, columns: Columns) -> Path:
    """Write a table as its ending says: .csv, .csv.gz or .parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table({name: pa.array(values.tolist()) for name, values in columns.items()}), path)
        return path
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    data = content.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def compared(reference: Columns, current: Columns, method: str = "margin", **wanted: Any) -> DriftReport:
    """Compare two tables in memory."""
    rules = Rules(method=parse_method(method), **wanted.pop("rules", {}))
    return check_tables(open_table(dict(reference)), open_table(dict(current)), Wanted(rules, **wanted))


def result(report: DriftReport, name: str) -> FeatureResult:
    """What was found of a column that is there."""
    found = report.feature(name)
    assert found is not None, name
    return found


def normal(rows: int, mean: float = 0.0, *, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(mean, 1, rows)


def levels(names: str, rows: int, *, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).choice(names.split(), rows).astype(object)


def moments(first: str, rows: int, *, seed: int = 0) -> NDArray[Any]:
    within = np.random.default_rng(seed).integers(0, 10**12, rows)
    return np.datetime64(first, "us") + within.astype("m8[us]")


def sentences(words: str, rows: int, *, seed: int = 0) -> NDArray[Any]:
    source = np.random.default_rng(seed)
    return np.array([" ".join(source.choice(words.split(), 12)) for _ in range(rows)], object)


def among(share: float, value: float, values: NDArray[Any], *, seed: int = 9) -> NDArray[Any]:
    return np.where(np.random.default_rng(seed).random(len(values)) < share, value, values)


def big(low: int, rows: int, *, seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(low, low + 1000, rows)


def mixed(rows: int) -> NDArray[Any]:
    return np.array([place if place % 2 else f"x{place % 5}" for place in range(rows)], object)


Make = Callable[[int], NDArray[Any]]

WORST: dict[str, tuple[Make, Make, str]] = {
    "constant": (lambda n: np.full(n, 5.0), lambda n: np.full(n, 5.0), "stable"),
    "constant moved": (lambda n: np.full(n, 5.0), lambda n: np.full(n, 7.0), "drift"),
    "all missing": (lambda n: np.full(n, np.nan), lambda n: np.full(n, np.nan), "left out"),
    "missing now": (normal, lambda n: np.full(n, np.nan), "drift"),
    "missing then": (lambda n: np.full(n, np.nan), normal, "drift"),
    "infinities": (lambda n: among(0.1, np.inf, normal(n)), lambda n: among(0.1, np.inf, normal(n, seed=1)), "stable"),
    "more infinities": (lambda n: among(0.1, np.inf, normal(n)), lambda n: among(0.5, -np.inf, normal(n)), "drift"),
    "all infinite": (lambda n: np.full(n, np.inf), lambda n: np.full(n, np.inf), "stable"),
    "mixed types": (mixed, mixed, "stable"),
    "near 2^62": (lambda n: big(2**62, n), lambda n: big(2**62, n, seed=1), "stable"),
    "near 2^62 moved": (lambda n: big(2**62, n), lambda n: big(2**62 + 500, n, seed=1), "drift"),
    "same levels": (lambda n: levels("a b c", n), lambda n: levels("a b c", n, seed=1), "stable"),
    "unseen levels": (lambda n: levels("a b c", n), lambda n: levels("a b d e", n, seed=1), "drift"),
    "zero-inflated": (lambda n: among(0.7, 0, normal(n)), lambda n: among(0.7, 0, normal(n, seed=1), seed=8), "stable"),
    "more zeros": (lambda n: among(0.7, 0, normal(n)), lambda n: among(0.9, 0, normal(n, seed=1)), "drift"),
    "tied": (lambda n: big(0, n) // 200, lambda n: big(0, n, seed=1) // 200, "stable"),
    "one outlier": (lambda n: np.append(normal(n - 1), 1e9), lambda n: normal(n, seed=1), "stable"),
    "one outlier moved": (lambda n: np.append(normal(n - 1), 1e9), lambda n: normal(n, 0.7, seed=1), "drift"),
    "tiny": (lambda n: normal(n) * 1e-12, lambda n: normal(n, seed=1) * 1e-12, "stable"),
    "tiny moved": (lambda n: normal(n) * 1e-12, lambda n: normal(n, 0.7, seed=1) * 1e-12, "drift"),
    "huge": (lambda n: normal(n) * 1e300, lambda n: normal(n, seed=1) * 1e300, "stable"),
    "text for numbers": (normal, lambda n: levels("a b", n), "drift"),
    "numbers for text": (lambda n: levels("a b", n), normal, "drift"),
    "control characters": (
        lambda n: levels("\x1b[31mx \u202ey 😀", n),
        lambda n: levels("\x1b[31mx \u202ey 😀", n, seed=1),
        "stable",
    ),
    "times": (lambda n: moments("2024-01-01", n), lambda n: moments("2024-01-01", n, seed=1), "stable"),
    "later times": (lambda n: moments("2024-01-01", n), lambda n: moments("2025-01-01", n), "left out"),
    "sentences": (
        lambda n: sentences("loan car house rate bank", n),
        lambda n: sentences("loan car house rate bank", n, seed=1),
        "stable",
    ),
    "other words": (
        lambda n: sentences("loan car house rate bank", n),
        lambda n: sentences("coin cat horse mate bank", n, seed=1),
        "drift",
    ),
    "names of rows": (np.arange, lambda n: np.arange(n, 2 * n), "left out"),
    "100 k levels": (
        lambda n: np.array([f"k{each}" for each in np.random.default_rng(0).integers(0, 100_000, n)], object),
        lambda n: np.array([f"k{each}" for each in np.random.default_rng(1).integers(0, 100_000, n)], object),
        "left out",
    ),
    "rare levels": (
        lambda n: np.array([f"k{each}" for each in np.random.default_rng(0).zipf(1.3, n)], object),
        lambda n: np.array([f"k{each}" for each in np.random.default_rng(1).zipf(1.3, n)], object),
        "stable",
    ),
    "not Unicode": (
        lambda n: np.array([b"\xff\xfe", b"a"] * (n // 2), object),
        lambda n: np.array([b"a", b"\xff\xfe"] * (n // 2), object),
        "stable",
    ),
}
"""By what it is: the reference and the current column of so many rows, and what must be said of them."""
