"""What a file says of its columns, held to what the model takes, before anything of it is scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.scoring.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.runtimes.model import Field, Interface

MAX_HEAD_BYTES = 4 << 20
"""The longest header of a CSV file."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Head:
    """The header of a CSV file.

    Args:
        names: The columns' names.
        end: How many bytes it takes with its line end; of what is in the file, when that is compressed.
        alone: Whether nothing comes after it.
    """

    names: tuple[str, ...]
    end: int
    alone: bool


def csv_head(path: Path, kind: FileKind) -> Head:
    """The header of a CSV file.

    Args:
        path: The file.
        kind: Whether it is compressed.

    Returns:
        The header.

    Raises:
        InvalidInput: there is none, or it is not UTF-8.
        OSError: the file cannot be read.
    """
    import csv

    data = _beginning(path, kind)
    end = _record_end(data)
    if end is None:
        raise InvalidInput(f"The first line of {shown(path)} is no header: it is too long.")
    try:
        text = data[:end].decode("utf-8-sig")
        names = tuple(next(csv.reader([text.rstrip("\r\n")], strict=True), ()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{shown(path)} is no CSV file in UTF-8.", hint="Write it so.") from error
    if not names or "\0" in text:
        raise InvalidInput(f"{shown(path)} has no header.", hint="The first line names the columns.")
    return Head(names, end, len(data) < MAX_HEAD_BYTES and not data[end:].strip())


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


def shown(path: Path) -> str:
    """A file as messages name it.

    Args:
        path: The file.
    """
    return clean(str(path), limit=200)


def _fits(field: Field, kind: Any) -> bool:
    from pyarrow import types

    if field.dtype == "str":
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
    return bool(
        types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    ) or bool(types.is_null(kind))


def _beginning(path: Path, kind: FileKind) -> bytes:
    if kind is FileKind.CSV:
        with path.open("rb") as stream:
            return stream.read(MAX_HEAD_BYTES)
    import gzip

    try:
        with gzip.open(path) as packed:
            return packed.read(MAX_HEAD_BYTES)
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InvalidInput(f"{shown(path)} is no whole gzip file.") from error


def _record_end(data: bytes) -> int | None:
    """Where the first record ends, its line end included; `None` when it does not."""
    at = quotes = 0
    while (end := data.find(b"\n", at)) >= 0:
        quotes += data.count(b'"', at, end)
        if quotes % 2 == 0:
            return end + 1
        at = end + 1
    return len(data) if len(data) < MAX_HEAD_BYTES else None


def _name(name: str) -> str:
    return f"'{clean(name, limit=60)}'"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
