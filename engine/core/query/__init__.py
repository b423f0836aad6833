"""One query language for every list: filters and orders as text, as a typed tree, and as a plain evaluator."""

from engine.core.query.literals import number_of
from engine.core.query.parser import parse_filter, parse_order_by
from engine.core.query.schema import AUDIT, EXPERIMENTS, MODELS, RUNS, VERSIONS, Attribute, Kind, Schema
from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy, Value

__all__ = [
    "AUDIT",
    "EXPERIMENTS",
    "MODELS",
    "RUNS",
    "VERSIONS",
    "And",
    "Attribute",
    "Comparison",
    "Entity",
    "Field",
    "Filter",
    "Kind",
    "Not",
    "Operator",
    "Or",
    "OrderBy",
    "Schema",
    "Value",
    "number_of",
    "parse_filter",
    "parse_order_by",
]
