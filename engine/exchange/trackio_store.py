"""SQL that reads a trackio project: an SQLite file with one row a step, its numbers as JSON."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TrackioTables:
    """The tables of one project, open for reading only.

    Args:
        path: The file.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def has(self, table: str, *columns: str) -> bool:
        """Whether there is a table with these columns."""
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return set(columns) <= {name for (name,) in rows}

    def runs(self) -> list[tuple[str, int, int]]:
        """Name of every run, how many rows it has, and the number of the last one."""
        sql = "SELECT run_name, count(*), max(id) FROM metrics GROUP BY run_name ORDER BY run_name"
        return self._connection.execute(sql).fetchall()

    def rows(self, run: str) -> Iterator[tuple[Any, Any, Any]]:
        """Time, step and JSON of every row of a run, as they were logged."""
        sql = "SELECT timestamp, step, metrics FROM metrics WHERE run_name = ? ORDER BY id"
        return self._connection.execute(sql, (run,))

    def config(self, run: str) -> tuple[Any, Any] | None:
        """The JSON that a run was begun with, and when; `None` when it has none."""
        if not self.has("configs", "run_name", "config", "created_at"):
            return None
        sql = "SELECT config, created_at FROM configs WHERE run_name = ?"
        found: tuple[Any, Any] | None = self._connection.execute(sql, (run,)).fetchone()
        return found
