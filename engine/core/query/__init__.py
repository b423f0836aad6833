"""One query language for every list: filters and orders as text, as a typed tree, and as a plain evaluator.

The shorthand of people (`quick`: `cfg.lr>=1e-3 -note:debug`; its docstring tells all of it), the evaluator and the
writer are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.query.literals import number_of
from engine.core.query.parser import parse_filter, parse_order_by
from engine.core.query.schema import (
    ALERTS,
    AUDIT,
    ENDPOINTS,
    EXPERIMENTS,
    LOGGED_MODELS,
    MODELS,
    PROMPT_VERSIONS,
    PROMPTS,
    RUNS,
    TRACES,
    VERSIONS,
    Attribute,
    Kind,
    Schema,
)
from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy, Value

if TYPE_CHECKING:
    from engine.core.query.evaluator import Row, evaluate, order, sort_key
    from engine.core.query.quick import QuickFilter, Word, parse_quick, parse_quick_order
    from engine.core.query.writer import field_text, unparse, unparse_order_by

__all__ = [
    "ALERTS",
    "AUDIT",
    "ENDPOINTS",
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODELS",
    "PROMPTS",
    "PROMPT_VERSIONS",
    "RUNS",
    "TRACES",
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
    "QuickFilter",
    "Row",
    "Schema",
    "Value",
    "Word",
    "evaluate",
    "field_text",
    "number_of",
    "order",
    "parse_filter",
    "parse_order_by",
    "parse_quick",
    "parse_quick_order",
    "sort_key",
    "unparse",
    "unparse_order_by",
]

_LATE = {
    **dict.fromkeys(("Row", "evaluate", "order", "sort_key"), "evaluator"),
    **dict.fromkeys(("QuickFilter", "Word", "parse_quick", "parse_quick_order"), "quick"),
    **dict.fromkeys(("field_text", "unparse", "unparse_order_by"), "writer"),
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = found
    return found
