"""What a filter and an order mean, said plainly in memory; every compiler to SQL is tested against it."""

from __future__ import annotations

import math
import operator as python
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from engine.core.json_path import JsonPath, json_path
from engine.core.query.literals import number_of
from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.core.query.schema import Schema

Stored: TypeAlias = str | float | int


class Row(Protocol):
    """A thing that can be asked; kinds of things without one of these have it empty."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """The latest value of each metric; NaN and infinities as they are."""

    @property
    def params(self) -> Mapping[str, str]:
        """Each parameter, as text."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Each tag, as text."""

    @property
    def attributes(self) -> Mapping[str, Stored | None]:
        """Attributes by canonical name; words in lower case, times and durations in milliseconds."""

    @property
    def datasets(self) -> Sequence[Mapping[str, str]]:
        """The datasets, each with those of `name`, `digest` and `context` that it has."""


R = TypeVar("R", bound=Row)

_COMPARE: Mapping[Operator, Callable[[Stored, Stored], bool]] = {
    Operator.EQUAL: python.eq,
    Operator.NOT_EQUAL: python.ne,
    Operator.LESS: python.lt,
    Operator.AT_MOST: python.le,
    Operator.GREATER: python.gt,
    Operator.AT_LEAST: python.ge,
}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def evaluate(tree: Filter, row: Row) -> bool:
    """Say whether a thing passes a filter."""
    if isinstance(tree, And):
        return all(evaluate(part, row) for part in tree.parts)
    if isinstance(tree, Or):
        return any(evaluate(part, row) for part in tree.parts)
    if isinstance(tree, Not):
        return not evaluate(tree.part, row)
    return _holds(tree, row)


def _holds(comparison: Comparison, row: Row) -> bool:
    stored = _stored(comparison.field, row)
    operator = comparison.operator
    if operator is Operator.IS_NULL:
        return not stored
    if operator is Operator.IS_NOT_NULL:
        return bool(stored)
    if operator is Operator.DIFFERS:
        return not _holds(Comparison(comparison.field, Operator.EQUAL, comparison.value), row)
    return any(_matches(each, comparison) for each in stored)


def _stored(field: Field, row: Row) -> Sequence[Stored]:
    """What the thing has under a field: nothing, one value, or one for each of its datasets."""
    if field.entity is Entity.DATASET:
        return [dataset[field.key] for dataset in row.datasets if field.key in dataset]
    keyed: Mapping[Entity, Mapping[str, Stored | None]] = {
        Entity.METRIC: row.metrics,
        Entity.PARAM: row.params,
        Entity.TAG: row.tags,
        Entity.ATTRIBUTE: row.attributes,
    }
    path = _path(field)
    if path is None:
        value = keyed.get(field.entity, {}).get(field.key)
    else:
        text = keyed[field.entity].get(path.key)
        value = path.value(text) if isinstance(text, str) else None
    return [] if value is None else [value]


def _path(field: Field) -> JsonPath | None:
    return json_path(field.key) if field.entity in (Entity.PARAM, Entity.TAG) else None


def _matches(stored: Stored, comparison: Comparison) -> bool:
    value, operator = comparison.value, comparison.operator
    literals: tuple[Stored, ...] = value if isinstance(value, tuple) else (value,) if value is not None else ()
    if _path(comparison.field) is not None and isinstance(stored, str) != isinstance(literals[0], str):
        return operator in (Operator.NOT_EQUAL, Operator.NOT_IN)  # inside JSON a number is no text
    if isinstance(stored, str) and not isinstance(literals[0], str):
        number = number_of(stored)
        if number is None:
            return False
        stored = number
    if operator in (Operator.IN, Operator.NOT_IN):
        return (stored in literals) is (operator is Operator.IN)
    if operator in (Operator.LIKE, Operator.ILIKE):
        return _like(str(stored), str(literals[0]), fold=operator is Operator.ILIKE)
    return _COMPARE[operator](stored, literals[0])


def _like(text: str, pattern: str, *, fold: bool) -> bool:
    """SQL's LIKE without an escape character, in at most len(text) * len(pattern) steps."""
    if fold:
        text, pattern = text.translate(_LOWER), pattern.translate(_LOWER)
    at, want, star, resume = 0, 0, -1, 0
    while at < len(text):
        if want < len(pattern) and pattern[want] == "%":
            star, resume = want, at
            want += 1
        elif want < len(pattern) and pattern[want] in ("_", text[at]):
            at, want = at + 1, want + 1
        elif star >= 0:
            resume += 1
            at, want = resume, star + 1
        else:
            return False
    return not pattern[want:].strip("%")


def sort_key(row: Row, field: Field) -> tuple[int, Stored | tuple[bool, Stored]]:
    """Where a thing stands by one field: 0 and the value, 1 for NaN, 2 for missing."""
    stored = _stored(field, row)
    if not stored:
        return (2, 0)
    value = stored[0]
    if _path(field) is not None:
        return (0, (isinstance(value, str), value))  # inside JSON there may be both; numbers come first
    return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)


def order(rows: Iterable[R], by: Sequence[OrderBy], *, schema: Schema) -> list[R]:
    """Sort things as every list does.

    Args:
        rows: The things.
        by: Sort keys, most significant first.
        schema: Their schema, whose `ties` end the order.

    Returns:
        The things: by each key values first, in its direction, then NaN, then missing.
    """
    ordered = list(rows)
    for key in reversed((*by, *schema.ties)):
        ranked = [(sort_key(row, key.field), row) for row in ordered]
        present = [pair for pair in ranked if pair[0][0] == 0]
        # Sorting backwards keeps the order of equals, so the later keys stay in force.
        present.sort(key=lambda pair: pair[0], reverse=key.descending)
        absent = sorted((pair for pair in ranked if pair[0][0]), key=lambda pair: pair[0])
        ordered = [row for _, row in (*present, *absent)]
    return ordered
