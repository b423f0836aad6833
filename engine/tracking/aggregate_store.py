"""SQL of aggregates: what the numbers of many runs come to, read along indexes and never row by row in Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from engine.db.conditions import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.conditions import Sql
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
        runs: Of which runs.

    Returns:
        By key; those without any number are left out.
    """
    if runs.source is None and table is METRICS:
        return {key: numbers for key in keys if (numbers := _whole_metric(snapshot, key)).amount}
    what = f"v.key, count(*), min({table.number}), sum({table.number}), max({table.number})"
    asked = f"{table.is_number} AND v.key IN (SELECT value FROM json_each(?))"
    values: tuple[object, ...]
    index, listed = f"{table.name} v INDEXED BY {table.name}_by_value", json.dumps(list(keys))
    if runs.source is None:
        sql, values = f"SELECT {what} FROM {index} WHERE {asked} GROUP BY v.key", (listed,)
    elif runs.few:
        source, values = runs.source, (*runs.source.values, listed)
        joined = f"({source.text}) m CROSS JOIN {table.name} v ON v.run = m.id"
        sql = f"SELECT {what} FROM {joined} WHERE {asked} GROUP BY v.key"
    else:
        source, values = runs.source, (listed, *runs.source.values)
        sql = f"SELECT {what} FROM {index} WHERE {asked} AND v.run IN ({source.text}) GROUP BY v.key"
    return {int(row[0]): Numbers(*row[1:]) for row in snapshot.execute(sql, values)}


def _whole_metric(snapshot: Snapshot, key: int) -> Numbers:
    """All values of a metric: its ends stand at the ends of the index, and only the sum needs a walk."""
    numbers = f"FROM latest_metric v INDEXED BY latest_metric_by_value WHERE v.key = ?1 AND v.value {NUMBERS}"
    least, greatest = (f"(SELECT v.value {numbers} ORDER BY v.value {way} LIMIT 1)" for way in ("ASC", "DESC"))
    sql = f"SELECT count(*), {least}, sum(v.value), {greatest} {numbers}"
    return Numbers(*snapshot.execute(sql, (key,)).fetchone())


def of_durations(snapshot: Snapshot, runs: Matching) -> Numbers:
    """How long runs took that have ended, in milliseconds."""
    took = "r.end_ms - r.start_ms"
    what = f"SELECT count({took}), min({took}), sum({took}), max({took})"
    if runs.source is None:
        return Numbers(*snapshot.execute(f"{what} FROM run r").fetchone())
    sql = f"{what} FROM ({runs.source.text}) m CROSS JOIN run r ON r.id = m.id"
    return Numbers(*snapshot.execute(sql, runs.source.values).fetchone())


def count(snapshot: Snapshot, source: Sql | None) -> int:
    """How many runs there are among these."""
    if source is None:
        return int(snapshot.execute("SELECT count(*) FROM run").fetchone()[0])
    return int(snapshot.execute(f"SELECT count(*) FROM ({source.text})", source.values).fetchone()[0])
