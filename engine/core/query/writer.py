"""Trees back into text: canonical, and read again as the same tree."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy

if TYPE_CHECKING:
    from collections.abc import Sequence


@cache
def _bare_key() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-/]*[A-Za-z0-9_])?")


def unparse(tree: Filter | None) -> str:
    """Write a filter as text.

    Args:
        tree: A tree as the parser makes them; `None` gives the empty text.

    Returns:
        Text that `parse_filter` reads as an equal tree.
    """
    if tree is None:
        return ""
    if isinstance(tree, And):
        return " AND ".join(_inside(part, And | Or) for part in tree.parts)
    if isinstance(tree, Or):
        return " OR ".join(_inside(part, Or) for part in tree.parts)
    if isinstance(tree, Not):
        return f"NOT {_inside(tree.part, And | Or)}"
    return _comparison(tree)


def _inside(part: Filter, bracketed: type | object) -> str:
    text = unparse(part)
    return f"({text})" if isinstance(part, bracketed) else text  # type: ignore[arg-type]


def unparse_order_by(keys: Sequence[OrderBy]) -> str:
    """Write sort keys as text that `parse_order_by` reads as equal ones."""
    return ", ".join(f"{field_text(key.field)} {'DESC' if key.descending else 'ASC'}" for key in keys)


def field_text(field: Field) -> str:
    """Write a field: attributes bare, others with their prefix, unusual keys in backticks."""
    if field.entity is Entity.ATTRIBUTE:
        return field.key
    if _bare_key().fullmatch(field.key):
        return f"{field.entity.value}.{field.key}"
    doubled = field.key.replace("`", "``")
    return f"{field.entity.value}.`{doubled}`"


def _comparison(comparison: Comparison) -> str:
    field, operator, value = field_text(comparison.field), comparison.operator, comparison.value
    if value is None:
        return f"{field} {operator.value}"
    symbol = "!=" if operator is Operator.DIFFERS else operator.value
    if isinstance(value, tuple):
        return f"{field} {symbol} ({', '.join(map(_literal, value))})"
    return f"{field} {symbol} {_literal(value)}"


def _literal(value: str | float) -> str:
    if not isinstance(value, str):
        return repr(value)
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
