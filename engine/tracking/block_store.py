"""Long metric histories summed up a block of steps at a time, kept up in the transaction that logs the points.

A block has 2 ^ shift steps, about `PER_BLOCK` points. Blocks below `until`, the one of the greatest step, are summed
up; the last one is still being written and is read point by point. Eight blocks make one of the next level. A point
that comes late has the blocks it falls into made anew.
"""

from __future__ import annotations

from bisect import bisect_left
from math import nan
from operator import lt
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.db.conditions import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.rules import StoredValue

LONG = 4_096
"""Points from which a history is summed up."""

PER_BLOCK = 64
"""Points that a block is meant to have."""

_LEAST_FILL, _MOST_FILL = PER_BLOCK // 8, PER_BLOCK * 16
"""Points a block on average beyond which its width is chosen anew: the program has changed how it counts steps."""

LEVELS = 3
"""Levels of blocks."""

WIDER = 3
"""A block of a level has 2 ^ WIDER of the level below."""

_LOOK_AGAIN = 16 * LONG
_REMEMBERED = 2_000
_MOST_SHIFT = 62


class Curve(NamedTuple):
    """How a long history is cut.

    Args:
        shift: A block has 2 ^ shift steps.
        until: Blocks below this one are summed up.
    """

    shift: int
    until: int


class Stretch(NamedTuple):
    """What is known of the points of some steps that follow one another.

    Args:
        step: The first step.
        low: The least number; NaN's text when there is none.
        high: The greatest number.
        first: The value of the first point by (step, time, value).
        last: That of the last.
        points: How many points.
        numbers: How many of them are not NaN.
        total: The sum of the numbers; `None` when infinities cancel out.
        begin_ms: The earliest time.
        end_ms: The latest time.
    """

    step: int
    low: StoredValue
    high: StoredValue
    first: StoredValue
    last: StoredValue
    points: int
    numbers: int
    total: float | None
    begin_ms: int
    end_ms: int

    @property
    def mean(self) -> float:
        """The mean of its numbers; NaN when there is none, or infinities of both signs."""
        if not self.numbers or self.total is None:
            return nan
        return float(self.total) / self.numbers


class _Known:
    """What this process knows of a history: points since it last looked, and how it is cut."""

    __slots__ = ("curve", "points")

    def __init__(self, points: int, curve: Curve | None) -> None:
        self.points = points
        self.curve = curve


_INSIDE = "FROM metric WHERE run = ?1 AND key = ?2 AND step >= block << ?3 AND step <= (block << ?3) + (1 << ?3) - 1"
_DIGEST = f"""
INSERT OR REPLACE INTO metric_block (run, key, level, block, count, numbers, low, high, total, first_step, first, last,
                                     begin_ms, end_ms)
SELECT ?1, ?2, 0, block, points,
       iif(typeof(high) = 'text', (SELECT count(*) {_INSIDE} AND value {NUMBERS}), points), low,
       iif(typeof(high) = 'text', ifnull((SELECT max(value) {_INSIDE} AND value {NUMBERS}), 'NaN'), high), total,
       (SELECT step {_INSIDE} ORDER BY step LIMIT 1),
       (SELECT value {_INSIDE} ORDER BY step, time_ms, value LIMIT 1),
       (SELECT value {_INSIDE} ORDER BY step DESC, time_ms DESC, value DESC LIMIT 1),
       begin_ms, end_ms
FROM (SELECT step >> ?3 AS block, count(*) AS points, min(value) AS low, max(value) AS high, sum(value) AS total,
             min(time_ms) AS begin_ms, max(time_ms) AS end_ms
      FROM metric WHERE run = ?1 AND key = ?2 AND step >= ?4 << ?3 AND step < ?5 << ?3 GROUP BY 1)
"""
"""Sums points up: run, key, shift, first block, the one behind the last. Every aggregate is paid at every point."""

_PUT = """
INSERT OR REPLACE INTO metric_block (run, key, level, block, count, numbers, low, high, total, first_step, first, last,
                                     begin_ms, end_ms)
VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ADDED = f"""sum(count) AS points, sum(numbers) AS numbers, min(low) AS low,
             max(iif(high {NUMBERS}, high, NULL)) AS high, sum(total) AS total, min(first_step) AS least,
             min(begin_ms) AS begin_ms, max(end_ms) AS end_ms, min(block) AS begin, max(block) AS end"""

_RAISE = f"""
INSERT OR REPLACE INTO metric_block (run, key, level, block, count, numbers, low, high, total, first_step, first, last,
                                     begin_ms, end_ms)
SELECT ?1, ?2, ?3, place, points, numbers, low, ifnull(high, 'NaN'), total, least,
       (SELECT first FROM metric_block WHERE run = ?1 AND key = ?2 AND level = ?3 - 1 AND block = begin),
       (SELECT last FROM metric_block WHERE run = ?1 AND key = ?2 AND level = ?3 - 1 AND block = end),
       begin_ms, end_ms
