"""Values inside the JSON of parameters and tags, in SQL: what a filter asks of them, and what an order reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.json_path import JsonPath, json_path
from engine.core.query import Comparison, Entity, Operator
from engine.db.conditions import Sql, compared

if TYPE_CHECKING:
    from engine.core.query import Field

_VALUE = """CASE WHEN json_valid(v.value) THEN
    CASE json_type(v.value, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_extract(v.value, ?) END
END"""
"""What stands at a place (bound twice); NULL where the text is no JSON, or nothing stands there."""

_NUMBER, _TEXT = "typeof({0}.value) IN ('integer', 'real')", "typeof({0}.value) = 'text'"


def path_of(field: Field) -> JsonPath | None:
    """The path that a field's key is; `None` for other keys and fields."""
    return json_path(field.key) if field.entity in (Entity.PARAM, Entity.TAG) else None


def rows_inside(table: str, path: JsonPath, key: int | None, run: str = "") -> Sql:
    """Run and value at a path, for all runs with the key.

    Args:
        table: `param` or `tag`.
        path: The place.
        key: Integer of the key that holds the JSON.
        run: SQL of a run's integer key, to ask only of that.
    """
    only = f" AND v.run = {run}" if run else ""
    return Sql(f"SELECT v.run, {_VALUE} AS value FROM {table} v WHERE v.key = ?{only}", (*2 * (_sqlite(path),), key))


def _sqlite(path: JsonPath) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path.steps)


def inside_condition(tree: Comparison, alias: str) -> Sql:
    """What a comparison asks of a value inside: numbers of numbers, texts of texts; others only differ."""
    present = Sql(f"{alias}.value IS NOT NULL")
    if tree.operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return present
    literal = tree.value[0] if isinstance(tree.value, tuple) else tree.value
    same = (_TEXT if isinstance(literal, str) else _NUMBER).format(alias)
    asked = compared(f"{alias}.value", tree.operator, tree.value)
    if tree.operator in (Operator.NOT_EQUAL, Operator.NOT_IN):
        return Sql(f"({present.text} AND (NOT {same} OR {asked.text}))", asked.values)
    return Sql(f"({same} AND {asked.text})", asked.values)
