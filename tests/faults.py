"""A database connection whose N-th call fails as a dying disk does; for tests that nothing is ever half done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

_CONNECT = sqlite3.connect


class Faults:
    """Counts the statements of every connection it opens, and fails from one on.

    Give `faults.connect` to `Database(connect=…)`. Nothing fails and nothing is counted until `arm` is called.
    """

    def __init__(self) -> None:
        self._armed = False
        self._for_good = False
        self._left = 0
        self.hit = False
        self.failed = ""
        self._factory = _failing(self)

    def arm(self, number: int, *, for_good: bool = False) -> None:
        """Let the `number`-th statement from now fail, from 1; and every later one if `for_good`."""
        self._armed, self._left, self._for_good, self.hit, self.failed = True, number, for_good, False, ""

    def disarm(self) -> None:
        """Let everything succeed again."""
        self._armed = False

    def step(self, sql: str) -> None:
        """Count one statement; `failed` is the first that failed since `arm`.

        Raises:
            sqlite3.OperationalError: its turn to fail.
        """
        if not self._armed:
            return
        self._left -= 1
        if self._left == 0 or (self.hit and self._for_good):
            self.hit, self.failed = True, self.failed or sql
            failure = sqlite3.OperationalError("disk I/O error")
            failure.sqlite_errorcode, failure.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
            raise failure

    def connect(self, *args: Any, **options: Any) -> sqlite3.Connection:
        """Open a connection that fails on demand; the arguments are those of `sqlite3.connect`."""
        made: sqlite3.Connection = _CONNECT(*args, factory=self._factory, **options)
        return made


def _failing(faults: Faults) -> type[sqlite3.Connection]:
    """Connections whose every statement is a step of these faults."""

    class FaultyCursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = (), /) -> FaultyCursor:
            faults.step(sql)
            super().execute(sql, parameters)
            return self

        def executemany(self, sql: str, rows: Iterable[Any], /) -> FaultyCursor:
            faults.step(sql)
            super().executemany(sql, rows)
            return self

    class FaultyConnection(sqlite3.Connection):
        def cursor(self, factory: Any = FaultyCursor) -> Any:
            return super().cursor(factory)

        # Not every Python sends these two through the cursor above.
        def execute(self, sql: str, parameters: Any = (), /) -> Any:
            return self.cursor().execute(sql, parameters)

        def executemany(self, sql: str, rows: Iterable[Any], /) -> Any:
            return self.cursor().executemany(sql, rows)

        def backup(self, target: sqlite3.Connection, **choices: Any) -> None:
            faults.step("backup")
            super().backup(target, **choices)

    return FaultyConnection
