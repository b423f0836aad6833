"""SQL of what runs log: keys, metric points, parameters and tags. The hot path: tuples in, one statement a table."""

from __future__ import annotations

import json
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING

from engine.core.query import number_of
from engine.tracking import block_store
from engine.tracking.rules import latest_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.active import Batch
    from engine.tracking.rules import MetricColumns, StoredValue

_UPSERT_LATEST = """
INSERT INTO latest_metric (run, key, step, time_ms, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, time_ms = excluded.time_ms, value = excluded.value
WHERE (excluded.step, excluded.time_ms, excluded.value) > (step, time_ms, value)
"""
_INSERT_POINT = "INSERT OR IGNORE INTO metric VALUES (?, ?, ?, ?, ?)"
_REMEMBERED = 20_000
"""Keys of one kind whose ids are remembered."""

_INSERT_PAIR = {
    "param": "INSERT INTO param (run, key, value, number) VALUES (?, ?, ?, ?)",
    "tag": """INSERT INTO tag (run, key, value, number) VALUES (?, ?, ?, ?)
              ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, number = excluded.number""",
}


def key_ids(tx: Transaction, kind: str, names: Iterable[str]) -> Mapping[str, int]:
    """Integer ids of keys, made where missing.

    Args:
        tx: The transaction.
        kind: `metric`, `param` or `tag`.
        names: The keys.

    Returns:
        Id by key, of these keys and maybe others. Not to be kept beyond the transaction.
    """
    known: dict[str, int] = tx.memory.setdefault(kind, {})
    if len(known) > _REMEMBERED:
        known.clear()
    wanted = [name for name in set(names) if name not in known]
    if wanted:
        sql = "SELECT name, id FROM run_key WHERE kind = ? AND name IN (SELECT value FROM json_each(?))"
        known.update(tx.execute(sql, (kind, json.dumps(wanted))).fetchall())
        for name in sorted(name for name in wanted if name not in known):
            known[name] = tx.execute("INSERT INTO run_key (kind, name) VALUES (?, ?)", (kind, name)).lastrowid or 0
    return known


def insert_metrics(tx: Transaction, run: int, columns: MetricColumns) -> None:
    """Add metric points of one run; exact duplicates are dropped, and the latest of each key is kept up."""
    ids = key_ids(tx, "metric", columns.keys)
    if len(columns.keys) == 1:
        point = (run, ids[columns.keys[0]], columns.steps[0], columns.times_ms[0], columns.values[0])
        tx.execute(_INSERT_POINT, point)
        tx.execute(_UPSERT_LATEST, point)
        block_store.keep_up(tx, run, ((point[1], block_store.Logged(columns.steps)),))
        return
    by_point = map(ids.__getitem__, columns.keys)
    points = zip(repeat(run), by_point, columns.steps, columns.times_ms, columns.values, strict=False)
    tx.executemany(_INSERT_POINT, points)
    tx.executemany(_UPSERT_LATEST, [(run, *row) for row in latest_rows(columns, ids)])
    block_store.keep_up(tx, run, _by_key(columns, ids).items())


def _by_key(columns: MetricColumns, ids: Mapping[str, int]) -> dict[int, block_store.Logged]:
    """A batch by integer key of the metric; of several the steps alone."""
    keys = columns.keys
    if keys and keys[0] == keys[-1] and len(set(keys)) == 1:
        return {ids[keys[0]]: block_store.Logged(columns.steps, columns.values, columns.times_ms)}
    found: dict[int, list[int]] = {}
    for key, step in zip(keys, columns.steps, strict=False):
        found.setdefault(ids[key], []).append(step)
    return {key: block_store.Logged(steps) for key, steps in found.items()}


def current_pairs(snapshot: Snapshot, table: str, run: int, names: Iterable[str]) -> dict[str, str]:
    """What a run has under these keys; `table` is `param` or `tag`."""
    sql = f"""SELECT k.name, v.value FROM {table} v JOIN run_key k ON k.id = v.key
              WHERE v.run = ? AND k.kind = ? AND k.name IN (SELECT value FROM json_each(?))"""
    return dict(snapshot.execute(sql, (run, table, json.dumps(list(names)))))


def insert_pairs(tx: Transaction, table: str, run: int, pairs: Mapping[str, str]) -> None:
    """Add parameters, or add and replace tags; `table` is `param` or `tag`.

    Raises:
        sqlite3.IntegrityError: a parameter is there already.
    """
    ids = key_ids(tx, table, pairs)
    rows = [(run, ids[name], value, number_of(value)) for name, value in pairs.items()]
    tx.executemany(_INSERT_PAIR[table], rows)


def delete_tag(tx: Transaction, run: int, name: str) -> bool:
    """Remove a tag; whether the run had it."""
    sql = "DELETE FROM tag WHERE run = ? AND key IN (SELECT id FROM run_key WHERE kind = 'tag' AND name = ?)"
    return tx.execute(sql, (run, name)).rowcount == 1


