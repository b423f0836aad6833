"""One headless command, the whole process, against an interpreter that only loads SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.bench.sampling import interleaved, process

TIMES = 25


def measure(places: Places) -> Iterator[Row]:
    """`qd runs list`, and its start alone for context."""
    qd = [str(Path(sys.executable).with_name("qd")), "--workspace", str(places.workspace())]
    times = interleaved(
        {
            "sqlite3": process([sys.executable, "-c", "import sqlite3"]),
            "list": process([*qd, "runs", "list", "--json", "--limit", "10"]),
            "version": process([qd[0], "--version"]),
        },
        TIMES,
        warm=2,
    )
    base = p50(times["sqlite3"])
    for what, words, limit in (("list", "qd runs list --json --limit 10", 6), ("version", "qd --version", None)):
        yield Row(
            f"`{words}`, of `python -c 'import sqlite3'`",
            p50(times[what]) / base,
            "x",
            limit,
            detail=f"{p50(times[what]):.0f} ms against {base:.0f} ms; medians of {TIMES}",
            samples={what: times[what], "sqlite3": times["sqlite3"]},
        )
