"""One way in: whatever names or holds columns becomes a table."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.tables.model import Table


def open_table(source: Any) -> Table:
    """Open a table.

    Args:
        source: Names of files, folders and globs (one, or several in order); a `pandas.DataFrame`; a `pyarrow.Table` or
            `RecordBatch`; arrays by name; a numpy array of shape (rows, columns), whose columns are named `0`, `1` …

    Returns:
        The table; nothing but heads is read yet.

    Raises:
        NotFound: a file or folder is not there, or nothing is in it.
        InvalidInput: it is none of these, a file is damaged, or columns differ in length.
    """
    if isinstance(source, str | os.PathLike):
        source = [os.fspath(source)]
    if isinstance(source, list | tuple) and source and all(isinstance(each, str | os.PathLike) for each in source):
        from engine.tables.files import of_files

        return of_files([os.fspath(each) for each in source])
    return _in_memory(source)


def _in_memory(source: Any) -> Table:
    from engine.tables import memory

    # Whoever hands over a thing of a library has imported it: nothing is imported to ask.
    pandas, arrow, numpy = (sys.modules.get(each) for each in ("pandas", "pyarrow", "numpy"))
    if isinstance(source, dict):
        return memory.of_mapping(source)
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return memory.of_pandas(source)
    if arrow is not None and isinstance(source, (arrow.Table, arrow.RecordBatch)):
        return memory.of_arrow_table(source)
    if numpy is not None and isinstance(source, numpy.ndarray) and source.ndim == 2:
        return memory.of_mapping({str(place): source[:, place] for place in range(source.shape[1])})
    raise InvalidInput(
        "That is no table.", hint="Name files, or give a DataFrame, an Arrow table or a mapping of names to arrays."
    )
