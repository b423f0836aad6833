"""Tables in files: CSV (also gzip) and Parquet, several of them as one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import Conflict
from engine.tables.cutting import CUT_BYTES, cut
from engine.tables.finding import find, kind_of
from engine.tables.heads import csv_head, reading, shown
from engine.tables.memory import family_of_arrow, heads_of
from engine.tables.model import Chunk, ColumnHead, Cut, FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.tables.model import Family


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file was when it was opened.

    Args:
        path: Where it is.
        size_bytes: Its size.
        mtime_ns: When it last changed, in nanoseconds since the epoch.
        inode: Which file it is.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int

    def check(self) -> None:
        """Hold the file to what it was.

        Raises:
            Conflict: it changed.
            OSError: it is gone.
        """
        if stamp_of(Path(self.path)) != self:
            raise Conflict(f"{shown(Path(self.path))} changed while it was read.", hint="Try again once it is whole.")


@dataclass(frozen=True, slots=True)
class FileTable:
    """Files that are read as one table; it is a `Table`.

    Args:
        columns: The columns of all, in the order of their first appearance.
        files: The files.
    """

    columns: tuple[ColumnHead, ...]
    files: tuple[FilePart, ...]

    def partitions(self) -> tuple[FilePart, ...]:
        """Pieces of the files, each of about 32 MB.

        Raises:
            InvalidInput: one is damaged.
            Conflict: one changed since it was opened.
        """
        return tuple(piece for file in self.files for piece in _pieces(file))


@dataclass(frozen=True, slots=True)
class FilePart:
    """A piece of a file, or all of it.

    Args:
        stamp: The file.
        kind: How it is read.
        heads: Its columns.
        cut: The piece.
    """

    stamp: Stamp
    kind: FileKind
    heads: tuple[ColumnHead, ...]
    cut: Cut

    def chunks(self, wanted: Mapping[str, Family] | None = None) -> Iterator[Chunk]:
        """Read it, as the protocol says.

        Raises:
            InvalidInput: it is damaged.
            Conflict: it changed while it was read.
        """
        from engine.tables.pieces import csv_chunks, parquet_chunks

        path = Path(self.stamp.path)
        with reading(path):
            self.stamp.check()
            if self.kind is FileKind.PARQUET:
                yield from parquet_chunks(path, self.heads, self.cut)
            else:
                yield from csv_chunks(path, self.kind, self.heads, self.cut, wanted or {})
            self.stamp.check()


def of_files(named: Sequence[str]) -> FileTable:
    """A table out of files.

    Args:
        named: Files, folders and globs.

    Returns:
        The table; of each file its head is read.

    Raises:
        NotFound: one is not there, or nothing is in it.
        InvalidInput: one is damaged or of no kind that is read.
    """
    files = tuple(_opened(path) for path in find(named))
    heads: dict[str, ColumnHead] = {}
    for file in files:
        for each in file.heads:
            heads.setdefault(each.key, each)
    columns = tuple(
        ColumnHead(each.key, each.name, place, each.family, each.zone) for place, each in enumerate(heads.values())
    )
    return FileTable(columns, files)


def stamp_of(path: Path) -> Stamp:
    """What a file is now.

    Args:
        path: The file.

    Raises:
        OSError: it is not there.
    """
    found = path.stat()
    return Stamp(str(path), found.st_size, found.st_mtime_ns, found.st_ino)


def _opened(path: Path) -> FilePart:
    kind = kind_of(path) or FileKind.CSV
    with reading(path):
        stamp = stamp_of(path)
        if kind is FileKind.PARQUET:
            return FilePart(stamp, kind, *_parquet_head(path))
        head = csv_head(path, kind)
        end = head.end if head.alone else stamp.size_bytes
        return FilePart(stamp, kind, heads_of(head.names), Cut(head.end, end, 1, stamp.size_bytes))


def _parquet_head(path: Path) -> tuple[tuple[ColumnHead, ...], Cut]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as opened:
        schema: Any = opened.schema_arrow
        families = [family_of_arrow(each.type) for each in schema]
        zones = [getattr(each.type, "tz", None) or "" for each in schema]
        groups = opened.metadata.num_row_groups
    return heads_of(schema.names, families, zones), Cut(0, groups, 1, 0)


def _pieces(file: FilePart) -> Iterator[FilePart]:
    path = Path(file.stamp.path)
    with reading(path):
        file.stamp.check()
        if file.kind is FileKind.PARQUET:
            cuts = _row_groups(path)
        elif file.cut.end <= file.cut.start:
            cuts = ()
        elif file.kind is FileKind.GZIP or file.stamp.size_bytes <= CUT_BYTES:
            cuts = (file.cut,)
        else:
            _, cuts = cut(path, file.cut.start)
    for each in cuts:
        yield FilePart(file.stamp, file.kind, file.heads, each)


def _row_groups(path: Path) -> tuple[Cut, ...]:
    """Runs of row groups of about the size of a piece."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as opened:
        told = opened.metadata
        groups = [told.row_group(place) for place in range(told.num_row_groups)]
        sizes = [(group.num_rows, group.total_byte_size) for group in groups]
    found: list[Cut] = []
    start, row = 0, 1
    for place in range(len(sizes)):
        part = sizes[start : place + 1]
        rows, size = sum(each[0] for each in part), sum(each[1] for each in part)
        if size >= CUT_BYTES or place == len(sizes) - 1:
            if rows:
                found.append(Cut(start, place + 1, row, size))
            start, row = place + 1, row + rows
    return tuple(found)
