"""Random filters, orders and rows; small vocabularies, so that filters and rows meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from engine.core.query import (
    RUNS,
    And,
    Comparison,
    Entity,
    Field,
    Filter,
    Kind,
    Not,
    Operator,
    Or,
    OrderBy,
    Schema,
)
from engine.core.query.schema import DATASET_KEYS, ORDERINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NULL_OPERATORS = (Operator.IS_NULL, Operator.IS_NOT_NULL)
LIST_OPERATORS = (Operator.IN, Operator.NOT_IN)
PATTERN_OPERATORS = (Operator.LIKE, Operator.ILIKE)


@dataclass(frozen=True, slots=True)
class Thing:
    """A row of plain values."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str | float | int | None] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()


# Anything that SQLite can bind, and words that two sides will often share.
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
texts = st.sampled_from(["a", "A", "ab", "b%", "_", "%", "0.5", "1e-3", "it's", ""]) | any_text
keys = st.sampled_from(
    ["auc", "val.loss", "a b", "x`y", 'q"q', "1", "lr-2", "a/b", "ü", "NOT", "a."]
) | any_text.filter(bool)
finite = st.sampled_from([0.0, 0.5, -1.5, 1e-3, 7.0, float("inf"), float("-inf")]) | st.floats(allow_nan=False)
whole = st.integers(-(2**63), 2**63 - 1)


def attribute_names(schema: Schema) -> st.SearchStrategy[str]:
    """Canonical names of a schema's attributes."""
    return st.sampled_from([attribute.name for attribute in schema.attributes])


@st.composite
def fields(draw: st.DrawFn, schema: Schema = RUNS) -> Field:
    """A field that the schema has."""
    entity = draw(st.sampled_from([Entity.ATTRIBUTE, *(each for each in Entity if each in schema.entities)]))
    if entity is Entity.ATTRIBUTE:
        return Field(entity, draw(attribute_names(schema)))
    return Field(entity, draw(st.sampled_from(DATASET_KEYS) if entity is Entity.DATASET else keys))


def _literals(kind: Kind, operator: Operator, entity: Entity) -> st.SearchStrategy[str | float]:
    if kind is Kind.WORD:
        return st.sampled_from(["failed", "running", "f%", "finished"])
    if kind is Kind.TEXT or operator in PATTERN_OPERATORS:
        return texts
    if kind is Kind.LOGGED:
        return finite if operator in ORDERINGS else texts | finite
    if kind is Kind.NUMBER:
        return finite if entity is Entity.METRIC else whole
    return st.integers(0, 2**53)


@st.composite
def comparisons(draw: st.DrawFn, schema: Schema = RUNS) -> Comparison:
    """A comparison as the parser makes them."""
    field_ = draw(fields(schema))
    kind = schema.kind(field_)
    operator = draw(st.sampled_from([each for each in Operator if each in schema.operators(field_)]))
    if operator in NULL_OPERATORS:
        return Comparison(field_, operator, None)
    literals = _literals(kind, operator, field_.entity)
    if operator in LIST_OPERATORS:
        first = draw(literals)
        alike = literals.filter(lambda other: isinstance(other, str) is isinstance(first, str))
        rest = draw(st.lists(alike, max_size=3))
        return Comparison(field_, operator, (first, *rest))  # type: ignore[arg-type]  # one type, by the filter above
    if operator is Operator.NOT_EQUAL and field_.entity is Entity.TAG and schema.missing_tag_differs:
        operator = Operator.DIFFERS
    return Comparison(field_, operator, draw(literals))


def filters(schema: Schema = RUNS) -> st.SearchStrategy[Filter]:
    """A filter tree of a few levels."""
    leaves: st.SearchStrategy[Filter] = comparisons(schema)

    def grow(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=2, max_size=3).map(tuple)
        return several.map(And) | several.map(Or) | parts.map(Not)

    return st.recursive(leaves, grow, max_leaves=8)


def orders(schema: Schema = RUNS) -> st.SearchStrategy[tuple[OrderBy, ...]]:
    """Up to three sort keys."""
    sortable = fields(schema).filter(lambda each: each.entity is not Entity.DATASET)
    return st.lists(st.builds(OrderBy, sortable, st.booleans()), max_size=3).map(tuple)


@st.composite
def things(draw: st.DrawFn, schema: Schema = RUNS) -> Thing:
    """A row with some of everything."""
    attributes: dict[str, str | float | int | None] = {}
    for attribute in schema.attributes:
        kind = attribute.kind
        values: st.SearchStrategy[str | int] = texts if kind is Kind.TEXT else st.integers(0, 2**53)
        if kind is Kind.WORD:
            values = st.sampled_from(["failed", "running", "finished"])
        attributes[attribute.name] = draw(st.none() | values)
    some = st.dictionaries(keys, texts, max_size=4)
    dataset = st.dictionaries(st.sampled_from(DATASET_KEYS), texts, max_size=3)
    return Thing(
        metrics=draw(st.dictionaries(keys, finite | st.just(float("nan")), max_size=4)),
        params=draw(some),
        tags=draw(some),
        attributes=attributes,
        datasets=draw(st.lists(dataset, max_size=2)),
    )
