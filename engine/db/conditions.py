"""What every search needs to ask SQLite: pieces of SQL with their values, and a column compared with a literal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import InvalidInput
from engine.core.query import Operator

if TYPE_CHECKING:
    from engine.core.query import Value

MAX_PATTERN_BYTES = 50_000
"""Longest LIKE or GLOB pattern that SQLite takes."""

NUMBERS = "<= 9e999"
"""True for every number, infinities included, and for no text: NaN is stored as one."""


class Sql(NamedTuple):
    """A piece of SQL and its values, in order.

    Args:
        text: The SQL, with `?` for every value.
        values: The values.
    """

    text: str
    values: tuple[object, ...] = ()


def compared(column: str, operator: Operator, value: Value) -> Sql:
    """A column, never NULL where it matters, against a literal.

    Args:
        column: SQL of the column.
        operator: How; none that asks for NULL.
        value: The literal, or the list of them.

    Returns:
        The condition.

    Raises:
        InvalidInput: a pattern is longer than SQLite takes.
    """
    if isinstance(value, tuple):
        marks = ", ".join("?" * len(value))
        return Sql(f"{column} {operator.value} ({marks})", value)
    if operator is Operator.LIKE:
        return Sql(f"{column} GLOB ?", (_pattern(_glob(str(value))),))
    if operator is Operator.ILIKE:
        return Sql(f"{column} LIKE ?", (_pattern(str(value)),))
    return Sql(f"{column} {operator.value} ?", (value,))


def _glob(pattern: str) -> str:
    """A LIKE pattern as a GLOB pattern: SQLite's own LIKE folds case."""
    return "".join(_GLOB.get(character, character) for character in pattern)


_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


def _pattern(pattern: str) -> str:
    if len(pattern.encode()) > MAX_PATTERN_BYTES:
        raise InvalidInput("The pattern after LIKE or ILIKE is too long.", hint="Shorten it.")
    return pattern