def key_id(snapshot: Snapshot, kind: str, name: str) -> int | None:
    """The integer id of a key, if any run has ever used it."""
    row = snapshot.execute("SELECT id FROM run_key WHERE kind = ? AND name = ?", (kind, name)).fetchone()
    return None if row is None else int(row[0])


def points_after(
    snapshot: Snapshot, run: int, key: int, after: tuple[int, int, StoredValue] | None, limit: int
) -> list[tuple[int, int, StoredValue]]:
    """Raw points of one metric by (step, time, value), those after a place; step, time_ms, value each."""
    sql = "SELECT step, time_ms, value FROM metric WHERE run = ? AND key = ?"
    parameters: list[object] = [run, key]
    if after is not None:
        sql += " AND (step, time_ms, value) > (?, ?, ?)"
        parameters += after
    return snapshot.execute(f"{sql} ORDER BY step, time_ms, value LIMIT ?", (*parameters, limit)).fetchall()


def earliest_after(snapshot: Snapshot, run: int, key: int, place: tuple[int, int, StoredValue]) -> int | None:
    """The earliest time of a metric's points after a place by (step, time, value)."""
    sql = "SELECT min(time_ms) FROM metric WHERE run = ? AND key = ? AND (step, time_ms, value) > (?, ?, ?)"
    row: tuple[int | None] = snapshot.execute(sql, (run, key, *place)).fetchone()
    return row[0]


def points_by_time(
    snapshot: Snapshot, run: int, key: int, after: tuple[int, int, StoredValue] | None, limit: int
) -> list[tuple[int, int, StoredValue]]:
    """Raw points of one metric by (time, step, value), those after a place; step, time_ms, value each."""
    sql = "SELECT step, time_ms, value FROM metric WHERE run = ? AND key = ?"
    parameters: list[object] = [run, key]
    if after is not None:
        sql += " AND (time_ms, step, value) > (?, ?, ?)"
        step, time_ms, value = after
        parameters += (time_ms, step, value)
    return snapshot.execute(f"{sql} ORDER BY time_ms, step, value LIMIT ?", (*parameters, limit)).fetchall()


def point_count(snapshot: Snapshot, run: int, key: int, steps: tuple[int, int]) -> int:
    """How many points a metric has within steps, both included."""
    sql = "SELECT count(*) FROM metric WHERE run = ? AND key = ? AND step BETWEEN ? AND ?"
    return int(snapshot.execute(sql, (run, key, *steps)).fetchone()[0])


def sampled(
    snapshot: Snapshot, run: int, key: int, steps: tuple[int, int], positions: Sequence[int]
) -> list[tuple[int, int, StoredValue]]:
    """The points at these positions, from 0, by (step, time, value) within steps; step, time_ms, value each."""
    sql = """SELECT step, time_ms, value FROM (
                 SELECT step, time_ms, value, row_number() OVER (ORDER BY step, time_ms, value) - 1 AS position
                 FROM metric WHERE run = ? AND key = ? AND step BETWEEN ? AND ?)
             WHERE position IN (SELECT value FROM json_each(?)) ORDER BY step, time_ms, value"""
    return snapshot.execute(sql, (run, key, *steps, json.dumps(list(positions)))).fetchall()


def insert_group(tx: Transaction, rows: Sequence[tuple[int, Batch]]) -> None:
    """Add what many new runs logged, with one statement a table.

    Args:
        tx: The transaction.
        rows: Integer key of a run that has nothing yet, and its batch, each.
    """
    ids = key_ids(tx, "metric", {key for _, batch in rows for key in batch.metrics.keys})
    points: list[tuple[int, int, int, int, StoredValue]] = []
    latest: list[tuple[int, int, int, int, StoredValue]] = []
    for run, batch in rows:
        columns = batch.metrics
        by_point = map(ids.__getitem__, columns.keys)
        points += zip(repeat(run), by_point, columns.steps, columns.times_ms, columns.values, strict=False)
        latest += ((run, *row) for row in latest_rows(columns, ids))
    tx.executemany(_INSERT_POINT, points)
    long = [(run, batch) for run, batch in rows if len(batch.metrics.keys) >= block_store.LONG]
    for run, batch in long:
        block_store.keep_up(tx, run, _by_key(batch.metrics, ids).items())
    latest.sort(key=itemgetter(1))  # along the index by key, whose pages then stay in the cache
    tx.executemany(_UPSERT_LATEST, latest)
    for table in ("param", "tag"):
        _insert_group_pairs(tx, table, [(run, getattr(batch, f"{table}s")) for run, batch in rows])


def _insert_group_pairs(tx: Transaction, table: str, rows: Sequence[tuple[int, Mapping[str, str]]]) -> None:
    ids = key_ids(tx, table, {name for _, pairs in rows for name in pairs})
    values = [(run, ids[name], value, number_of(value)) for run, pairs in rows for name, value in pairs.items()]
    values.sort(key=itemgetter(1, 2))
    tx.executemany(_INSERT_PAIR[table], values)
