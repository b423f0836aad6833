"""The right side of a comparison: which literal a field takes, and what it means."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.query.schema import ORDERINGS, Kind
from engine.core.query.tree import Comparison, Entity, Field, Operator, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query.lexer import Token
    from engine.core.query.source import Source

_NUMBER = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?inf(?:inity)?"
_LIKE = (Operator.LIKE, Operator.ILIKE)
_LARGEST = 2**63


@cache
def _number_pattern() -> re.Pattern[str]:
    return re.compile(_NUMBER, re.IGNORECASE | re.ASCII)


def number_of(text: str) -> float | None:
    """Read a logged text as a number, as comparisons of parameters and tags with a number literal do.

    Args:
        text: A decimal or exponent number in ASCII digits, or `inf`, `-inf`, `infinity`; spaces around are ignored.

    Returns:
        The number, infinite where it exceeds a double; `None` when the text is not one (`nan` is none either).
    """
    stripped = text.strip(" \t\r\n")
    return float(stripped) if _number_pattern().fullmatch(stripped) else None


def read_literal(source: Source, field: Field, operator: Operator, token: Token) -> str | float:
    """Read one literal for a field.

    Args:
        source: Where the token is from.
        field: What it is compared with.
        operator: How.
        token: The literal.

    Raises:
        FilterSyntaxError: the literal is missing, of the wrong type, or no time or duration.
    """
    kind = source.schema.kind(field)
    if kind in (Kind.TEXT, Kind.WORD) or operator in _LIKE:
        text = _text(source, token)
        return text.lower() if kind is Kind.WORD else text
    if kind is Kind.LOGGED:
        return _logged(source, operator, token)
    if kind in (Kind.TIME, Kind.DURATION):
        return _span(source, kind, token)
    number = _number(source, token)
    return float(number) if field.entity is Entity.METRIC else number


def compare(source: Source, field: Field, operator: Operator, value: Value) -> Comparison:
    """The comparison as written, with `!=` of a tag taken as the schema says."""
    differs = operator is Operator.NOT_EQUAL and field.entity is Entity.TAG and source.schema.missing_tag_differs
    return Comparison(field, Operator.DIFFERS if differs else operator, value)


def check_operator(source: Source, field: Field, operator: Operator, offset: int) -> None:
    """Refuse an operator that the field's type does not have.

    Raises:
        FilterSyntaxError: it has not; the message lists those it has.
    """
    allowed = source.schema.operators(field)
    if operator not in allowed:
        known = " ".join(each.value for each in Operator if each in allowed)
        problem = f"{field.key} cannot be compared with {operator.value}."
        raise source.error(offset, problem, f"Use one of {known}.")


def check_same_type(source: Source, values: Sequence[str | float], tokens: Sequence[Token]) -> None:
    """Refuse a list that mixes texts and numbers.

    Raises:
        FilterSyntaxError: it does; the column is the first literal's that differs from the one before.
    """
    for before, after, token in zip(values, values[1:], tokens[1:], strict=False):
        if isinstance(before, str) is not isinstance(after, str):
            raise source.error(token.start, "a list holds either texts or numbers.", "Use two lists and OR.")


def _text(source: Source, token: Token) -> str:
    if token.kind in ("text", "quoted") and token.raw[0] != "`":
        return token.content
    hint = f"Write '{token.raw}'." if token.kind == "word" else "Texts stand in 'single' or \"double\" quotes."
    raise source.error(token.start, "expected a quoted text.", hint)


def _number(source: Source, token: Token) -> float:
    number = number_of(token.raw) if token.kind == "word" else None
    if number is not None:
        whole = _whole(token.raw)
        return number if whole is None else whole
    hint = "Numbers are written without quotes, such as 0.9 or 1e-3."
    if token.raw.lower() == "nan":
        hint = "NaN equals nothing and is neither less nor more than anything."
    raise source.error(token.start, "expected a number.", hint)


def _whole(raw: str) -> int | None:
    """The integer written, if it is one that SQLite can store."""
    if len(raw) > 20 or not raw.lstrip("+-").isdigit():
        return None
    whole = int(raw)
    return whole if -_LARGEST <= whole < _LARGEST else None


def _logged(source: Source, operator: Operator, token: Token) -> str | float:
    if token.kind == "word":
        if operator not in ORDERINGS and number_of(token.raw) is None:
            hint = f"Texts stand in quotes: write '{token.raw}'."
            raise source.error(token.start, "expected a quoted text or a number.", hint)
        return float(_number(source, token))
    if operator in ORDERINGS:
        hint = "Only numbers are ordered; write them without quotes."
        raise source.error(token.start, f"expected a number after {operator.value}.", hint)
    return _text(source, token)


def _span(source: Source, kind: Kind, token: Token) -> float:
    """A time or a duration, in milliseconds."""
    if token.kind not in ("text", "quoted"):
        number = _number(source, token)
        return number if abs(number) == float("inf") else int(number)
    from engine.core.timetext import parse_duration, parse_time  # only when one is written

    try:
        if kind is Kind.DURATION:
            return parse_duration(token.content)
        return parse_time(token.content, source.now_ms)
    except InvalidInput as error:
        raise source.error(token.start, error.message, error.hint) from error
