"""Metric histories reduced for charts.

Each stretch keeps its minimum, maximum, first and last value: M4 (Jugel, Jerzak, Hackenbroich, Markl: M4: A
Visualization-Oriented Time Series Data Aggregation, PVLDB 7(10), 2014), which draws the same pixels as all the points
do when there is a stretch a pixel column.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.db.conditions import NUMBERS
from engine.tracking.model import HistoryPoint
from engine.tracking.rules import NAN, loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot

Range = tuple[int, int]
"""First and last x, both included."""

EVERYWHERE: Range = (-(2**63), 2**63 - 1)
"""Every x that can be stored."""

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


def by_step(snapshot: Snapshot, series: tuple[int, int], bounds: Sequence[int]) -> list[HistoryPoint]:
    """One stretch between each two bounds (the last one excluded), empty ones left out.

    A range query a stretch along the primary key: three times faster than one GROUP BY over all points.
    """
    stretches = (_stretch(snapshot, _WITHIN, (*series, low, high - 1)) for low, high in pairwise(bounds))
    return [stretch[0] for stretch in stretches if stretch is not None]


_WITHIN = "FROM metric WHERE run = ? AND key = ? AND step >= ? AND step <= ?"
_WITHIN_TIME = f"{_WITHIN} AND time_ms >= ? AND time_ms <= ?"
_NO_TIMES = "NULL, NULL"
_TIMES = "min(time_ms), max(time_ms)"


def _stretch(
    snapshot: Snapshot, within: str, values: tuple[int, ...], times: str = _NO_TIMES
) -> tuple[HistoryPoint, int, int] | None:
    """The points within as one, with their first and last time if asked for; `None` when there are none."""
    sql = f"SELECT min(value), max(value), count(*), {times} {within}"
    low, high, count, begin, end = snapshot.execute(sql, values).fetchone()
    if not count:
        return None
    if isinstance(high, str) and not isinstance(low, str):  # a NaN among numbers
        high = snapshot.execute(f"SELECT max(value) {within} AND value {NUMBERS}", values).fetchone()[0]
    ends = f"SELECT step, value {within} ORDER BY"
    first = snapshot.execute(f"{ends} step, time_ms, value LIMIT 1", values).fetchone()
    last = snapshot.execute(f"{ends} step DESC, time_ms DESC, value DESC LIMIT 1", values).fetchone()
    point = HistoryPoint(first[0], loaded(low), loaded(high), loaded(first[1]), loaded(last[1]), count)
    return point, begin, end


def by_time(snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int) -> list[HistoryPoint]:
    """At most `points` stretches by time within the range, empty ones left out.

    No index leads along time. Where time grows with the steps, as it nearly always does, stretches of steps are
    stretches of time; else all points are sorted, which takes seconds for a million.
    """
    found = _along_steps(snapshot, series, wanted, points)
    if found is not None:
        return found
    reach = extent(snapshot, series, "time", wanted)
    if reach is None:
        return []
    low, high = reach
    if low == high:  # logged at one moment: nothing to sort
        whole = _stretch(snapshot, _WITHIN_TIME, (*series, *EVERYWHERE, *reach))
        return [] if whole is None else [replace(whole[0], x=low)]
    return _grouped(snapshot, series, reach, -(-(high - low + 1) // points))


_FEWEST_SHARE = 4


def _along_steps(snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int) -> list[HistoryPoint] | None:
    """Stretches of steps, if their times follow one another and they are not too few for the chart."""
    steps = extent(snapshot, series, "step", EVERYWHERE)
    within, window = (_WITHIN, ()) if wanted == EVERYWHERE else (_WITHIN_TIME, wanted)
    found: list[HistoryPoint] = []
    until: int | None = None
    for low, high in pairwise(even_bounds(steps, points) if steps else ()):
        stretch = _stretch(snapshot, within, (*series, low, high - 1, *window), _TIMES)
        if stretch is None:
            continue
        point, begin, end = stretch
        if until is not None and begin < until:
            return None
        until = end
        found.append(replace(point, x=begin))
    return found if len(found) * _FEWEST_SHARE >= points else None


def even_bounds(reach: Range, points: int) -> list[int]:
    """Where at most `points` stretches of one width begin, and just after the last: from one to `points` + 1 bounds."""
    low, high = reach
    width = -(-(high - low + 1) // points)
    return sorted({min(low + number * width, high + 1) for number in range(points + 1)})


def _grouped(snapshot: Snapshot, series: tuple[int, int], reach: Range, width: int) -> list[HistoryPoint]:
    run, key = series
    low, high = reach
    # The bare column beside a min() or max() is that of the row that has it (documented by SQLite for exactly one
    # such aggregate), hence a query for each end.
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
