"""What a file says of its columns, held to what the model takes, before anything of it is scored."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.tables.heads import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.runtimes.model import Field, Interface

_SHOWN = 20


def check_columns(path: Path, found: Sequence[str], interface: Interface, carried: Sequence[str]) -> None:
    """Hold a file's columns to what is needed of it; what else it has is passed over.

    Args:
        path: The file.
        found: Its columns' names.
        interface: What the model takes.
        carried: Columns that are carried along.

    Raises:
        InvalidInput: one is missing, or is there twice.
    """
    times = Counter(found)
    needed = (*(each.name for each in interface.inputs), *carried)
    missing = [name for name in needed if name not in times]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        names = ", ".join(clean(name, limit=60) for name in missing[:_SHOWN])
        raise InvalidInput(f"{shown(path)} lacks {_count(len(missing), 'column')}: {names}{more}.")
    twice = [name for name in needed if times[name] > 1]
    if twice:
        raise InvalidInput(f"{shown(path)} has the column {clean(twice[0], limit=60)} {times[twice[0]]} times.")


def check_types(path: Path, schema: Any, interface: Interface, carried: Sequence[str]) -> None:
    """Hold the types of a Parquet file's columns to what the model takes.

    Args:
        path: The file.
        schema: Its `pyarrow.Schema`.
        interface: What the model takes.
        carried: Columns that are carried along.

    Raises:
        InvalidInput: one cannot be what the model takes.
    """
    from pyarrow import types

    for each in interface.inputs:
        kind = schema.field(each.name).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if not _fits(each, kind):
            wanted = "text" if each.dtype == "str" else "numbers"
            raise InvalidInput(
                f"The column {_name(each.name)} of {shown(path)} holds {kind}; the model takes {wanted}."
            )
    for name in carried:
        if types.is_nested(schema.field(name).type):
            raise InvalidInput(f"The column {_name(name)} of {shown(path)} is nested and cannot be carried along.")


def _fits(field: Field, kind: Any) -> bool:
    from pyarrow import types

    if field.dtype == "str":
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
    return bool(
        types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    ) or bool(types.is_null(kind))


def _name(name: str) -> str:
    return f"'{clean(name, limit=60)}'"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
