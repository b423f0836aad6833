"""Attributes of runs in SQL, and what a filter asks of them: in every row, or once of the few values that there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.core.query import Operator
from engine.db.conditions import Sql, compared

if TYPE_CHECKING:
    from engine.core.query import Comparison
    from engine.db.transaction import Snapshot

ATTRIBUTES = {
    "run_id": "r.run_id",
    "run_name": "r.name",
    "artifact_uri": "('runs:/' || r.run_id)",
    "artifact_path": "('/' || r.experiment || '/' || r.run_id || '/artifacts')",
    "parent_run_id": "(SELECT u.run_id FROM run u WHERE u.id = r.parent)",
    "note": "nullif(r.note, '')",
    "user_id": "r.user",
    "experiment": "(SELECT x.name FROM experiment x WHERE x.id = r.experiment)",
    "status": "r.status",
    "lifecycle_stage": "iif(r.deleted_ms IS NULL, 'active', 'deleted')",
    "start_time": "r.start_ms",
    "end_time": "r.end_ms",
    "duration": "(r.end_ms - r.start_ms)",
}
"""What an attribute of a run is in SQL, with `run` as `r`."""

NULLABLE = frozenset({"end_time", "duration", "parent_run_id", "note"})
"""Attributes that a run may not have."""

MOST_USERS = 1_000
"""Users among whom a pattern is looked for; where there are more, it is looked for in every run."""

_NULL_TESTS = (Operator.IS_NULL, Operator.IS_NOT_NULL)
_PATTERNS = (Operator.LIKE, Operator.ILIKE)
_NONE = Sql("0")
_HEX = set("0123456789abcdef%_")
_STATUSES = "(VALUES ('running'), ('finished'), ('failed'), ('killed'), ('scheduled'))"
_USERS = """WITH RECURSIVE known (name) AS (
    SELECT (SELECT u.user FROM run u INDEXED BY run_by_user ORDER BY u.user LIMIT 1)
    UNION ALL
    SELECT (SELECT u.user FROM run u INDEXED BY run_by_user WHERE u.user > known.name ORDER BY u.user LIMIT 1)
    FROM known WHERE known.name IS NOT NULL LIMIT ?
) SELECT name FROM known WHERE name IS NOT NULL"""
"""Every user once: one seek in the index for each, however many runs there are."""


def attribute_condition(snapshot: Snapshot, tree: Comparison, *, sets: bool) -> Sql:
    """What a comparison of an attribute asks of `run r`.

    Args:
        snapshot: Where values that there are few of are looked up.
        tree: The comparison; not `DIFFERS`.
        sets: Ask of all runs at once.

    Raises:
        InvalidInput: a pattern is longer than SQLite takes.
    """
    name = tree.field.key
    if tree.operator in _NULL_TESTS:
        if name in NULLABLE:
            return Sql(f"({ATTRIBUTES[name]} {tree.operator.value})")
        return Sql("1" if tree.operator is Operator.IS_NOT_NULL else "0")
    return _looked_up(snapshot, tree, sets=sets) or _of_row(tree)


def _looked_up(snapshot: Snapshot, tree: Comparison, *, sets: bool) -> Sql | None:
    """What is asked elsewhere, so that no row of a run is read for it; `None` for all else."""
    name = tree.field.key
    if name == "parent_run_id" and tree.operator in (Operator.EQUAL, Operator.IN):  # along the index of children
        parents = compared("u.run_id", tree.operator, tree.value)
        return Sql(
            f"(r.parent IS NOT NULL AND r.parent IN (SELECT u.id FROM run u WHERE {parents.text}))", parents.values
        )
    if name == "experiment":  # asked once of the few experiments, not of every run
        return _of_experiment(snapshot, tree)
    return _of_few(snapshot, tree, sets=sets) if tree.operator in _PATTERNS else None


def _of_row(tree: Comparison) -> Sql:
    column = ATTRIBUTES[tree.field.key]
    condition = compared(column, tree.operator, tree.value)
    if tree.field.key in NULLABLE:
        return Sql(f"({column} IS NOT NULL AND {condition.text})", condition.values)
    return condition


def _of_experiment(snapshot: Snapshot, tree: Comparison) -> Sql:
    names = compared("x.name", tree.operator, tree.value)
    source = f"SELECT x.id FROM experiment x WHERE {names.text}"
    if tree.operator in _PATTERNS and snapshot.execute(f"{source} LIMIT 1", names.values).fetchone() is None:
        return _NONE
    return Sql(f"r.experiment IN ({source})", names.values)


def _of_few(snapshot: Snapshot, tree: Comparison, *, sets: bool) -> Sql | None:
    """A pattern asked of the values that there are few of, so that rows need not be read; `None` for others."""
    pattern = compared("few.name", tree.operator, tree.value)
    if tree.field.key == "status":
        sql = f"SELECT few.name FROM (SELECT column1 AS name FROM {_STATUSES}) few WHERE {pattern.text}"
        found = [name for (name,) in snapshot.execute(sql, pattern.values)]
        return _one_of("r.status", found)
    if tree.field.key == "user_id":
        return _of_users(snapshot, tree, sets=sets)
    if tree.field.key == "run_id" and _is_odd(tree):
        odd = compared("u.run_id", tree.operator, tree.value)
        source = f"SELECT u.id FROM run u INDEXED BY run_odd_id WHERE u.run_id GLOB '*[^0-9a-f]*' AND {odd.text}"
        if snapshot.execute(f"{source} LIMIT 1", odd.values).fetchone() is None:
            return _NONE
        return compared("r.run_id", tree.operator, tree.value)
    return None


def _of_users(snapshot: Snapshot, tree: Comparison, *, sets: bool) -> Sql | None:
    pattern = compared("few.name", tree.operator, tree.value)
    sql = f"SELECT few.name, {pattern.text} FROM ({_USERS}) few"
    known = snapshot.execute(sql, (*pattern.values, MOST_USERS + 1)).fetchall()
    if len(known) > MOST_USERS:
        return None
    found = [name for name, matches in known if matches]
    if not found:
        return _NONE
    # One value, however many they are: a filter may hold hundreds of patterns, and SQLite takes so many values only.
    listed = Sql("(SELECT value FROM json_each(?))", (json.dumps(found),))
    if not sets:
        return Sql(f"r.user IN {listed.text}", listed.values)
    return Sql(f"r.id IN (SELECT u.id FROM run u INDEXED BY run_by_user WHERE u.user IN {listed.text})", listed.values)


def _one_of(column: str, values: list[str]) -> Sql:
    if not values:
        return _NONE
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _is_odd(tree: Comparison) -> bool:
    """Whether a pattern asks for a character that no identifier of ours has."""
    known = _HEX | set("ABCDEF") if tree.operator is Operator.ILIKE else _HEX
    return not set(str(tree.value)) <= known
