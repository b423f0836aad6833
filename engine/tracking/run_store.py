"""SQL of runs: their own rows, and everything shown of several runs at once."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import MetricPoint

RunRow = tuple[int, str, str, int, str, str, int, "int | None", "int | None", "int | None", str, "str | None", str]
"""id, run_id, experiment name, experiment id, name, status, start_ms, end_ms, heartbeat_ms, deleted_ms, user, parent's
run_id, note."""

STATUSES = ("running", "finished", "failed", "killed", "scheduled")
"""What the schema allows."""

_ROWS = """
SELECT r.id, r.run_id, e.name, r.experiment, r.name, r.status, r.start_ms, r.end_ms, r.heartbeat_ms, r.deleted_ms,
       r.user, p.run_id, r.note
FROM run r JOIN experiment e ON e.id = r.experiment LEFT JOIN run p ON p.id = r.parent
"""


class RunHead(NamedTuple):
    """What a change of a run needs to know about it; one lookup on the hot path of logging.

    Args:
        row_id: Its integer key.
        run_id: Its public id.
        name: Its name.
        status: Its status.
        deleted_ms: When it was deleted, if it is.
        note: Its note.
    """

    row_id: int
    run_id: str
    name: str
    status: str
    deleted_ms: int | None
    note: str


class NewRun(NamedTuple):
    """A row to be added; fields as the columns of `run`."""

    run_id: str
    experiment: int
    name: str
    status: str
    start_ms: int
    end_ms: int | None
    heartbeat_ms: int | None
    user: str
    parent: int | None
    note: str


def head(snapshot: Snapshot, run_id: str) -> RunHead | None:
    """The run of exactly that id."""
    sql = "SELECT id, run_id, name, status, deleted_ms, note FROM run WHERE run_id = ?"
    row = snapshot.execute(sql, (run_id,)).fetchone()
    return None if row is None else RunHead(*row)


def start_ms(snapshot: Snapshot, row_id: int) -> int:
    """When a run that there is began, in milliseconds since the epoch."""
    return int(snapshot.execute("SELECT start_ms FROM run WHERE id = ?", (row_id,)).fetchone()[0])


def with_prefix(snapshot: Snapshot, prefix: str, limit: int) -> list[RunHead]:
    """Runs whose id begins so, at most `limit`; `prefix` is hex, so that `g` sorts after every continuation."""
    sql = """SELECT id, run_id, name, status, deleted_ms, note FROM run
             WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT ?"""
    return [RunHead(*row) for row in snapshot.execute(sql, (prefix, prefix + "g", limit))]


def with_name(snapshot: Snapshot, name: str, limit: int) -> list[str]:
    """Ids of the newest runs of exactly that name."""
    sql = "SELECT run_id FROM run INDEXED BY run_listing WHERE name = ? ORDER BY start_ms DESC, run_id LIMIT ?"
    return [row[0] for row in snapshot.execute(sql, (name, limit))]


def newest_names(snapshot: Snapshot, limit: int) -> list[tuple[str, str]]:
    """Name and id of the newest runs; what a mistyped name is compared with."""
    sql = "SELECT name, run_id FROM run ORDER BY start_ms DESC, run_id LIMIT ?"
    return snapshot.execute(sql, (limit,)).fetchall()


def insert(tx: Transaction, run: NewRun) -> int:
    """Add a run; its integer key.

    Raises:
        sqlite3.IntegrityError: the run id is taken.
    """
    sql = """INSERT INTO run (run_id, experiment, name, status, start_ms, end_ms, heartbeat_ms, user, parent, note)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    return tx.execute(sql, run).lastrowid or 0


def finish(tx: Transaction, row_id: int, status: str, end_ms: int | None) -> None:
    """Set a run's status, and when it ended (`None` while it has not)."""
    tx.execute("UPDATE run SET status = ?, end_ms = ? WHERE id = ?", (status, end_ms, row_id))


def beat(tx: Transaction, run_id: str) -> bool:
    """Write a sign of life; False when the run is no longer running."""
    sql = "UPDATE run SET heartbeat_ms = ? WHERE run_id = ? AND status = 'running'"
    return tx.execute(sql, (tx.now_ms, run_id)).rowcount == 1


def rename(tx: Transaction, row_id: int, name: str) -> None:
    """Give a run another name."""
    tx.execute("UPDATE run SET name = ? WHERE id = ?", (name, row_id))


def set_note(tx: Transaction, row_id: int, note: str) -> None:
    """Replace a run's note."""
    tx.execute("UPDATE run SET note = ? WHERE id = ?", (note, row_id))


def set_parent(tx: Transaction, row_id: int, parent: int | None) -> None:
    """Put a run below another, or at the top with `None`."""
    tx.execute("UPDATE run SET parent = ? WHERE id = ?", (parent, row_id))


def mark_deleted(tx: Transaction, row_id: int, deleted_ms: int | None) -> None:
    """Delete a run, or bring it back with `None`."""
    tx.execute("UPDATE run SET deleted_ms = ? WHERE id = ?", (deleted_ms, row_id))


