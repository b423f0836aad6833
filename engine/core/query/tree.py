"""The parsed filter and order: a small typed tree that the in-memory evaluator and every store compile from.

Truth has two values. A comparison with something the thing does not have is false, and `Not` of it is true; a
compiler to SQL must therefore keep NULL out of `Not` (`NOT COALESCE(…, 0)`, or an `EXISTS` per comparison).
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from engine.core.frozen import frozen


class Entity(Enum):
    """What kind of key a field names; the value is the prefix in canonical text."""

    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    ATTRIBUTE = "attributes"
    DATASET = "datasets"
    METADATA = "metadata"
    SPAN = "span"
    FEEDBACK = "feedback"
    EXPECTATION = "expectation"


class Operator(Enum):
    """How a field is compared; the value is the canonical spelling, but for `DIFFERS`.

    `DIFFERS` is written `!=` too: the parser chooses it for tags of schemas where a missing tag differs from
    every text (MLflow's registered models). It holds exactly where `=` does not; `NOT_EQUAL` and `NOT_IN` never
    match a missing key. NaN is unequal to every number and neither less nor more than any.
    `LIKE` knows `%` (any run) and `_` (any one character), no escape, and minds case; `ILIKE` folds A-Z only.
    """

    EQUAL = "="
    NOT_EQUAL = "!="
    DIFFERS = "DIFFERS"
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


Value: TypeAlias = str | float | int | tuple[str, ...] | tuple[float, ...] | None


@frozen
class Field:
    """One thing that can be compared or sorted by.

    Args:
        entity: The kind of key.
        key: The metric's, parameter's or tag's key as logged; for attributes the canonical name in the schema
            (aliases are resolved); for datasets `name`, `digest` or `context`; for spans `name`, `type`, `status`,
            `content` or `attributes.<key>`; for feedback and expectations the name of the assessment.
    """

    entity: Entity
    key: str


@frozen
class Comparison:
    """One field against one literal.

    Args:
        field: The left side.
        operator: How they are compared.
        value: The right side; its type says how to compare. `str`: as text. `float` or `int`: as numbers; a
            parameter or tag is then read with `engine.core.query.number_of`, and no number never matches. Metrics
            and parameters always carry `float`; time attributes `int` milliseconds since the epoch; other number
            attributes `int` when written as a whole number that fits 64 bits. `IN` and `NOT IN` carry a non-empty
            tuple of one of these types; `IS NULL` and `IS NOT NULL` carry `None`. Never NaN. Texts hold neither NUL
            nor lone surrogates, so SQLite can bind them.
    """

    field: Field
    operator: Operator
    value: Value


@frozen
class And:
    """All parts hold; at least two parts."""

    parts: tuple[Filter, ...]


@frozen
class Or:
    """At least one part holds; at least two parts."""

    parts: tuple[Filter, ...]


@frozen
class Not:
    """The part does not hold; true where a comparison found nothing to compare."""

    part: Filter


Filter: TypeAlias = "Comparison | And | Or | Not"


@frozen
class OrderBy:
    """One sort key.

    For metrics numbers come first, then NaN, then missing, in both directions; for everything else missing comes
    last in both directions. Texts sort by code point (SQLite's BINARY).

    Args:
        field: What to sort by; never a dataset.
        descending: True for the greatest first.
    """

    field: Field
    descending: bool = False
