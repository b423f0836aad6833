"""Metric histories reduced for charts.

Each stretch keeps its minimum, maximum, first and last value: M4 (Jugel, Jerzak, Hackenbroich, Markl: M4: A
Visualization-Oriented Time Series Data Aggregation, PVLDB 7(10), 2014), which draws the same pixels as all the points
do when there is a stretch a pixel column.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from engine.tracking.filter_store import NUMBERS
from engine.tracking.model import HistoryPoint
from engine.tracking.rules import NAN, loaded

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot

Range = tuple[int, int]
"""First and last x, both included."""

_X = {"step": "step", "time": "time_ms"}


def extent(snapshot: Snapshot, series: tuple[int, int], x: str, wanted: Range) -> Range | None:
    """The first and last x that a metric has within a range; `series` is (run, key), `x` is `step` or `time`."""
    column = _X[x]
    where = f"FROM metric WHERE run = ? AND key = ? AND {column} >= ? AND {column} <= ?"
    # One end a query: SQLite seeks for a single min or max along the key.
    low = snapshot.execute(f"SELECT min({column}) {where}", (*series, *wanted)).fetchone()[0]
    high = snapshot.execute(f"SELECT max({column}) {where}", (*series, *wanted)).fetchone()[0]
    return None if low is None else (int(low), int(high))


def every_point(
    snapshot: Snapshot, series: tuple[int, int], x: str, wanted: Range, limit: int
) -> list[HistoryPoint] | None:
    """Every point for itself, by x; `None` when there are more than `limit`."""
    column = _X[x]
    sql = f"""SELECT {column}, value FROM metric WHERE run = ? AND key = ? AND {column} >= ? AND {column} <= ?
              LIMIT ?"""
    rows = snapshot.execute(sql, (*series, *wanted, limit + 1)).fetchall()
    if len(rows) > limit:
        return None
    if x != "step":
        rows.sort(key=lambda row: row[0])  # points of one time stay in the order of their steps
    return [_single(at, loaded(value)) for at, value in rows]


def _single(x: int, value: float) -> HistoryPoint:
    return HistoryPoint(x, value, value, value, value, 1)


def by_step(snapshot: Snapshot, series: tuple[int, int], bounds: list[int]) -> list[HistoryPoint]:
    """One stretch between each two bounds (the last one excluded), empty ones left out.

    A range query a stretch along the primary key: three times faster than one GROUP BY over all points.
    """
    return [
        point for low, high in pairwise(bounds) if (point := _stretch(snapshot, (*series, low, high - 1))) is not None
    ]


_WITHIN = "FROM metric WHERE run = ? AND key = ? AND step >= ? AND step <= ?"


def _stretch(snapshot: Snapshot, within: tuple[int, int, int, int]) -> HistoryPoint | None:
    low, high, count = snapshot.execute(f"SELECT min(value), max(value), count(*) {_WITHIN}", within).fetchone()
    if not count:
        return None
    if isinstance(high, str) and not isinstance(low, str):  # a NaN among numbers
        high = snapshot.execute(f"SELECT max(value) {_WITHIN} AND value {NUMBERS}", within).fetchone()[0]
    ends = f"SELECT step, value {_WITHIN} ORDER BY"
    first = snapshot.execute(f"{ends} step, time_ms, value LIMIT 1", within).fetchone()
    last = snapshot.execute(f"{ends} step DESC, time_ms DESC, value DESC LIMIT 1", within).fetchone()
    return HistoryPoint(first[0], loaded(low), loaded(high), loaded(first[1]), loaded(last[1]), count)


def by_time(snapshot: Snapshot, series: tuple[int, int], reach: Range, width: int) -> list[HistoryPoint]:
    """One stretch for each `width` milliseconds from the reach's beginning, empty ones left out."""
    run, key = series
    low, high = reach
    # No index leads along time, so all points are read once. The bare columns beside a min() or max() are those of
    # the row that has it (documented by SQLite for exactly one such aggregate), hence a query for each end.
    group = """FROM metric WHERE run = ? AND key = ? AND time_ms >= ? AND time_ms <= ? GROUP BY (time_ms - ?) / ?"""
    values = (run, key, low, high, low, width)
    sql = f"""SELECT min(value), max(iif(value {NUMBERS}, value, NULL)), count(*) {group} ORDER BY min(time_ms)"""
    extremes = snapshot.execute(sql, values).fetchall()
    firsts = snapshot.execute(f"SELECT min(time_ms), value {group} ORDER BY 1", values).fetchall()
    lasts = snapshot.execute(f"SELECT max(time_ms), value {group} ORDER BY 1", values).fetchall()
    return [
        HistoryPoint(begin, loaded(least), loaded(NAN if most is None else most), loaded(first), loaded(last), count)
        for (least, most, count), (begin, first), (_, last) in zip(extremes, firsts, lasts, strict=True)
    ]
