"""Tables that are in memory: Arrow's, pandas' and arrays of numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.tables.columns import of_arrow, of_numpy, texts_of
from engine.tables.model import Chunk, Column, ColumnHead, Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHUNK_ROWS = 1 << 17
"""Most rows of a chunk: what is made of them while they are looked at stays small."""

PARTITION_ROWS = 1 << 20
"""Rows that one worker takes at once."""


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """Columns in memory; it is a `Table`.

    Args:
        columns: Its columns, in order.
        data: What each holds: an array of numpy, or a `pyarrow` array or chunked array.
        rows: How many rows they all have.
    """

    columns: tuple[ColumnHead, ...]
    data: tuple[Any, ...]
    rows: int

    def partitions(self) -> tuple[MemoryPartition, ...]:
        """Ranges of rows."""
        keys = tuple(each.key for each in self.columns)
        return tuple(
            MemoryPartition(keys, tuple(_cut(each, start, start + PARTITION_ROWS) for each in self.data))
            for start in range(0, self.rows, PARTITION_ROWS)
        )


@dataclass(frozen=True, slots=True)
class MemoryPartition:
    """Some rows of a table in memory.

    Args:
        keys: Of its columns.
        data: What they hold.
    """

    keys: tuple[str, ...]
    data: tuple[Any, ...]

    def chunks(self, wanted: Mapping[str, Family] | None = None) -> Iterator[Chunk]:  # noqa: ARG002 types are there
        """Read it, as the protocol says."""
        readers = [_reader(each) for each in self.data]
        rows = len(self.data[0]) if self.data else 0
        for start in range(0, rows, CHUNK_ROWS):
            end = min(start + CHUNK_ROWS, rows)
            yield Chunk(end - start, {key: read(start, end) for key, read in zip(self.keys, readers, strict=True)})


def of_mapping(named: Mapping[str, Any]) -> MemoryTable:
    """A table out of arrays.

    Args:
        named: Arrays of one length by name: numpy's, or anything that it takes.

    Returns:
        The table.

    Raises:
        InvalidInput: they differ in length, or are not of one dimension.
    """
    import numpy as np

    data = tuple(each if isinstance(each, np.ndarray) else np.asarray(each, object) for each in named.values())
    if any(each.ndim != 1 for each in data) or len({len(each) for each in data}) > 1:
        raise InvalidInput("The columns differ in length.", hint="Give arrays of one dimension and one length.")
    heads = heads_of([str(each) for each in named], [_family_of_numpy(each) for each in data])
    return MemoryTable(heads, data, len(data[0]) if data else 0)


def of_arrow_table(table: Any) -> MemoryTable:
    """A table out of Arrow's.

    Args:
        table: A `pyarrow.Table` or `RecordBatch`.
    """
    families = [family_of_arrow(each.type) for each in table.schema]
    zones = [getattr(each.type, "tz", None) or "" for each in table.schema]
    return MemoryTable(heads_of(table.schema.names, families, zones), tuple(table.columns), table.num_rows)


def of_pandas(frame: Any) -> MemoryTable:
    """A table out of pandas'.

    Args:
        frame: A `DataFrame`; its index is passed over.
    """
    data = tuple(_of_series(frame.iloc[:, place]) for place in range(frame.shape[1]))
    families = [family_of_arrow(each.type) if hasattr(each, "type") else _family_of_numpy(each) for each in data]
    zones = [str(getattr(each, "tz", None) or "") for each in frame.dtypes]
    return MemoryTable(heads_of([str(each) for each in frame.columns], families, zones), data, len(frame))


def heads_of(
    names: Sequence[str], families: Sequence[Family | None] = (), zones: Sequence[str] = ()
) -> tuple[ColumnHead, ...]:
    """The heads of columns, each with a key of its own.

    Args:
        names: Their names; may be there several times.
        families: What their values are; nothing where only reading tells.
        zones: The zones of timestamps; nothing for none.
    """
    taken: dict[str, None] = {}
    known = set(names)
    for name in names:
        key, number = name, 1
        while key in taken or (number > 1 and key in known):
            number += 1
            key = f"{name} ({number})"
        taken[key] = None
    return tuple(
        ColumnHead(key, name, place, families[place] if families else None, zones[place] if zones else "")
        for place, (key, name) in enumerate(zip(taken, names, strict=True))
    )


def family_of_arrow(kind: Any) -> Family:
    """The family of the values of a type.

    Args:
        kind: A `pyarrow.DataType`.
    """
    from pyarrow import types

    asked = (
        (types.is_null, Family.EMPTY),
        (types.is_boolean, Family.BOOLEAN),
        (types.is_integer, Family.INTEGER),
        (types.is_time, Family.INTEGER),
        (types.is_duration, Family.INTEGER),
        (types.is_floating, Family.FLOAT),
        (types.is_decimal, Family.FLOAT),
        (types.is_timestamp, Family.TIMESTAMP),
        (types.is_date, Family.TIMESTAMP),
    )
    return next((family for fits, family in asked if fits(kind)), Family.TEXT)


class _Reader:
    """Reads ranges of rows of an Arrow column; chunks with one dictionary share one list of its texts."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._dictionary: Any = None
        self._texts: Sequence[str] = ()

    def __call__(self, start: int, end: int) -> Column:
        import pyarrow as pa

        part = self._data.slice(start, end - start)
        if isinstance(part, pa.ChunkedArray):
            part = _one(part)
        if not pa.types.is_dictionary(part.type) or not pa.types.is_string(part.type.value_type):
            return of_arrow(part)
        return self._coded(part)

    def _coded(self, part: Any) -> Column:
        column = part.dictionary
        if column.null_count:
            return of_arrow(part)
        if self._dictionary is None or not self._dictionary.equals(column):
            self._dictionary, self._texts = column, texts_of(column)
        found = of_arrow(part.indices)
        if found.family is Family.EMPTY:
            return found
        return Column(Family.TEXT, found.rows, found.values, found.nulls, self._texts, found.known)


def _reader(data: Any) -> Any:
    import numpy as np

    if isinstance(data, np.ndarray):
        return lambda start, end: of_numpy(data[start:end])
    return _Reader(data)


def _one(chunked: Any) -> Any:
    if chunked.num_chunks == 1:
        return chunked.chunk(0)
    import pyarrow as pa

    return pa.concat_arrays(chunked.unify_dictionaries().chunks)


def _cut(data: Any, start: int, end: int) -> Any:
    import numpy as np

    return data[start:end] if isinstance(data, np.ndarray) else data.slice(start, end - start)


def _of_series(series: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    kind = series.dtype
    if isinstance(kind, np.dtype) and kind.kind != "O":
        return series.to_numpy()
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return series.to_numpy(dtype=object)


def _family_of_numpy(values: Any) -> Family | None:
    kinds = {"b": Family.BOOLEAN, "i": Family.INTEGER, "u": Family.INTEGER, "f": Family.FLOAT, "M": Family.TIMESTAMP}
    return kinds.get(values.dtype.kind)
