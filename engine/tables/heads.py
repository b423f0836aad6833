"""What a CSV file's first line says, how files are named in messages, and what reading may raise turned into ours."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.tables.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_HEAD_BYTES = 4 << 20
"""The longest header of a CSV file."""


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


def shown(path: Path) -> str:
    """A file as messages name it.

    Args:
        path: The file.
    """
    return clean(str(path), limit=200)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what reading a file may raise into ours.

    Args:
        path: The file.

    Raises:
        InvalidInput: it is damaged, or cannot be read.
    """
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        why = clean(str(error), limit=200)
        raise InvalidInput(f"{shown(path)} cannot be read: {why}", hint="It may be damaged or cut short.") from error
    except OSError as error:
        why = clean(error.strerror or str(error), limit=200)
        raise InvalidInput(f"{shown(path)} cannot be read: {why}.") from error


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
