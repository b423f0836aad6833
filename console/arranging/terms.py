"""The terms of a filter by column: finding, replacing and taking away those of one. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.core.query.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_KEYED = re.compile(r"""!?(?P<key>(?:`[^`]*+`|"[^"]*+"|[^\s=<>~!`"/'])++)\s*+(?:!=|<=|>=|=|<|>|~)""")

OPERATORS: dict[Kind, str] = {
    Kind.TEXT: "~ contains  = is  != is not",
    Kind.WORD: "= is (one of a,b)  != is not",
    Kind.NUMBER: "> >= < <= = !=",
    Kind.TIME: "> later than, < earlier than: 2d, 3h, 2026-11-03",
    Kind.DURATION: "> >= < <=: 90s, 10m, 2h",
    Kind.LOGGED: "= != ~ contains  > >= < <= numbers",
}
"""What may follow a column of each kind, in words."""

FIRST_OPERATOR: dict[Kind, str] = {
    Kind.TEXT: "~",
    Kind.WORD: "=",
    Kind.NUMBER: ">",
    Kind.TIME: ">",
    Kind.DURATION: ">",
    Kind.LOGGED: "=",
}
"""The operator that stands there at first."""

GREATEST_FIRST = frozenset({Kind.NUMBER, Kind.TIME, Kind.DURATION})
"""Kinds whose greatest values come first when a list is sorted by them for the first time."""


def key_of(term: str) -> str:
    """The key that a term of a filter compares; empty for words and expressions."""
    found = _KEYED.match(term)
    return found["key"] if found else ""


def of_column(terms: Sequence[str], keys: Collection[str]) -> tuple[str, ...]:
    """The terms that compare one of these keys."""
    return tuple(term for term in terms if key_of(term) in keys)


def without(terms: Sequence[str], keys: Collection[str]) -> tuple[str, ...]:
    """The terms but those that compare one of these keys."""
    return tuple(term for term in terms if key_of(term) not in keys)


def last_value(text: str) -> tuple[int, str]:
    """Where the value being typed begins, and what of it is typed: behind the operator or the last comma."""
    found = list(re.finditer(r"(?:!=|<=|>=|=|<|>|~|,)\s*", text))
    start = found[-1].end() if found else len(text)
    return start, text[start:]
