"""JSON schemas of what operations take and give, for the OpenAPI document."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union

from engine.core.plain import INTERNAL
from engine.server.native.signatures import Percent, names, spoken

Schema = dict[str, Any]

_PLAIN: Mapping[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]},
    bytes: {"type": "string", "format": "hex"},
    Percent: {"type": "number", "minimum": 0, "maximum": 100, "description": "Percent, with at most one decimal."},
    NoneType: {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
}


class Schemas:
    """Makes schemas, and collects those of dataclasses under their names."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, annotation: Any) -> Schema:
        """The schema of a type as `engine.core.plain` writes it; `{}` where a type says nothing."""
        kind = spoken(annotation)
        try:
            if kind in _PLAIN:
                return dict(_PLAIN[kind])
        except TypeError:  # not hashable, hence none of them
            pass
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self._words(kind)
        if is_dataclass(kind):
            return self._reference(typing.cast("type", kind), {})
        return self._generic(kind)

    def _generic(self, kind: Any) -> Schema:
        origin, members = typing.get_origin(kind), typing.get_args(kind)
        plain: Mapping[Any, Callable[[], Schema]] = {
            Literal: lambda: {"enum": list(members)},
            Union: lambda: {"anyOf": [self.of(member) for member in members]},
            UnionType: lambda: {"anyOf": [self.of(member) for member in members]},
            tuple: lambda: self._tuple(members),
            list: lambda: {"type": "array", "items": self.of(members[0])},
            dict: lambda: {"type": "object", "additionalProperties": self.of(members[1])},
        }
        if origin in plain:
            return plain[origin]()
        if isinstance(origin, type) and is_dataclass(origin):
            variables: Sequence[TypeVar] = getattr(origin, "__parameters__", ())
            return self._reference(origin, dict(zip(variables, members, strict=True)))
        if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "__annotations__"):
            return self._tuple(tuple(typing.get_type_hints(kind, localns=dict(names())).values()))
        return {}

    def _words(self, kind: type[Enum]) -> Schema:
        words = [each.name.lower() if issubclass(kind, IntEnum) else each.value for each in kind]
        return {"type": "string", "enum": words}

    def _tuple(self, members: Sequence[Any]) -> Schema:
        if len(members) == 2 and members[1] is Ellipsis:
            return {"type": "array", "items": self.of(members[0])}
        count = len(members)
        return {
            "type": "array",
            "prefixItems": [self.of(each) for each in members],
            "minItems": count,
            "maxItems": count,
        }

    def _reference(self, kind: type, bound: Mapping[TypeVar, Any]) -> Schema:
        name = kind.__name__ + "".join(_title(each) for each in bound.values())
        if name not in self.components:
            self.components[name] = {}  # a type may hold itself
            self.components[name] = self._object(kind, bound)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: type, bound: Mapping[TypeVar, Any]) -> Schema:
        hints = typing.get_type_hints(kind, localns=dict(names()), include_extras=True)
        shown = [field.name for field in fields(kind) if field.repr and field.name not in INTERNAL]
        members = {name: self.of(_bind(hints[name], bound)) for name in shown}
        summary = (kind.__doc__ or "").split("\n", 1)[0]
        return {"type": "object", "description": summary, "properties": members, "required": shown}


def _bind(annotation: Any, bound: Mapping[TypeVar, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return bound.get(annotation, Any)
    if typing.get_origin(annotation) is tuple:
        return tuple[tuple(_bind(each, bound) for each in typing.get_args(annotation))]  # type: ignore[misc]
    return annotation


def _title(kind: Any) -> str:
    name: str = getattr(kind, "__name__", "Any")
    return f"Of{name[0].upper()}{name[1:]}"
