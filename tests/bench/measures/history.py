"""A curve of a million points reduced to what a chart can show."""

from __future__ import annotations

from collections.abc import Iterator

import engine
from tests.bench.places import Places
from tests.bench.results import Row, p50, p95
from tests.bench.sample_runs import LONG_KEY, LONG_POINTS, LONG_RUN
from tests.bench.sampling import interleaved

TIMES = 20
POINTS = 400


def measure(places: Places) -> Iterator[Row]:
    """The whole curve by step and by time, and a quarter of it."""
    quarter = LONG_POINTS // 4
    with engine.open(places.workspace(), read_only=True) as opened:
        runs = opened.runs
        found = runs.history(LONG_RUN, LONG_KEY, points=POINTS)
        if found.total != LONG_POINTS:
            raise AssertionError(f"{found.total} points instead of {LONG_POINTS}")
        times = interleaved(
            {
                "step": lambda: runs.history(LONG_RUN, LONG_KEY, points=POINTS),
                "time": lambda: runs.history(LONG_RUN, LONG_KEY, points=POINTS, x="time"),
                "quarter": lambda: runs.history(LONG_RUN, LONG_KEY, points=POINTS, start=quarter, end=2 * quarter),
            },
            TIMES,
        )
    for what, limit in (("step", 150), ("time", None), ("quarter", None)):
        name = {"step": "", "time": ", by time", "quarter": ", a quarter of it"}[what]
        yield Row(
            f"history of 1 M points reduced to {POINTS}{name}, p50",
            p50(times[what]),
            "ms",
            limit,
            detail=f"p95 {p95(times[what]):.0f} ms; {TIMES} times",
            samples={what: times[what]},
        )
