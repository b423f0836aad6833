"""Values of the types that routes take: what a request would say if it were right."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import Any, Literal, Union

import msgspec

from engine.server.native.signatures import names
from tests.bench.fuzz.words import BY_FIELD, NUMBERS, Words

Maker = Callable[[Words], Any]

_ARRAYS = (list, tuple, frozenset, set, Sequence, Collection, Iterable)
_NUMBERED = ("request_id", "experiment", "experiment_ids")
"""Fields that hold a number in one place and a word in another."""

_SAID, _SAID_CALM = 0.7, 0.92
"""How often a field that may be absent is said."""
_DEEPEST = 6


def maker(kind: Any, field: str = "", depth: int = 0) -> Maker:
    """How values of a type are made.

    Args:
        kind: A type as msgspec and dataclasses annotate it.
        field: The field that holds it; its name says what text is right.
        depth: How deep it stands.

    Returns:
        A function that draws one.
    """
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        makers = [maker(each, field, depth) for each in members if each not in (msgspec.UnsetType, type(None))]
        return lambda words: (words.rng.choice(makers) if words.calm or words.rng.random() < _SAID else _none)(words)
    if origin in _ARRAYS:
        return _array(members, field, depth)
    if origin in (dict, Mapping):
        value = maker(members[1], "", depth)
        return lambda words: {str(BY_FIELD["key"](words)): value(words) for _ in range(words.rng.randrange(4))}
    if origin is Literal:
        return lambda words: words.pick(members)
    return _plain(kind, field, depth)


def _array(members: tuple[Any, ...], field: str, depth: int) -> Maker:
    if len(members) > 1 and members[1] is not Ellipsis:
        each = [maker(member, field, depth) for member in members]
        return lambda words: [one(words) for one in each]
    item = maker(members[0], field, depth) if members else _any
    return lambda words: [item(words) for _ in range(words.rng.choice((0, 1, 1, 2, 5)))]


def _plain(kind: Any, field: str, depth: int) -> Maker:
    if isinstance(kind, type) and issubclass(kind, Enum):
        said = tuple(each.name.lower() if issubclass(kind, IntEnum) else each.value for each in kind)
        return lambda words: words.pick(said)
    if isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or is_dataclass(kind)):
        return _object(kind, depth)
    if kind is int and field in _NUMBERED:
        return lambda words: words.pick((0, 1, 2))
    if field in BY_FIELD:
        return BY_FIELD[field]
    return _SCALARS.get(kind, _any)


def _object(kind: type, depth: int) -> Maker:
    if depth > _DEEPEST:
        return lambda _: {}
    members = [(name, maker(each, name, depth + 1), required) for name, each, required in _members(kind)]

    def made(words: Words) -> dict[str, Any]:
        said = _SAID_CALM if words.calm else _SAID
        return {name: make(words) for name, make, required in members if required or words.rng.random() < said}

    return made


def _members(kind: type) -> list[tuple[str, Any, bool]]:
    if issubclass(kind, msgspec.Struct):
        return [(each.encode_name, each.type, each.required) for each in msgspec.structs.fields(kind)]
    hints = typing.get_type_hints(kind, localns=dict(names()))
    return [(field.name, hints[field.name], True) for field in fields(typing.cast("Any", kind))]


def _none(_: Words) -> None:
    return None


def _any(words: Words) -> Any:
    return words.pick((None, True, words.text(), words.number(), [words.number()], {"k": words.text()}, [], {}))


_SCALARS: Mapping[Any, Maker] = {
    str: Words.text,
    int: Words.number,
    float: lambda words: words.rng.uniform(-1, 1) if words.calm or words.rng.random() < 0.6 else words.pick(NUMBERS),
    bool: lambda words: words.pick((True, False) if words.calm else (True, False, "true", 1, "nope")),
    bytes: lambda words: words.pick(("00", "ff" * 32) if words.calm else ("zz", "", "0")),
    type(None): _none,
}
