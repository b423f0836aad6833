"""One typed predicate of a quick filter: `auc>0.9`, `status=failed,killed`, `note:debug`, `lr=1e-4..1e-2`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from engine.core.query.lexer import Token
from engine.core.query.literals import check_operator, compare, number_of, read_literal
from engine.core.query.schema import Kind
from engine.core.query.tree import And, Filter, Operator, Or

if TYPE_CHECKING:
    from engine.core.query.source import Source
    from engine.core.query.tree import Comparison, Field, Value

WITHIN = ":"
"""Between a key and what its text contains, or the number it is."""

_OPERATORS = {
    "=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "<": Operator.LESS,
    "<=": Operator.AT_MOST,
    ">": Operator.GREATER,
    ">=": Operator.AT_LEAST,
    "~": Operator.ILIKE,
}
_LISTED = {Operator.EQUAL: Operator.IN, Operator.NOT_EQUAL: Operator.NOT_IN}
_RANGED = ("=", "!=", WITHIN)
_MEASURED = (Kind.NUMBER, Kind.TIME, Kind.DURATION)
_TO = ".."


class Item(NamedTuple):
    """A value as written.

    Args:
        raw: Bare, or in quotes of either kind.
        start: Offset of its first character, from 0.
    """

    raw: str
    start: int

    @property
    def quoted(self) -> bool:
        """Whether it stands in quotes, which keep a text what it is."""
        return self.raw[0] in "'\""


class Asked(NamedTuple):
    """What is asked of a field.

    Args:
        operator: As written: one of `= != < <= > >= ~ :`.
        place: Offset of the operator, from 0.
        items: The values; more than one where commas stand between.
        end: Offset behind the operator and its spaces, where a value is expected.
    """

    operator: str
    place: int
    items: tuple[Item, ...]
    end: int


def predicate(source: Source, field: Field, asked: Asked) -> Filter:
    """The filter that a predicate means.

    Args:
        source: The text it stands in.
        field: What it asks of.
        asked: What it asks.

    Raises:
        FilterSyntaxError: no value, one of the wrong type, a list or range where there is none, or an operator that
            the field does not have.
    """
    if not asked.items:
        raise source.error(asked.end, f"expected a value after {asked.operator}.")
    only = asked.items[0] if len(asked.items) == 1 else None
    if only is not None and asked.operator in _RANGED and _is_range(source, field, only):
        return _range(source, field, asked, only)
    return _contains(source, field, asked) if asked.operator == WITHIN else _comparison(source, field, asked)


def _comparison(source: Source, field: Field, asked: Asked) -> Comparison:
    operator = _OPERATORS[asked.operator]
    if len(asked.items) > 1:
        operator = _LISTED.get(operator, operator)
        if operator not in _LISTED.values():
            raise source.error(asked.items[1].start, f"a list stands after = or !=, not {asked.operator}.")
    check_operator(source, field, operator, asked.place)
    tokens = _literal_tokens(source, field, operator, asked.items)
    values = tuple(read_literal(source, field, operator, token) for token in tokens)
    if operator is Operator.ILIKE:
        return compare(source, field, operator, f"%{values[0]}%")
    return compare(source, field, operator, cast("Value", values) if len(values) > 1 else values[0])


def _contains(source: Source, field: Field, asked: Asked) -> Filter:
    """`key:value`: a text that contains any of the values, or a number that is one of them."""
    kind = source.schema.kind(field)
    if kind in (Kind.TIME, Kind.DURATION):
        hint = f"Write {field.key}>=2h, {field.key}<2026-11-03 or {field.key}:2d..1d."
        raise source.error(asked.place, f"{field.key} is a {kind.value}, which contains nothing.", hint)
    if kind is Kind.NUMBER:
        return _comparison(source, field, asked._replace(operator="="))
    parts = [_comparison(source, field, asked._replace(operator="~", items=(item,))) for item in asked.items]
    return Or(tuple(parts)) if len(parts) > 1 else parts[0]


def _is_range(source: Source, field: Field, item: Item) -> bool:
    """Whether a value is a range: of a logged text only when both ends are numbers, or one is and the other is open."""
    if item.quoted or _TO not in item.raw:
        return False
    kind = source.schema.kind(field)
    if kind is not Kind.LOGGED:
        return kind in _MEASURED
    ends = [end for end in item.raw.split(_TO, 1) if end]
    return bool(ends) and all(number_of(end) is not None for end in ends)


def _range(source: Source, field: Field, asked: Asked, item: Item) -> Filter:
    """`low..high`, both ends included; either may be left open. `!=` wants a value, and that outside."""
    low, _, high = item.raw.partition(_TO)
    outside = asked.operator == "!="
    ends = (("<" if outside else ">=", low, item.start), (">" if outside else "<=", high, item.start + len(low + _TO)))
    parts = [
        _comparison(source, field, Asked(operator, asked.place, (Item(end, start),), start))
        for operator, end, start in ends
        if end
    ]
    if not parts:
        raise source.error(item.start, "a range needs at least one end.", f"Write {field.key}=LOW..HIGH.")
    if len(parts) == 1:
        return parts[0]
    return Or(tuple(parts)) if outside else And(tuple(parts))


def _literal_tokens(source: Source, field: Field, operator: Operator, items: tuple[Item, ...]) -> list[Token]:
    """The values as the filter language would write them: unquoted ones get quotes where it wants a text."""
    kind = source.schema.kind(field)
    numeric = operator is not Operator.ILIKE and (
        kind is Kind.NUMBER
        or (kind in (Kind.LOGGED, Kind.DURATION) and all(number_of(item.raw) is not None for item in items))
    )
    return [_token(item, numeric=numeric) for item in items]


def _token(item: Item, *, numeric: bool) -> Token:
    if item.quoted:
        return Token("text", item.raw, item.start)
    if numeric:
        return Token("word", item.raw, item.start)
    doubled = item.raw.replace("'", "''")
    return Token("text", f"'{doubled}'", item.start)
