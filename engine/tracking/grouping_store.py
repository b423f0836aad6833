"""SQL of groups: which runs have the same value under a field, read along indexes and never value by value."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, NamedTuple

from engine.core.query import Entity
from engine.db.conditions import Sql
from engine.tracking.attribute_store import ATTRIBUTES
from engine.tracking.batch_store import key_id
from engine.tracking.inside_store import path_of, rows_inside
from engine.tracking.search_store import Matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.core.query import Field
    from engine.db.transaction import Snapshot

_TABLES = {Entity.METRIC: "latest_metric", Entity.PARAM: "param", Entity.TAG: "tag"}
_KINDS = {Entity.METRIC: "metric", Entity.PARAM: "param", Entity.TAG: "tag"}

FEW = 5_000
"""Runs whose groups are looked up one by one, rather than that all runs of a key are read."""

_SAME = {
    "run_name": "r.name",
    "experiment": "r.experiment",
    "status": "r.status",
    "user_id": "r.user",
    "parent_run_id": "r.parent",
    "note": "nullif(r.note, '')",
    "lifecycle_stage": "(r.deleted_ms IS NULL)",
}
"""What is the same for runs of one value of an attribute, as cheap as it can be read."""

ATTRIBUTES_OF_GROUPS = frozenset(_SAME)
"""Attributes that runs can be grouped by."""


class _Values(NamedTuple):
    """Where the values of a field are: rows of a run and what is the same in a group.

    Args:
        rows: FROM and WHERE.
        run: SQL of the run's integer key.
        value: SQL of what is the same; NULL in no row.
    """

    rows: Sql
    run: str
    value: str


def _values(snapshot: Snapshot, field: Field) -> _Values:
    if field.entity is Entity.ATTRIBUTE:
        value = _SAME[field.key]
        return _Values(Sql(f"FROM run r WHERE {value} IS NOT NULL"), "r.id", value)
    table, path = _TABLES[field.entity], path_of(field)
    key = key_id(snapshot, _KINDS[field.entity], field.key if path is None else path.key)
    if path is not None:
        inside = rows_inside(table, path, key)
        return _Values(Sql(f"FROM ({inside.text}) v WHERE v.value IS NOT NULL", inside.values), "v.run", "v.value")
    return _Values(Sql(f"FROM {table} v INDEXED BY {table}_by_value WHERE v.key = ?", (key,)), "v.run", "v.value")


def marks(snapshot: Snapshot, field: Field, runs: Sequence[int]) -> Iterable[int]:
    """What group each run is in: the least integer key among all runs, deleted ones too, that have its value.

    Args:
        snapshot: The view to read in.
        field: A metric, parameter or tag, also inside its JSON, or one of `ATTRIBUTES_OF_GROUPS`.
        runs: Integer keys of runs that exist.

    Returns:
        One for each run; 0 for those that have no value.
    """
    if len(runs) <= FEW and field.entity in _TABLES and path_of(field) is None:
        found = _marks_of_few(snapshot, field, runs)
        return [found.get(run, 0) for run in runs]
    return map(_marks_of_all(snapshot, field).__getitem__, runs)


def _marks_of_few(snapshot: Snapshot, field: Field, runs: Sequence[int]) -> dict[int, int]:
    """The marks of some runs, looked up one by one."""
    table, key = _TABLES[field.entity], key_id(snapshot, _KINDS[field.entity], field.key)
    least = f"SELECT min(o.run) FROM {table} o INDEXED BY {table}_by_value WHERE o.key = v.key AND o.value = v.value"
    listed = "SELECT value FROM json_each(?)"
    sql = f"SELECT v.run, ({least}) FROM {table} v WHERE v.run IN ({listed}) AND v.key = ?"
    return dict(snapshot.execute(sql, (json.dumps(list(runs)), key)))


def _marks_of_all(snapshot: Snapshot, field: Field) -> array[int]:
    """The marks of all runs, by their integer keys."""
    of = _values(snapshot, field)
    most = snapshot.execute("SELECT max(id) FROM run").fetchone()[0] or 0
    found = array("q", bytes(8 * (int(most) + 1)))
    # Two rows of JSON: a third of the time of a row for each run, and no value ever becomes a Python text.
    ordered = f"SELECT {of.run} AS run {of.rows.text} ORDER BY {of.value}, {of.run}"
    counted = f"SELECT count(*) AS runs {of.rows.text} GROUP BY {of.value} ORDER BY {of.value}"
    runs = _listed(snapshot, f"SELECT json_group_array(run) FROM ({ordered})", of.rows.values)
    start = 0
    for size in _listed(snapshot, f"SELECT json_group_array(runs) FROM ({counted})", of.rows.values):
        mark = runs[start]
        for run in runs[start : start + size]:
            found[run] = mark
        start += size
    return found


def only(runs: Sequence[int]) -> Matching:
    """Some runs, as something to ask more of."""
    return Matching(Sql("SELECT value AS id FROM json_each(?)", (json.dumps(list(runs)),)), few=True)


def _listed(snapshot: Snapshot, sql: str, values: tuple[object, ...]) -> list[int]:
    found: list[int] = json.loads(snapshot.execute(sql, values).fetchone()[0])
    return found


def values(snapshot: Snapshot, field: Field, runs: Sequence[int]) -> dict[int, str | float]:
    """What some runs have under a field, by their integer keys; those that have nothing are left out.

    Args:
        snapshot: The view to read in.
        field: As for `marks`.
        runs: Integer keys.
    """
    listed = json.dumps(list(runs))
    if field.entity is Entity.ATTRIBUTE:
        value = ATTRIBUTES[field.key]
        sql = f"SELECT r.id, {value} FROM run r WHERE r.id IN (SELECT value FROM json_each(?)) AND {value} IS NOT NULL"
        return dict(snapshot.execute(sql, (listed,)))
    table, path = _TABLES[field.entity], path_of(field)
    key = key_id(snapshot, _KINDS[field.entity], field.key if path is None else path.key)
    if path is not None:
        inside = rows_inside(table, path, key)
        sql = f"SELECT v.run, v.value FROM ({inside.text}) v WHERE v.run IN (SELECT value FROM json_each(?))"
        found = snapshot.execute(f"{sql} AND v.value IS NOT NULL", (*inside.values, listed))
        return dict(found)
    sql = f"SELECT v.run, v.value FROM {table} v WHERE v.run IN (SELECT value FROM json_each(?)) AND v.key = ?"
    return dict(snapshot.execute(sql, (listed, key)))
