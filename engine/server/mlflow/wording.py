"""What is wrong with a filter or an order, in the words that MLflow's users know, with our own and its place behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.query.source import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Schema

_CLAUSE = re.compile(
    r"""(?<![\w.])(?P<key>[\w.]++(?:`[^`]*+`|"[^"]*+")?|`[^`]*+`|"[^"]*+")\s*+
        (?P<operator><=|>=|!=|=|<|>|\bNOT\s+IN\b|\bIN\b|\bI?LIKE\b)\s*+
        (?P<value>'[^']*+'|"[^"]*+"|\([^)]*+\)|[^\s()]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_KINDS = {
    "metrics": "metric", "metric": "metric", "params": "parameter", "param": "parameter", "parameters": "parameter",
    "parameter": "parameter", "tags": "tag", "tag": "tag",
}  # fmt: skip
_VALID_ENTITIES = "['metric', 'parameter', 'tag', 'attribute', 'dataset']"
_SHOWN = 80
_READ = 4_000
"""Characters of a filter that are looked at for words: nobody writes longer ones, and a search must not take long."""


def worded_filter(text: str, error: FilterSyntaxError, schema: Schema) -> InvalidInput:
    """The error for a filter that does not parse.

    Args:
        text: The filter.
        error: What our parser says.
        schema: What was asked.
    """
    column = error.details.get("column")
    place = column - 1 if isinstance(column, int) else 0
    clauses = _CLAUSE.finditer(text) if len(text) <= _READ else ()
    clause = next((found for found in clauses if found.start() <= place < found.end()), None)
    words = _clause_words(clause, error.message, schema) if clause else ""
    if not words:
        words = f"Invalid clause(s) in filter string: '{_cut(text.strip())}'"
    return InvalidInput(f"{words}. {error.message}", details=error.details)


def worded_order(texts: Sequence[str], error: FilterSyntaxError, schema: Schema) -> InvalidInput:
    """The error for an order that does not parse.

    Args:
        texts: The sort keys.
        error: What our parser says.
        schema: What was asked.
    """
    words = ""
    for text in texts:
        first = text.split(maxsplit=1)[0] if text.strip() else ""
        words = words or _unknown(first, schema)
    if not words:
        given = str(error.details.get("text") or " ".join(texts))
        words = f"Invalid ordering key in order_by clause '{_cut(given)}'"
    return InvalidInput(f"{words}. {error.message}", details=error.details)


def _clause_words(clause: re.Match[str], problem: str, schema: Schema) -> str:
    key, value = clause["key"], clause["value"]
    if unknown := _unknown(key, schema):
        return unknown
    kind = _KINDS.get(key.partition(".")[0].lower()) if "." in key else None
    compared = "cannot be compared with" in problem or "expected a number after" in problem
    if kind == "metric" and (compared or "expected a number" in problem):
        return f"Expected numeric value type for metric. Found {_cut(value)}"
    if "expected a quoted text" in problem and kind is not None:
        return f"Expected a quoted string value for {kind} (e.g. 'my-value'). Got value {_cut(value)}"
    if compared:
        return f"Invalid comparator '{clause['operator']}' not one of those that {_cut(key)} takes"
    if "is no time" in problem or "expected a number" in problem:
        return f"Expected numeric value type for numeric attribute: {_cut(key)}. Found {_cut(value)}"
    return ""


def _unknown(key: str, schema: Schema) -> str:
    """For a key that means nothing here: which part of it."""
    prefix, dot, name = key.partition(".")
    if dot and prefix.lower() not in ENTITIES:
        return f"Invalid entity type '{_cut(prefix)}'. Valid values are {_VALID_ENTITIES}"
    if dot and ENTITIES[prefix.lower()].value != "attributes":
        return ""
    name = (name if dot else prefix).strip('`"')
    if schema.attribute(name) is not None:
        return ""
    valid = ", ".join(attribute.name for attribute in schema.attributes)
    return f"Invalid attribute key '{_cut(name)}' specified. Valid keys are '{valid}'"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