FROM (SELECT block >> {WIDER} AS place, {_ADDED} FROM metric_block
      WHERE run = ?1 AND key = ?2 AND level = ?3 - 1 AND block >= ?4 << {WIDER} AND block < ?5 << {WIDER} GROUP BY 1)
"""
"""Sums blocks of one level up to the next: run, key, level, first block there, the one behind the last."""


class Logged(NamedTuple):
    """What was logged of one metric, in the order given.

    Args:
        steps: The steps of the points.
        values: Their values; empty when they are not at hand.
        times_ms: Their times; empty when they are not at hand.
    """

    steps: Sequence[int]
    values: Sequence[StoredValue] = ()
    times_ms: Sequence[int] = ()


def keep_up(tx: Transaction, run: int, logged: Iterable[tuple[int, Logged]]) -> None:
    """Bring the sums of a run's histories up to what was just logged.

    Args:
        tx: The transaction, the points already in it.
        run: The run.
        logged: The integer key of each metric, and its points.
    """
    memory: dict[Any, dict[int, _Known]] = tx.memory.setdefault("curve", {})
    if len(memory) > _REMEMBERED:
        memory.clear()
    here = memory.get(run)
    if here is None:
        here = memory[run] = _looked_up(tx, run)
    for key, given in logged:
        known = here.get(key)
        if known is None:
            known = here[key] = _Known(_count(tx, (run, key), given.steps), None)
        else:
            known.points += len(given.steps)
        _follow(tx, (run, key), known, given)


def _looked_up(tx: Transaction, run: int) -> dict[int, _Known]:
    rows = tx.execute("SELECT key, shift, until FROM curve WHERE run = ?", (run,))
    return {key: _Known(0, Curve(shift, until)) for key, shift, until in rows.fetchall()}


def _count(tx: Transaction, series: tuple[int, int], given: Sequence[int]) -> int:
    """The points of a history that may be long already, by what another program logged; no more than make it so."""
    if len(given) < LONG and -LONG < given[0] < LONG and -LONG < given[-1] < LONG:
        return len(given)  # what begins is not counted at every first point
    sql = "SELECT count(*) FROM (SELECT 1 FROM metric WHERE run = ? AND key = ? LIMIT ?)"
    return int(tx.execute(sql, (*series, LONG)).fetchone()[0])


def _follow(tx: Transaction, series: tuple[int, int], known: _Known, given: Logged) -> None:
    if known.points >= (LONG if known.curve is None else _LOOK_AGAIN):
        known.points = 0
        if known.curve is None or not _fills(tx, series):
            known.curve = _cut(tx, series)
            return
    if known.curve is None:
        return
    shift, until = known.curve
    if len(given.steps) == 1:
        block = given.steps[0] >> shift
        if block == until:
            return
        blocks = {block}
    else:
        blocks = {step >> shift for step in given.steps}
    late = sorted(block for block in blocks if block < until)
    for block in late:
        _sum_up(tx, series, shift, (block, block + 1), until)
    newest = max(blocks)
    if newest > until:
        if _is_plain(given):  # all points of the blocks behind the one being written are at hand
            tx.execute(_DIGEST, (*series, shift, until, until + 1))
            tx.executemany(_PUT, _digests(series, given, shift, (until + 1, newest)))
            _raise(tx, series, (until, newest), newest)
        else:
            _sum_up(tx, series, shift, (until, newest), newest)
        tx.execute("UPDATE curve SET until = ? WHERE run = ? AND key = ?", (newest, *series))
        known.curve = Curve(shift, newest)


def _sum_up(tx: Transaction, series: tuple[int, int], shift: int, blocks: tuple[int, int], until: int) -> None:
    """Sum up blocks, the last one excluded, and whatever they are part of that lies wholly below `until`."""
    tx.execute(_DIGEST, (*series, shift, *blocks))
    _raise(tx, series, blocks, until)


def _raise(tx: Transaction, series: tuple[int, int], blocks: tuple[int, int], until: int) -> None:
    first, last = blocks[0], blocks[1] - 1
    for level in range(1, LEVELS):
        first, last = first >> WIDER, last >> WIDER
        behind = min(last + 1, until >> (WIDER * level))
        if first < behind:
            tx.execute(_RAISE, (*series, level, first, behind))


def _is_plain(given: Logged) -> bool:
    """Whether steps only grow, so that no point was there before, and every value is a number."""
    steps = given.steps
    return len(given.values) >= PER_BLOCK and set(map(type, given.values)) == {float} and all(map(lt, steps, steps[1:]))


def _digests(
    series: tuple[int, int], given: Logged, shift: int, blocks: tuple[int, int]
) -> Iterator[tuple[object, ...]]:
    """The rows of new blocks, the last one excluded: ten times faster than asking for what was just written."""
    steps, values, times_ms = given
    begin = bisect_left(steps, blocks[0] << shift)
    while begin < len(steps) and (block := steps[begin] >> shift) < blocks[1]:
        end = bisect_left(steps, (block + 1) << shift, begin)
        here, times = values[begin:end], times_ms[begin:end]
        count, total = end - begin, sum(here)  # type: ignore[arg-type]  # only numbers come here
        extremes = (min(here), max(here), total)
        yield (*series, block, count, count, *extremes, steps[begin], here[0], here[-1], min(times), max(times))
        begin = end


def _fills(tx: Transaction, series: tuple[int, int]) -> bool:
    """Whether blocks hold about as many points as they should."""
    sql = "SELECT count(*), sum(count) FROM metric_block WHERE run = ? AND key = ? AND level = 0"
    blocks, points = tx.execute(sql, series).fetchone()
    return not blocks or _LEAST_FILL * blocks <= points <= _MOST_FILL * blocks


def _cut(tx: Transaction, series: tuple[int, int]) -> Curve:
    """Sum a history up from its beginning."""
    points = tx.execute("SELECT count(*) FROM metric WHERE run = ? AND key = ?", series).fetchone()[0]
    least, greatest = (
        tx.execute(f"SELECT {end}(step) FROM metric WHERE run = ? AND key = ?", series).fetchone()[0]
        for end in ("min", "max")
    )
    shift = shift_for(points, greatest - least + 1)
    found = Curve(shift, greatest >> shift)
    tx.execute("DELETE FROM metric_block WHERE run = ? AND key = ?", series)
    _sum_up(tx, series, shift, (least >> shift, found.until), found.until)
    tx.execute("INSERT OR REPLACE INTO curve (run, key, shift, until) VALUES (?, ?, ?, ?)", (*series, *found))
    return found


def shift_for(points: int, steps: int) -> int:
    """How wide blocks should be.

    Args:
        points: Points of the history, at least 1.
        steps: Steps from the first to the last, both included.

    Returns:
        The least shift with which a block has `PER_BLOCK` points on average.
    """
    width = -(-steps * PER_BLOCK // points)
    return min((width - 1).bit_length(), _MOST_SHIFT)


def curve(snapshot: Snapshot, series: tuple[int, int]) -> Curve | None:
    """How a history is cut; `None` when it is not long. `series` is (run, key)."""
    row = snapshot.execute("SELECT shift, until FROM curve WHERE run = ? AND key = ?", series).fetchone()
    return None if row is None else Curve(*row)


def sums(
    snapshot: Snapshot, series: tuple[int, int], level: int, blocks: tuple[int, int], stretches: tuple[int, int]
) -> dict[int, Stretch]:
    """Blocks put together.

    Args:
        snapshot: The view.
        series: Run and key.
        level: Of the blocks.
        blocks: First and last block, both included.
        stretches: The block at which the first stretch begins, and how many make one.

    Returns:
        The stretches that hold points, by number.
    """
    sql = f"""SELECT s.*, (SELECT first FROM metric_block WHERE run = ?1 AND key = ?2 AND level = ?3 AND block = begin),
                     (SELECT last FROM metric_block WHERE run = ?1 AND key = ?2 AND level = ?3 AND block = end)
              FROM (SELECT (block - ?6) / ?7, {_ADDED} FROM metric_block WHERE run = ?1 AND key = ?2 AND level = ?3
                    AND block >= ?4 AND block <= ?5 GROUP BY 1 ORDER BY 1) s"""
    found: dict[int, Stretch] = {}
    for row in snapshot.execute(sql, (*series, level, *blocks, *stretches)):
        place, count, numbers, low, high, total, step, begin_ms, end_ms, _, _, first, last = row
        found[place] = Stretch(
            step, low, "NaN" if high is None else high, first, last, count, numbers, total, begin_ms, end_ms
        )
    return found


def first_ending(snapshot: Snapshot, series: tuple[int, int], until: int, time_ms: int) -> int:
    """The first block that does not end before a time; `until`, the one not summed up, when there is none."""
    sql = """SELECT block FROM metric_block WHERE run = ? AND key = ? AND level = ? AND block >= ? AND end_ms >= ?
             ORDER BY block LIMIT 1"""
    low = -(2**63)
    for level in reversed(range(LEVELS)):
        row = snapshot.execute(sql, (*series, level, low, time_ms)).fetchone()
        low = until >> (WIDER * level) if row is None else int(row[0])
        low <<= WIDER if level else 0
    return low


def last_beginning(snapshot: Snapshot, series: tuple[int, int], until: int, time_ms: int) -> int | None:
    """The last block that does not begin after a time; those above `until` are not summed up."""
    sql = """SELECT block FROM metric_block WHERE run = ? AND key = ? AND level = ? AND begin_ms <= ?
             AND block >= ? AND block <= ? ORDER BY block DESC LIMIT 1"""
    above: int | None = None
    for level in reversed(range(LEVELS)):
        # What no block of the level above holds comes last; then what the one found there does.
        bare = (until >> (WIDER * (level + 1))) << WIDER if level < LEVELS - 1 else -(2**63)
        row = snapshot.execute(sql, (*series, level, time_ms, bare, 2**63 - 1)).fetchone()
        if row is None and above is not None:
            inside = (above << WIDER, (above << WIDER) + (1 << WIDER) - 1)
            row = snapshot.execute(sql, (*series, level, time_ms, *inside)).fetchone()
        above = None if row is None else int(row[0])
    return above