def silent_since(snapshot: Snapshot, before_ms: int) -> list[int]:
    """Keys of runs that say they are running and last beat before that time, longest silent first."""
    sql = """SELECT id FROM run INDEXED BY run_alive
             WHERE status = 'running' AND heartbeat_ms < ? ORDER BY heartbeat_ms"""
    return [row[0] for row in snapshot.execute(sql, (before_ms,))]


def rows(snapshot: Snapshot, row_ids: Sequence[int]) -> list[RunRow]:
    """The rows of these runs, in any order; those that do not exist are left out."""
    sql = f"{_ROWS} WHERE r.id IN (SELECT value FROM json_each(?))"
    return snapshot.execute(sql, (json.dumps(row_ids),)).fetchall()


def children(snapshot: Snapshot, row_id: int) -> list[str]:
    """Ids of the runs below a run that are not deleted, oldest first."""
    sql = "SELECT run_id FROM run WHERE parent = ? AND deleted_ms IS NULL ORDER BY start_ms, id"
    return [row[0] for row in snapshot.execute(sql, (row_id,))]


def latest_metrics(
    snapshot: Snapshot, row_ids: Sequence[int], keys: Sequence[str] | None
) -> dict[int, dict[str, float]]:
    """Latest metric values by run and key; of the named keys only when `keys` is given."""
    found: dict[int, dict[str, float]] = {row_id: {} for row_id in row_ids}
    for run, name, value in _keyed(snapshot, "latest_metric", row_ids, keys):
        found[run][name] = loaded(value)
    return found


def latest_points(snapshot: Snapshot, row_ids: Sequence[int]) -> dict[int, list[MetricPoint]]:
    """The latest point of every metric of these runs, in the order in which the keys were first used."""
    sql = """SELECT run, key, value, step, time_ms FROM latest_metric
             WHERE run IN (SELECT value FROM json_each(?))"""
    rows = snapshot.execute(sql, (json.dumps(list(row_ids)),)).fetchall()
    names = _names(snapshot, {row[1] for row in rows})
    found: dict[int, list[MetricPoint]] = {row_id: [] for row_id in row_ids}
    for run, key, value, step, time_ms in rows:
        found[run].append((names[key], float(value), step, time_ms))
    return found


def all_pairs(snapshot: Snapshot, table: str, row_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Every parameter or tag of these runs, in the order in which the keys were first used."""
    sql = f"SELECT run, key, value FROM {table} WHERE run IN (SELECT value FROM json_each(?))"
    rows = snapshot.execute(sql, (json.dumps(list(row_ids)),)).fetchall()
    names = _names(snapshot, {row[1] for row in rows})
    found: dict[int, dict[str, str]] = {row_id: {} for row_id in row_ids}
    for run, key, value in rows:
        found[run][names[key]] = value
    return found


def _names(snapshot: Snapshot, keys: Collection[int]) -> dict[int, str]:
    """The names of keys; a look-up a key, where a join would look one up for every row."""
    sql = "SELECT id, name FROM run_key WHERE id IN (SELECT value FROM json_each(?))"
    return dict(snapshot.execute(sql, (json.dumps(list(keys)),)))


def pairs(
    snapshot: Snapshot, table: str, row_ids: Sequence[int], keys: Sequence[str] | None
) -> dict[int, dict[str, str]]:
    """Parameters or tags by run and key; `table` is `param` or `tag`."""
    found: dict[int, dict[str, str]] = {row_id: {} for row_id in row_ids}
    for run, name, value in _keyed(snapshot, table, row_ids, keys):
        found[run][name] = value
    return found


_KINDS = {"latest_metric": "metric", "param": "param", "tag": "tag"}


def _keyed(
    snapshot: Snapshot, table: str, row_ids: Sequence[int], keys: Sequence[str] | None
) -> list[tuple[int, str, str]]:
    if keys is not None and not keys:
        return []
    sql = f"SELECT v.run, v.key, v.value FROM {table} v WHERE v.run IN (SELECT value FROM json_each(?))"
    parameters = [json.dumps(row_ids)]
    if keys is not None:
        sql += """ AND v.key IN (SELECT id FROM run_key WHERE kind = ?
                   AND name IN (SELECT value FROM json_each(?)))"""
        parameters += [_KINDS[table], json.dumps(keys)]
    rows = snapshot.execute(sql, parameters).fetchall()
    names = _names(snapshot, {row[1] for row in rows})
    found = [(run, names[key], value) for run, key, value in rows]
    found.sort(key=itemgetter(1))
    return found


def by_status(snapshot: Snapshot) -> dict[str, int]:
    """How many runs that are not deleted there are of each status that any has; grouping takes half as long again."""
    counts = ", ".join("count(*) FILTER (WHERE status = ?)" for _ in STATUSES)
    [row] = snapshot.execute(f"SELECT {counts} FROM run WHERE deleted_ms IS NULL", STATUSES).fetchall()
    return {status: runs for status, runs in zip(STATUSES, row, strict=True) if runs}


def columns(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Kind and name of every key that a run has, most used first."""
    sql = "SELECT kind, name FROM run_key WHERE runs > 0 ORDER BY runs DESC, id"
    return snapshot.execute(sql).fetchall()
