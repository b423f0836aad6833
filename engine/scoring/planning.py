"""What a run will do: every file looked at once, held to the model, and cut into parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.scoring.heads import check_columns, check_types
from engine.scoring.model import InputFile, Part
from engine.tables.cutting import CUT_BYTES, cut, digest_of
from engine.tables.finding import kind_of
from engine.tables.heads import csv_head, reading, shown
from engine.tables.model import Cut, FileKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.runtimes.model import Interface
    from engine.scoring.model import Format


@dataclass(frozen=True, slots=True)
class Look:
    """One file to look at; goes to workers.

    Args:
        path: The file.
        interface: What the model takes.
        carried: Columns that are carried along.
    """

    path: str
    interface: Interface
    carried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that can be scored.

    Args:
        file: The file.
        cuts: Its pieces; none when it has no rows.
    """

    file: InputFile
    cuts: tuple[Cut, ...]


def look(asked: Look) -> Seen:
    """Look at a file: its columns, its digest, where it can be cut.

    Args:
        asked: The file, and what is needed of it.

    Returns:
        The file and its pieces.

    Raises:
        InvalidInput: it cannot be read, or cannot be what the model takes.
    """
    path = Path(asked.path)
    kind = kind_of(path)
    with reading(path):
        before = path.stat()
        if kind is FileKind.PARQUET:
            cuts = _row_groups(path, asked)
            digest = digest_of(path)
        else:
            head = csv_head(path, kind or FileKind.CSV)
            check_columns(path, head.names, asked.interface, asked.carried)
            if kind is FileKind.GZIP:
                digest = digest_of(path)
                cuts = () if head.alone else (Cut(0, before.st_size, 1, before.st_size),)
            else:
                digest, cuts = cut(path, head.end)
        found = InputFile(asked.path, kind or FileKind.CSV, before.st_size, before.st_mtime_ns, digest)
        check_unchanged(found)
    return Seen(found, cuts)


def check_unchanged(file: InputFile) -> None:
    """Hold a file to what it was.

    Args:
        file: What it was.

    Raises:
        InvalidInput: its size or time of change is another.
        OSError: it is gone.
    """
    now = Path(file.path).stat()
    if (now.st_size, now.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
        raise InvalidInput(
            f"{shown(Path(file.path))} has changed while it was scored.", hint="Begin anew, with --restart."
        )


def same_as(file: InputFile) -> InputFile | None:
    """A file as it is now, if its bytes are the same; they are read only when its size or time says otherwise.

    Args:
        file: What it was.

    Returns:
        The file; `None` when it is another, or gone.

    Raises:
        InvalidInput: it cannot be read.
    """
    path = Path(file.path)
    with reading(path):
        now = path.stat()
        if now.st_mtime_ns == file.mtime_ns and now.st_size == file.size_bytes:
            return file
        if now.st_size != file.size_bytes or digest_of(path) != file.digest:
            return None
    return replace(file, mtime_ns=now.st_mtime_ns)


def parts_of(seen: Iterable[Seen], fmt: Format) -> tuple[Part, ...]:
    """The parts of a run, named in order.

    Args:
        seen: The files, in order.
        fmt: Of the parts.
    """
    pieces = [(place, each) for place, one in enumerate(seen) for each in one.cuts]
    return tuple(Part(f"part-{number:05d}.{fmt.value}", place, each) for number, (place, each) in enumerate(pieces, 1))


def _row_groups(path: Path, asked: Look) -> tuple[Cut, ...]:
    """Runs of row groups of about the size of a piece."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as opened:
        schema = opened.schema_arrow
        check_columns(path, schema.names, asked.interface, asked.carried)
        check_types(path, schema, asked.interface, asked.carried)
        told = opened.metadata
        groups = [told.row_group(place) for place in range(told.num_row_groups)]
        sizes = [(group.num_rows, group.total_byte_size) for group in groups]
    found: list[Cut] = []
    start = rows = size = 0
    row = 1
    for place, (more_rows, more_bytes) in enumerate(sizes):
        rows, size = rows + more_rows, size + more_bytes
        if size >= CUT_BYTES or place == len(sizes) - 1:
            if rows:
                found.append(Cut(start, place + 1, row, size))
            start, row, rows, size = place + 1, row + rows, 0, 0
    return tuple(found)
