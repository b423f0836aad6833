"""SQL of aggregates: what the numbers of many runs come to, read along indexes and never row by row in Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from engine.db.conditions import NUMBERS, Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot
    from engine.tracking.search_store import Matching


class Numbers(NamedTuple):
    """What the numbers of one key come to.

    Args:
        amount: How many there are.
        least: The least.
        total: Their sum.
        greatest: The greatest.
    """

    amount: int
    least: float | None
    total: float | None
    greatest: float | None


NONE = Numbers(0, None, None, None)


class Table(NamedTuple):
    """Where values are: the table, the number in it, and what is true of numbers only."""

    name: str
    number: str
    is_number: str


METRICS = Table("latest_metric", "v.value", f"v.value {NUMBERS}")
PARAMS = Table("param", "v.number", "v.number IS NOT NULL")
TAGS = Table("tag", "v.number", "v.number IS NOT NULL")


def of_keys(snapshot: Snapshot, table: Table, keys: Sequence[int], runs: Matching) -> dict[int, Numbers]:
    """What the values of several keys come to.

    Args:
        snapshot: The view to read in.
        table: `METRICS`, `PARAMS` or `TAGS`.
        keys: Integer keys.
        runs: Of which runs; where they are many, they were read once.

    Returns:
        By key; those without any number are left out.
    """
    if not runs.few:
        found = ((key, _of_key(snapshot, table, key, runs)) for key in keys)
        return {key: numbers for key, numbers in found if numbers.amount}
    source = runs.source or Sql("SELECT r.id AS id FROM run r")
    sql = f"""SELECT v.key, count(*), min({table.number}), sum({table.number}), max({table.number})
        FROM ({source.text}) m CROSS JOIN {table.name} v ON v.run = m.id
        WHERE {table.is_number} AND v.key IN (SELECT value FROM json_each(?)) GROUP BY v.key"""
    return {int(row[0]): Numbers(*row[1:]) for row in snapshot.execute(sql, (*source.values, json.dumps(list(keys))))}


def _of_key(snapshot: Snapshot, table: Table, key: int, runs: Matching) -> Numbers:
    """What the values of one key come to, along its index; of all runs, or of those that are marked."""
    asked = Sql(f"v.key = ? AND {table.is_number}", (key,))
    if runs.source is not None:
        marked = runs.marked("v.run")
        asked = Sql(f"{asked.text} AND {marked.text}", asked.values + marked.values)
    rows = f"FROM {table.name} v INDEXED BY {table.name}_by_value WHERE {asked.text}"
    if table is not METRICS:  # their index has texts in order, not numbers
        what = f"count(*), min({table.number}), sum({table.number}), max({table.number})"
        return Numbers(*snapshot.execute(f"SELECT {what} {rows}", asked.values).fetchone())
    # The least and the greatest stand at the ends of the index; only the sum needs a walk.
    amount, total = snapshot.execute(f"SELECT count(*), sum(v.value) {rows}", asked.values).fetchone()
    ends = f"{rows} ORDER BY v.value {{}} LIMIT 1"
    least, greatest = (
        snapshot.execute(f"SELECT v.value {ends.format(way)}", asked.values).fetchone() or (None,)
        for way in ("ASC", "DESC")
    )
    return Numbers(amount, least[0], total, greatest[0])


def of_durations(snapshot: Snapshot, runs: Matching) -> Numbers:
    """How long runs took that have ended, in milliseconds."""
    took = "r.end_ms - r.start_ms"
    what = f"SELECT count({took}), min({took}), sum({took}), max({took})"
    if runs.source is None:
        return Numbers(*snapshot.execute(f"{what} FROM run r").fetchone())
    if runs.few:
        sql = f"{what} FROM ({runs.source.text}) m CROSS JOIN run r ON r.id = m.id"
        return Numbers(*snapshot.execute(sql, runs.source.values).fetchone())
    marked = runs.marked("r.id")
    return Numbers(*snapshot.execute(f"{what} FROM run r WHERE {marked.text}", marked.values).fetchone())
