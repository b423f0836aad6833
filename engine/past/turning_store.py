"""Turns the tables of one connection back, group by group, as statements ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.past import registry_store, serving_store, tables_store, tracking_store, watching_store
from engine.past.statements import prepared

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from engine.past.model import Cut


class Turning:
    """What has been turned back on one connection.

    Args:
        connection: A reader; its temporary tables stand before those of the file.
        cut: Where the past ends.
    """

    def __init__(self, connection: sqlite3.Connection, cut: Cut) -> None:
        self._connection = connection
        self._cut = cut
        self._done: set[str] = set()
        self._runs_upto = cut.seq

    def ready(self, sql: str) -> str:
        """Turn the tables back that a statement is about to read, unless they have been.

        Args:
            sql: The statement.

        Returns:
            The statement to run.

        Raises:
            sqlite3.Error: they cannot be read.
        """
        text, groups = prepared(sql)
        self._need(groups)
        return text

    def _need(self, groups: Iterable[str]) -> None:
        for group in groups:
            if group not in self._done:
                self._done.add(group)
                for first in _AFTER.get(group, ()):
                    self._need((first,))
                self._turn(group)

    def go_on(self) -> None:
        """Turn back what has happened since, where the tables of the present are shown with what was before.

        Copies need none of it: they do not follow the present.

        Raises:
            sqlite3.Error: they cannot be read.
        """
        if "tracking" not in self._done:
            return
        size = tables_store.size(self._connection)
        if size != self._runs_upto:
            self._writable(lambda: tracking_store.runs(self._connection, self._cut, self._runs_upto, size))
            self._runs_upto = size

    def _turn(self, group: str) -> None:
        if group == "tracking":
            self._writable(self._tracking)
        else:
            self._writable(lambda: _TURN[group](self._connection, self._cut))

    def _tracking(self) -> None:
        size = tables_store.size(self._connection)
        tracking_store.experiments(self._connection, self._cut)
        tracking_store.runs(self._connection, self._cut, self._cut.seq, size)
        tracking_store.logged(self._connection, self._cut)
        self._runs_upto = size

    def _writable(self, work: Callable[[], None]) -> None:
        """Let temporary tables be written meanwhile; the file was opened to be read only."""
        self._connection.execute("PRAGMA query_only=OFF")
        try:
            work()
        finally:
            self._connection.execute("PRAGMA query_only=ON")


def _audit(connection: sqlite3.Connection, cut: Cut) -> None:
    tables_store.show(connection, "audit", f"SELECT * FROM main.audit WHERE seq <= {cut.seq:d}")


_AFTER = {"endpoints": ("registry",), "judged": ("registry",)}

_TURN: dict[str, Callable[[sqlite3.Connection, Cut], None]] = {
    "registry": registry_store.registry,
    "judged": registry_store.judged,
    "prompts": registry_store.prompts,
    "endpoints": serving_store.endpoints,
    "external": serving_store.external,
    "alerts": watching_store.alerts,
    "monitors": watching_store.monitors,
    "access": watching_store.access,
    "traces": tracking_store.traces,
    "audit": _audit,
}


class TelemetryTurning:
    """The tables of the telemetry database: all of them carry their times, so that views turn them back.

    Args:
        connection: A reader.
        cut: Where the past ends.
    """

    def __init__(self, connection: sqlite3.Connection, cut: Cut) -> None:
        connection.execute("PRAGMA query_only=OFF")
        tracking_store.telemetry(connection, cut)
        connection.execute("PRAGMA query_only=ON")

    def ready(self, sql: str) -> str:
        """The statement as it is: nothing more is needed."""
        return sql

    def go_on(self) -> None:
        """What comes later is not shown."""
