"""Writes a part: beside its name first, whole and on the disk before it takes its name."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.db.disk import disk_errors
from engine.scoring.model import Format

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

UNFINISHED = ".part"
"""What a part's name ends in while it is written."""

GROUP_ROWS = 131_072
"""Rows of a row group."""


class PartWriter:
    """Writes one part; leaving the context without `finish` removes it.

    Args:
        path: Its name.
        fmt: How it is written.
        schema: Its `pyarrow.Schema`.

    Raises:
        WorkspaceFull: no space is left.
        WorkspaceReadOnly: it may not be written.
        WorkspaceError: the disk failed.
    """

    def __init__(self, path: Path, fmt: Format, schema: Any) -> None:
        self._path = path
        self._schema = schema
        self._beside = path.with_name(path.name + UNFINISHED)
        self._waiting: list[Any] = []
        self._rows = 0
        with disk_errors(self._beside, "the part"):
            self._sink = _Sink(self._beside)
            self._writer = _opened(self._sink, fmt, schema)

    def write(self, batch: Any) -> None:
        """Write rows.

        Args:
            batch: A `pyarrow.RecordBatch` of the schema.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: it may not be written.
            WorkspaceError: the disk failed.
        """
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= GROUP_ROWS:
            self._pour()

    def finish(self) -> tuple[str, int]:
        """Give the part its name.

        Returns:
            Its SHA-256, 64 hex digits, and its size in bytes.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: it may not be written.
            WorkspaceError: the disk failed.
        """
        self._pour()
        with disk_errors(self._beside, "the part"):
            self._writer.close()
            self._sink.sync()
            self._beside.replace(self._path)
        return self._sink.hasher.hexdigest(), self._sink.written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sink.drop()
        with suppress(Exception):  # whatever a library says when it ends early
            self._writer.close()
        self._beside.unlink(missing_ok=True)

    def _pour(self) -> None:
        import pyarrow as pa

        if self._waiting:
            table = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
            self._waiting, self._rows = [], 0
            with disk_errors(self._beside, "the part"):
                self._writer.write_table(table)


def _opened(sink: Any, fmt: Format, schema: Any) -> Any:
    if fmt is Format.CSV:
        from pyarrow import csv

        return csv.CSVWriter(sink, schema)
    from pyarrow import parquet

    return parquet.ParquetWriter(sink, schema, compression="snappy")


class _Sink:
    """A file that knows the digest of what was written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.hasher = sha256()
        self.written = 0
        self._dropped = False

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: Any) -> int:
        if self._dropped:  # a library writes an end even to what nobody wants
            return len(data)
        self._file.write(data)
        self.hasher.update(data)
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Close the file; libraries close what they were given, so that `sync` opens it again."""
        self._file.close()

    def drop(self) -> None:
        """Close the file, and take no more."""
        self._dropped = True
        self._file.close()

    def sync(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            return
        descriptor = os.open(self._file.name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
