"""What tables are made of, wherever they come from: columns of one family each, in chunks of rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray


class FileKind(StrEnum):
    """How a file is read."""

    CSV = "csv"
    GZIP = "csv.gz"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a file that is read alone.

    Args:
        start: Its first byte, or row group.
        end: One past its last.
        first_row: The number of its first row in the file, from 1; a header is no row.
        size_bytes: Of the input, for progress.
    """

    start: int
    end: int
    first_row: int
    size_bytes: int


class Family(StrEnum):
    """What the values of a column are as they are stored."""

    FLOAT = "float"
    """float64."""
    INTEGER = "integer"
    """int64."""
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    """int64: microseconds since the epoch; of the wall clock where there is no zone."""
    TEXT = "text"
    """Places in a dictionary of texts."""
    EMPTY = "empty"
    """All values are missing."""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A column of a table.

    Args:
        key: What it is known by: its name; a later one of the same name has ` (2)`, ` (3)` and so on behind it.
        name: Its name as it stands there.
        place: Its place, from 0.
        family: What its values are; `None` where only reading tells (CSV).
        zone: Of timestamps: the zone they are told in; empty for none.
    """

    key: str
    name: str
    place: int
    family: Family | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column in some rows.

    Args:
        family: What they are.
        rows: How many.
        values: Shape (rows - nulls,), those which are missing left out: float64, int64
            (integers, timestamps), bool. Of texts: places in `dictionary`, any integer type. Of `EMPTY`: none.
        nulls: How many are missing. They are not among the values; of floats, NaN may be as well.
        dictionary: Of texts: the texts. The same object in several chunks says that their places mean the same.
        known: Which rows are not missing, shape (rows,); `None` where all are, or none.
    """

    family: Family
    rows: int
    values: NDArray[Any]
    nulls: int = 0
    dictionary: Sequence[str] = ()
    known: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table.

    Args:
        rows: How many.
        columns: By key; a table's column that a part of it lacks is not there.
        damaged: Rows that were left out, since they have more or less values than there are columns.
    """

    rows: int
    columns: Mapping[str, Column]
    damaged: int = 0


class Partition(Protocol):
    """A part of a table that is read alone; can be sent to workers."""

    def chunks(self, wanted: Mapping[str, Family] | None = None) -> Iterator[Chunk]:
        """Read it.

        Args:
            wanted: By key, as what columns shall be read where the source leaves that open (CSV); values that are not
                so come as text, with the rest of their column.

        Returns:
            Its rows in order.

        Raises:
            InvalidInput: it is damaged.
            Conflict: it changed while it was read.
        """
        ...


@runtime_checkable
class Table(Protocol):
    """Columns, in parts."""

    @property
    def columns(self) -> tuple[ColumnHead, ...]:
        """Its columns, in order."""
        ...

    def partitions(self) -> tuple[Partition, ...]:
        """Its parts; they depend on nothing but what is in it."""
        ...
