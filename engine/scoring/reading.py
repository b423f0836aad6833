"""Reads a piece of a file in slabs of rows: numbers as float64, texts as objects, what cannot be either named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.scoring.parsing import values_of
from engine.tables import arrow
from engine.tables.heads import csv_head, reading
from engine.tables.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from engine.runtimes.model import Interface
    from engine.scoring.model import InputFile
    from engine.tables.model import Cut

SLAB_ROWS = 16_384
"""Rows that are predicted at once."""

_BLOCK_BYTES = 2 << 20
_BUFFER_BYTES = 1 << 17  # of each column of a Parquet file


@dataclass(frozen=True, slots=True)
class Slab:
    """Some rows of a file, one after the other.

    Args:
        row: The number of the first in the file, from 1.
        size: How many.
        values: By the model's inputs, shape (rows,): float64, or objects for texts.
        carried: Columns that are carried along, `pyarrow` arrays.
        refused: Rows that cannot be read as the model takes them, by their place, and why.
    """

    row: int
    size: int
    values: dict[str, NDArray[Any]]
    carried: list[Any]
    refused: dict[int, str] = field(default_factory=dict)


def slabs(file: InputFile, piece: Cut, interface: Interface, carried: Sequence[str]) -> Iterator[Slab]:
    """Read a piece.

    Args:
        file: Its file.
        piece: The piece.
        interface: What the model takes.
        carried: Columns that are carried along.

    Returns:
        Its rows in order; memory does not depend on how many there are.

    Raises:
        InvalidInput: the file is damaged, or is no longer what it was.
    """
    path = Path(file.path)
    with reading(path):
        if file.kind is FileKind.PARQUET:
            yield from _of_parquet(path, piece, interface, carried)
        else:
            yield from _CsvPiece(file, piece, interface, carried).slabs()


def _of_parquet(path: Path, piece: Cut, interface: Interface, carried: Sequence[str]) -> Iterator[Slab]:
    from pyarrow import parquet

    needed = list(dict.fromkeys((*(each.name for each in interface.inputs), *carried)))
    row = piece.first_row
    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as opened:
        groups = list(range(piece.start, piece.end))
        for batch in opened.iter_batches(SLAB_ROWS, groups, needed, use_threads=False):
            yield _slab(batch, row, interface, carried)
            row += batch.num_rows


def _slab(batch: Any, row: int, interface: Interface, carried: Sequence[str]) -> Slab:
    refused: dict[int, str] = {}
    values = {each.name: values_of(each, batch.column(each.name), refused) for each in interface.inputs}
    return Slab(row, batch.num_rows, values, [batch.column(name) for name in carried], refused)


class _CsvPiece:
    """Reads a piece of a CSV file: in the types of the model as long as that goes, then as text.

    Columns are known by their places, since their names may be anything.
    """

    def __init__(self, file: InputFile, piece: Cut, interface: Interface, carried: Sequence[str]) -> None:
        self._file = file
        self._piece = piece
        self._interface = interface
        self._carried = carried
        self._head = csv_head(Path(file.path), file.kind)
        self._places = {name: str(place) for place, name in enumerate(self._head.names)}

    def slabs(self) -> Iterator[Slab]:
        """The rows, in order."""
        import pyarrow as pa

        done = 0
        try:
            for made in self._read(typed=True):
                done += made.size
                yield from _bounded(made)
        except pa.ArrowInvalid:
            yield from self._again(done)

    def _again(self, done: int) -> Iterator[Slab]:
        """Read what is left as text, to find out which values are not what the model takes."""
        seen = 0
        for made in self._read(typed=False):
            over = max(0, done - seen)
            seen += made.size
            if over < made.size:
                yield from _bounded(_cut(made, over, made.size))

    def _read(self, *, typed: bool) -> Iterator[Slab]:
        done = 0
        for batch, ragged in self._batches(typed=typed):
            refused = dict(ragged)
            values = {
                each.name: values_of(each, batch.column(self._places[each.name]), refused)
                for each in self._interface.inputs
            }
            carried = [batch.column(self._places[name]) for name in self._carried]
            yield Slab(self._piece.first_row + done, batch.num_rows, values, carried, refused)
            done += batch.num_rows

    def _batches(self, *, typed: bool) -> Iterator[tuple[Any, dict[int, str]]]:
        """Batches in which records of another width are rows of nulls, and those rows by their places."""
        import pyarrow as pa
        from pyarrow import csv

        ragged: dict[int, str] = {}

        def note(bad: Any) -> Any:
            ragged[bad.number - 1] = f"has {bad.actual_columns} values; there are {bad.expected_columns} columns"
            return "skip"

        with self._stream() as stream:
            types = self._types(typed=typed)
            reader = csv.open_csv(
                stream,
                csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    column_names=[str(place) for place in range(len(self._head.names))],
                ),
                csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
                csv.ConvertOptions(column_types=types, include_columns=list(types), strings_can_be_null=False),
            )
            done = 0
            for batch in reader:
                widened, gaps = _with_gaps(batch, ragged, done)
                yield widened, gaps
                done += widened.num_rows
            left = sorted(each for each in ragged if each >= done)
            if left:
                nothing = arrow.places([None] * len(left))
                rows = pa.RecordBatch.from_arrays(
                    [pa.nulls(1, each.type) for each in reader.schema], schema=reader.schema
                )
                yield rows.take(nothing), {place: ragged[each] for place, each in enumerate(left)}

    def _stream(self) -> Any:
        import pyarrow as pa

        if self._file.kind is FileKind.GZIP:
            packed = pa.CompressedInputStream(pa.OSFile(self._file.path, "rb"), "gzip")
            packed.read(self._head.end)
            return packed
        opened = pa.OSFile(self._file.path, "rb")
        return opened.get_stream(self._piece.start, self._piece.end - self._piece.start)

    def _types(self, *, typed: bool) -> dict[str, Any]:
        """The type of each column that is read, by its place."""
        import pyarrow as pa

        plainly = {"bool": pa.bool_(), "str": pa.string()}
        types = {
            self._places[each.name]: plainly.get(each.dtype, pa.float64()) if typed else pa.binary()
            for each in self._interface.inputs
        }
        for name in self._carried:
            types.setdefault(self._places[name], pa.string() if typed else pa.binary())
        return types


def _with_gaps(batch: Any, ragged: dict[int, str], done: int) -> tuple[Any, dict[int, str]]:
    """A batch with a row of nulls wherever a record was left out, and the places of those rows."""
    end = done + batch.num_rows
    gaps: list[int] = []
    for number in sorted(each for each in ragged if each >= done):
        if number >= end:
            break
        gaps.append(number)
        end += 1
    if not gaps:
        return batch, {}
    left_out = set(gaps)
    rows = iter(range(batch.num_rows))
    taken = [None if number in left_out else next(rows) for number in range(done, end)]
    return batch.take(arrow.places(taken)), {number - done: ragged[number] for number in gaps}


def _bounded(slab: Slab) -> Iterator[Slab]:
    """A slab in pieces of so many rows as are predicted at once."""
    if slab.size <= SLAB_ROWS:
        yield slab
        return
    for start in range(0, slab.size, SLAB_ROWS):
        yield _cut(slab, start, min(start + SLAB_ROWS, slab.size))


def _cut(slab: Slab, start: int, end: int) -> Slab:
    return Slab(
        slab.row + start,
        end - start,
        {name: values[start:end] for name, values in slab.values.items()},
        [each.slice(start, end - start) for each in slab.carried],
        {place - start: why for place, why in slab.refused.items() if start <= place < end},
    )
