"""Reads pieces of files in chunks: CSV as what is wanted or as what its first rows look like, else as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.tables.columns import of_arrow
from engine.tables.memory import CHUNK_ROWS
from engine.tables.model import Chunk, Family, FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.tables.model import ColumnHead, Cut

_BLOCK_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 17  # of each column of a Parquet file


def parquet_chunks(path: Path, heads: Sequence[ColumnHead], cut: Cut) -> Iterator[Chunk]:
    """Read row groups.

    Args:
        path: The file.
        heads: Its columns.
        cut: Which row groups.

    Returns:
        Their rows.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as opened:
        for batch in opened.iter_batches(CHUNK_ROWS, list(range(cut.start, cut.end)), use_threads=False):
            yield _chunk(batch, heads)


def csv_chunks(
    path: Path, kind: FileKind, heads: Sequence[ColumnHead], cut: Cut, wanted: Mapping[str, Family]
) -> Iterator[Chunk]:
    """Read records.

    Args:
        path: The file.
        kind: Whether it is compressed.
        heads: Its columns.
        cut: From which byte to which.
        wanted: By key, as what columns shall be read. From a value on that is not so, all comes as text.

    Returns:
        Their rows; records of another width are left out and counted.
    """
    import pyarrow as pa

    types = {str(each.place): _TYPES[wanted[each.key]]() for each in heads if wanted.get(each.key) in _TYPES}
    done = 0
    try:
        for made in _read(path, kind, heads, cut, types):
            yield made
            done += made.rows
    except pa.ArrowInvalid:
        as_text = {str(each.place): _text() for each in heads}
        for made in _read(path, kind, heads, cut, as_text, skipped=done):
            yield made


def _read(
    path: Path, kind: FileKind, heads: Sequence[ColumnHead], cut: Cut, types: Mapping[str, Any], *, skipped: int = 0
) -> Iterator[Chunk]:
    from pyarrow import csv

    refused: list[int] = []

    def note(bad: Any) -> Any:
        refused.append(bad.actual_columns)
        return "skip"

    seen = 0
    with _stream(path, kind, cut) as stream:
        reader = csv.open_csv(
            stream,
            csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=[str(each.place) for each in heads]
            ),
            csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            csv.ConvertOptions(
                column_types=dict(types),
                strings_can_be_null=True,
                auto_dict_encode=True,  # what it does itself needs no functions of Arrow's, which take 40 ms to load
                auto_dict_max_cardinality=_BLOCK_BYTES,
            ),
        )
        for batch in reader:
            over = min(max(0, skipped - seen), batch.num_rows)
            seen += batch.num_rows
            damaged, refused[:] = len(refused), []
            yield _chunk(batch.slice(over), heads, damaged)


def _stream(path: Path, kind: FileKind, cut: Cut) -> Any:
    import pyarrow as pa

    opened = pa.OSFile(str(path), "rb")
    if kind is FileKind.GZIP:
        packed = pa.CompressedInputStream(opened, "gzip")
        packed.read(cut.start)
        return packed
    return opened.get_stream(cut.start, cut.end - cut.start)


def _chunk(batch: Any, heads: Sequence[ColumnHead], damaged: int = 0) -> Chunk:
    columns = {each.key: of_arrow(batch.column(each.place)) for each in heads}
    return Chunk(batch.num_rows, columns, damaged)


def _float64() -> Any:
    import pyarrow as pa

    return pa.float64()


def _int64() -> Any:
    import pyarrow as pa

    return pa.int64()


def _text() -> Any:
    import pyarrow as pa

    return pa.dictionary(pa.int32(), pa.string())


_TYPES = {Family.FLOAT: _float64, Family.INTEGER: _int64, Family.TEXT: _text, Family.BOOLEAN: _text}
