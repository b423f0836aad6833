"""Turns the tables of one connection back, group by group, as statements ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.past import registry_store, serving_store, tables_store, tracking_store, watching_store
from engine.past.named_store import kinds_of
from engine.past.statements import prepared
from engine.past.touched_store import Touched, forget_moment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from engine.past.model import Cut
    from engine.past.touched_store import Kinds


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
        self._runs_size = 0
        self._touched: dict[str, Touched] = {}
        connection.execute("PRAGMA temp_store=FILE")  # what does not fit the cache goes to a file nobody else can open

    def move(self, cut: Cut) -> None:
        """Go to another moment: what was found in the log is kept, and gone on from.

        Args:
            cut: Where the past ends now.

        Raises:
            sqlite3.Error: what was made for the moment before cannot be dropped.
        """
        if cut != self._cut:
            self._cut = cut
            self._done.clear()
            self._writable(lambda: forget_moment(self._connection))

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
        if "tracking" in self._done and tables_store.size(self._connection) != self._runs_size:
            self._writable(self._runs)

    def _turn(self, group: str) -> None:
        if group == "tracking":
            self._writable(self._tracking)
        elif group in _FAMILIES:
            kinds, turn = _FAMILIES[group]
            self._writable(lambda: turn(self._connection, self._cut, self._since(group, kinds)))
        else:
            self._writable(lambda: _TURN[group](self._connection, self._cut))

    def _tracking(self) -> None:
        tracking_store.experiments(self._connection, self._cut)
        self._runs()
        tracking_store.logged(self._connection, self._cut)

    def _runs(self) -> None:
        self._runs_size = tables_store.size(self._connection)
        tracking_store.runs(self._connection, self._cut, self._since("tracking", tracking_store.RUNS))

    def _since(self, group: str, kinds: Kinds) -> Touched:
        """What was touched since the moment."""
        found = self._touched.get(group)
        if found is None:
            found = self._touched[group] = Touched(self._connection, kinds)
        found.move(self._cut, tables_store.size(self._connection))
        return found

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

_FAMILIES: dict[str, tuple[Kinds, Callable[[sqlite3.Connection, Cut, Touched], None]]] = {
    "registry": (kinds_of(registry_store.MODELS), registry_store.registry),
    "prompts": (kinds_of(registry_store.PROMPTS), registry_store.prompts),
}

_TURN: dict[str, Callable[[sqlite3.Connection, Cut], None]] = {
    "judged": registry_store.judged,
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
        self._connection = connection
        self._cut: Cut | None = None
        self.move(cut)

    def ready(self, sql: str) -> str:
        """The statement as it is: nothing more is needed."""
        return sql

    def go_on(self) -> None:
        """What comes later is not shown."""

    def move(self, cut: Cut) -> None:
        """Show what there was at another moment.

        Raises:
            sqlite3.Error: the views cannot be made.
        """
        if cut == self._cut:
            return
        self._cut = cut
        self._connection.execute("PRAGMA query_only=OFF")
        tracking_store.telemetry(self._connection, cut)
        self._connection.execute("PRAGMA query_only=ON")
