"""What a value of the engine is in JSON: the one shape of every `--json` answer and of the HTTP API."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, IntEnum
from functools import cache
from typing import Any

from engine.core.percent import percent_of

INTERNAL = frozenset(("row_id",))
"""Fields that no reader outside sees: integer keys of rows."""


def plain(value: object) -> Any:
    """Turn a value into what JSON can say; the documented shape of every answer for programs.

    Dataclasses become objects with their fields' names (integer keys of rows are left out), tuples become arrays,
    enumerations their words (roles their labels), bytes hex digits, shares in 0.1 % percentages; NaN and the
    infinities become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.

    Args:
        value: Any value of the engine's models.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and `None`.
    """
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return _plain_nested(value)


def _plain_nested(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    kind: Any = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        return {name: write(getattr(value, name)) for name, write in _shown(kind).items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


@cache
def _shown(kind: type) -> Mapping[str, Callable[[Any], Any]]:
    """The fields of a dataclass that a reader outside sees, each with what writes it."""
    fields: Mapping[str, Any] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    shown = {name: field for name, field in fields.items() if field.repr and name not in INTERNAL}
    return {name: _percent if "Permille" in str(field.type) else plain for name, field in shown.items()}


def _percent(value: int | Mapping[Any, int]) -> Any:
    if isinstance(value, Mapping):
        return {str(plain(key)): percent_of(share) for key, share in value.items()}
    return percent_of(value)
