"""What kind of values the columns of a list have, and those of columns that no filter knew before."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from engine.core.query.schema import Attribute, Kind
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.resources.resource import Shown
    from engine.core.query.evaluator import Stored
    from engine.core.query.schema import Schema

T = TypeVar("T")

_GLYPHS = re.compile(r"[^\w@(\[{'\"./#+-]+")
"""Marks that stand before the words of a cell, such as `✓ `."""

_NOTHING = frozenset({"", "-", "—", "–"})  # noqa: RUF001 - the dashes that cells show for nothing

_KEYED = {"metrics": Kind.NUMBER, "params": Kind.LOGGED, "tags": Kind.LOGGED}


def kind_of(schema: Schema, key: str) -> Kind | None:
    """The kind of what a key of `sort:` names; `None` when the schema has nothing called so."""
    attribute = schema.attribute(key)
    if attribute is not None:
        return attribute.kind
    entity, dot, _ = key.partition(".")
    return _KEYED.get(entity) if dot else None


def sortable(columns: Sequence[Shown[T]], schema: Schema) -> list[Shown[T]]:
    """The columns, each with a key to sort by: where none is given, the attribute or the column called so."""
    return [each if each.sort else replace(each, sort=_key(each, schema)) for each in columns]


def _key(shown: Shown[T], schema: Schema) -> str:
    attribute = schema.attribute(shown.column.name)
    return attribute.name if attribute is not None and shown.value is None else shown.column.name


def extended(schema: Schema, columns: Sequence[Shown[T]]) -> Schema:
    """The schema, with those columns as attributes that it did not know."""
    unknown = [each for each in columns if _is_unknown(each, schema)]
    found = tuple(Attribute(each.column.name, each.kind) for each in unknown)
    return replace(schema, attributes=(*found, *schema.attributes)) if found else schema


def values_of(item: T, columns: Sequence[Shown[T]], schema: Schema, now_ms: int) -> Mapping[str, Stored | None]:
    """What a thing has in the columns that the schema does not know, by name of the column."""
    return {each.column.name: _value(each, item, now_ms) for each in columns if _is_unknown(each, schema)}


def _is_unknown(shown: Shown[T], schema: Schema) -> bool:
    return not shown.sort and (shown.value is not None or schema.attribute(shown.column.name) is None)


def _value(shown: Shown[T], item: T, now_ms: int) -> Stored | None:
    if shown.value is not None:
        return shown.value(item)
    text = clean(shown.cell(item, now_ms)[0]).strip()
    if text in _NOTHING:
        return None
    found = _GLYPHS.match(text)
    return text[found.end() :] if found is not None and found.end() < len(text) else text
