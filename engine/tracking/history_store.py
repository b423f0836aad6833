"""Metric histories reduced for charts.

Each stretch keeps its minimum, maximum, first and last value: M4 (Jugel, Jerzak, Hackenbroich, Markl: M4: A
Visualization-Oriented Time Series Data Aggregation, PVLDB 7(10), 2014), which draws the same pixels as all the points
do when there is a stretch a pixel column. Long histories are put together from blocks that are summed up already; only
the ends of a window, and windows of few blocks, are read point by point.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from engine.db.conditions import NUMBERS
from engine.tracking import block_store
from engine.tracking.block_store import Stretch
from engine.tracking.rules import NAN, loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.db.transaction import Snapshot
    from engine.tracking.block_store import Curve

Range = tuple[int, int]
"""First and last x, both included."""

EVERYWHERE: Range = (-(2**63), 2**63 - 1)
"""Every x that can be stored."""

_WITHIN = "FROM metric WHERE run = ? AND key = ? AND step >= ? AND step <= ?"
_IN_TIME = " AND time_ms >= ? AND time_ms <= ?"
_X = {"step": "step", "time": "time_ms"}
_LEAST_BLOCKS = 2
"""Blocks a stretch from which a level is used. Narrower stretches keep even bounds and are read point by point."""

_ENOUGH = 0.75
"""Of the stretches that are wanted: from so many on, each block of the lowest level is one."""


def extent(snapshot: Snapshot, series: tuple[int, int], x: str, wanted: Range) -> Range | None:
    """The first and last x that a metric has within a range; `series` is (run, key), `x` is `step` or `time`."""
    column = _X[x]
    where = f"FROM metric WHERE run = ? AND key = ? AND {column} >= ? AND {column} <= ?"
    # One end a query: SQLite seeks for a single min or max along the key.
    low = snapshot.execute(f"SELECT min({column}) {where}", (*series, *wanted)).fetchone()[0]
    high = snapshot.execute(f"SELECT max({column}) {where}", (*series, *wanted)).fetchone()[0]
    return None if low is None else (int(low), int(high))


def every_point(
    snapshot: Snapshot, series: tuple[int, int], steps: Range, limit: int, times: Range = EVERYWHERE
) -> list[Stretch] | None:
    """Every point for itself, by (step, time, value); `None` when there are more than `limit`."""
    sql = f"SELECT step, value, time_ms {_WITHIN}{_IN_TIME} LIMIT ?"
    rows = snapshot.execute(sql, (*series, *steps, *times, limit + 1)).fetchall()
    if len(rows) > limit:
        return None
    return [
        Stretch(step, value, value, value, value, 1, int(not isinstance(value, str)), loaded(value), time_ms, time_ms)
        for step, value, time_ms in rows
    ]


def steps_between(snapshot: Snapshot, series: tuple[int, int], times: Range) -> Range | None:
    """The first and last step that have a point within a window of time; `None` when there is none."""
    if times == EVERYWHERE:
        return extent(snapshot, series, "step", EVERYWHERE)
    low, high = EVERYWHERE
    curve = block_store.curve(snapshot, series)
    if curve is not None:
        low = block_store.first_ending(snapshot, series, curve.until, times[0]) << curve.shift
        last = block_store.last_beginning(snapshot, series, curve.until, times[1])
        # Only the points behind the last block that can hold one are not summed up.
        high = low if last is None else ((last + 1) << curve.shift) - 1
        tail = _ends(snapshot, series, (curve.until << curve.shift, EVERYWHERE[1]), times)
        high = high if tail is None else tail[1]
    return _ends(snapshot, series, (low, high), times)


def _ends(snapshot: Snapshot, series: tuple[int, int], steps: Range, times: Range) -> Range | None:
    low, high = (
        snapshot.execute(
            f"SELECT step {_WITHIN}{_IN_TIME} ORDER BY step {order} LIMIT 1", (*series, *steps, *times)
        ).fetchone()
        for order in ("ASC", "DESC")
    )
    return None if low is None else (int(low[0]), int(high[0]))


def by_step(snapshot: Snapshot, series: tuple[int, int], bounds: Sequence[int]) -> list[Stretch]:
    """One stretch between each two bounds (the last one excluded), empty ones left out.

    A range query a stretch along the primary key: three times faster than one GROUP BY over all points.
    """
    stretches = (_stretch(snapshot, series, (low, high - 1)) for low, high in pairwise(bounds))
    return [stretch for stretch in stretches if stretch is not None]


def _stretch(snapshot: Snapshot, series: tuple[int, int], steps: Range, times: Range = EVERYWHERE) -> Stretch | None:
    """The points within as one; `None` when there are none. Without a window of time its own times are not read."""
    timed = times != EVERYWHERE
    within = f"{_WITHIN}{_IN_TIME}" if timed else _WITHIN
    values = (*series, *steps, *times) if timed else (*series, *steps)
    first = f"{within} ORDER BY step, time_ms, value LIMIT 1"
    last = f"{within} ORDER BY step DESC, time_ms DESC, value DESC LIMIT 1"
    sql = f"""SELECT min(value), max(value), count(*), sum(value), min(time_ms), max(time_ms), (SELECT step {first}),
                     (SELECT value {first}), (SELECT value {last}) {within}"""
    row = snapshot.execute(sql, values * 4).fetchone()  # one statement: its price is that of dozens of points
    low, high, count, total, begin, end, step, begins, ends = row
    if not count:
        return None
    numbers = count
    if isinstance(high, str):  # a NaN, among numbers or alone
        sql = f"SELECT max(value), count(*) {within} AND value {NUMBERS}"
        high, numbers = snapshot.execute(sql, values).fetchone()
    return Stretch(step, low, NAN if high is None else high, begins, ends, count, numbers, total, begin, end)


def by_blocks(snapshot: Snapshot, series: tuple[int, int], reach: Range, points: int) -> list[Stretch] | None:
    """Stretches of whole blocks, the first and the last of them cut off where the window is.

    Args:
        snapshot: The view.
        series: Run and key.
        reach: The first and last step that there is in the window.
        points: At most so many stretches.

    Returns:
        The stretches; `None` where there are no blocks, or clearly fewer than stretches are wanted.
    """
    curve = block_store.curve(snapshot, series)
    if curve is None:
        return None
    for level in reversed(range(block_store.LEVELS)):
        shift = curve.shift + block_store.WIDER * level
        origin = reach[0] >> shift
        width = -(-((reach[1] >> shift) - origin + 1) // points)
        if width >= _LEAST_BLOCKS:
            return _by_level(snapshot, series, curve, level, reach, (origin, width))
    origin = reach[0] >> curve.shift
    if (reach[1] >> curve.shift) - origin + 1 >= points * _ENOUGH:
        return _by_level(snapshot, series, curve, 0, reach, (origin, 1))
    return None


def _by_level(
    snapshot: Snapshot,
    series: tuple[int, int],
    curve: Curve,
    level: int,
    steps: Range,
    cut: tuple[int, int] | None = None,
) -> list[Stretch]:
    """Stretches over steps, cut as (first block, blocks each) of a level, else as one; the ends come from below it."""
    if level < 0:
        whole = _stretch(snapshot, series, steps)
        return [] if whole is None else [whole]
    shift = curve.shift + block_store.WIDER * level
    first = -(-steps[0] >> shift)
    last = min((steps[1] + 1) >> shift, curve.until >> (block_store.WIDER * level)) - 1
    if last < first:
        return _by_level(snapshot, series, curve, level - 1, steps)
    origin, width = cut or (first - 1, last - first + 3)
    found = block_store.sums(snapshot, series, level, (first, last), (origin, width))
    for low, high in ((steps[0], (first << shift) - 1), ((last + 1) << shift, steps[1])):
        for edge in _by_level(snapshot, series, curve, level - 1, (low, high)) if low <= high else ():
            place = ((edge.step >> shift) - origin) // width
            there = found.get(place)
            found[place] = edge if there is None else joined(*sorted((there, edge), key=_step))
    return [found[place] for place in sorted(found)]


def _step(stretch: Stretch) -> int:
    return stretch.step


def joined(one: Stretch, after: Stretch) -> Stretch:
    """Two stretches as one, the second behind the first."""
    total = None if one.total is None or after.total is None else one.total + after.total
    lows = [loaded(each.low) for each in (one, after) if each.numbers]
    highs = [loaded(each.high) for each in (one, after) if each.numbers]
    return Stretch(
        one.step,
        min(lows, default=NAN),
        max(highs, default=NAN),
        one.first,
        after.last,
        one.points + after.points,
        one.numbers + after.numbers,
        total,
        min(one.begin_ms, after.begin_ms),
        max(one.end_ms, after.end_ms),
    )


def by_time(snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int) -> list[tuple[int, Stretch]]:
    """At most `points` stretches by time within the range, empty ones left out, with their first times.

    No index leads along time. Where time grows with the steps, as it nearly always does, stretches of steps are
    stretches of time; else all points are sorted, which takes seconds for a million.
    """
    along = _along_steps(snapshot, series, wanted, points)
    if along is not None:
        return along
    reach = extent(snapshot, series, "time", wanted)
    if reach is None:
        return []
    low, high = reach
    if low == high:  # logged at one moment: nothing to sort
        whole = _stretch(snapshot, series, EVERYWHERE, reach)
        return [] if whole is None else [(low, whole)]
    return _grouped(snapshot, series, reach, -(-(high - low + 1) // points))


_FEWEST_SHARE = 4


def _along_steps(
    snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int
) -> list[tuple[int, Stretch]] | None:
    """Stretches of steps, if their times follow one another and they are not too few for the chart."""
    steps = steps_between(snapshot, series, wanted)
    if steps is None:
        return None
    found = by_blocks(snapshot, series, steps, points)
    along = _in_order(by_step(snapshot, series, even_bounds(steps, points)) if found is None else found, wanted)
    return along if along is not None and len(along) * _FEWEST_SHARE >= points else None


def _in_order(found: Iterable[Stretch], wanted: Range) -> list[tuple[int, Stretch]] | None:
    """Stretches with their first times; `None` as soon as one begins before another ends, or lies outside."""
    along: list[tuple[int, Stretch]] = []
    until = wanted[0]
    for stretch in found:
        if stretch.begin_ms < until or stretch.end_ms > wanted[1]:
            return None
        until = stretch.end_ms
        along.append((stretch.begin_ms, stretch))
    return along


def even_bounds(reach: Range, points: int) -> list[int]:
    """Where at most `points` stretches of one width begin, and just after the last: from one to `points` + 1 bounds."""
    low, high = reach
    width = -(-(high - low + 1) // points)
    return sorted({min(low + number * width, high + 1) for number in range(points + 1)})


def _grouped(snapshot: Snapshot, series: tuple[int, int], reach: Range, width: int) -> list[tuple[int, Stretch]]:
    run, key = series
    low, high = reach
    # The bare column beside a min() or max() is that of the row that has it (documented by SQLite for exactly one
    # such aggregate), hence a query for each end.
    group = """FROM metric WHERE run = ? AND key = ? AND time_ms >= ? AND time_ms <= ? GROUP BY (time_ms - ?) / ?"""
    values = (run, key, low, high, low, width)
    sql = f"""SELECT min(value), max(iif(value {NUMBERS}, value, NULL)), count(*), sum(value {NUMBERS}), sum(value),
                     min(step) {group} ORDER BY min(time_ms)"""
    extremes = snapshot.execute(sql, values).fetchall()
    firsts = snapshot.execute(f"SELECT min(time_ms), value {group} ORDER BY 1", values).fetchall()
    lasts = snapshot.execute(f"SELECT max(time_ms), value {group} ORDER BY 1", values).fetchall()
    return [
        (begin, Stretch(step, least, NAN if most is None else most, first, last, count, numbers, total, begin, end))
        for (least, most, count, numbers, total, step), (begin, first), (end, last) in zip(
            extremes, firsts, lasts, strict=True
        )
    ]


def values_before(snapshot: Snapshot, series: tuple[int, int], steps: Iterable[int]) -> list[float]:
    """The last value of a metric at or before each step; NaN where there is none yet."""
    sql = f"SELECT value {_WITHIN} ORDER BY step DESC, time_ms DESC, value DESC LIMIT 1"
    rows = (snapshot.execute(sql, (*series, EVERYWHERE[0], step)).fetchone() for step in steps)
    return [loaded(NAN) if row is None else loaded(row[0]) for row in rows]
