"""The unit of work: statements, events and audit records that are kept together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from engine.core.access import Actor

RING_SIZE = 20_000
"""Events kept; a live screen that was away for longer re-reads everything it shows."""

_TRIM_EVERY = 1_000

Memory: TypeAlias = "dict[str, dict[str, Any]]"
"""What transactions have learned, by what it is about."""

Kept: TypeAlias = "dict[Any, Any]"
"""What was made of a view, by what made it."""

Told: TypeAlias = "tuple[str, str, str, int | None]"
"""kind, change, key and row id of an event."""


class Snapshot:
    """A consistent view for reading: every statement inside sees the same instant.

    Args:
        connection: A connection with an open read transaction.
        kept: What earlier readers have made of exactly this view: it is empty whenever anybody has written. Stores may
            keep there what takes long to make again; `None` when nothing is kept.
    """

    __slots__ = ("_connection", "kept")

    def __init__(self, connection: sqlite3.Connection, kept: Kept | None = None) -> None:
        self._connection = connection
        self.kept = kept

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement.

        Args:
            sql: The statement, with `?` for every value.
            parameters: The values.

        Returns:
            The cursor over its rows.

        Raises:
            InvalidInput: a value is a text or a number that SQLite cannot hold.
            sqlite3.Error: the statement failed.
        """
        try:
            return self._connection.execute(sql, parameters)
        except (UnicodeEncodeError, OverflowError) as error:
            raise _not_storable(error) from error


class Transaction(Snapshot):
    """An open write transaction of one actor.

    Args:
        connection: The writer, inside `BEGIN IMMEDIATE`.
        actor: Who acts; goes into the audit log.
        now_ms: The time of everything written here, in milliseconds since the epoch.
        memory: What earlier transactions have learned of the database and still holds: it is empty whenever something
            was undone, or anybody else has written. Stores may keep there what costs them a look-up each time.
        told: Events that the group this transaction is a part of holds already: the same are not told again, for they
            become visible together.
    """

    __slots__ = ("_events", "_told", "actor", "memory", "now_ms")

    def __init__(
        self,
        connection: sqlite3.Connection,
        actor: Actor,
        now_ms: int,
        memory: Memory | None = None,
        told: set[Told] | None = None,
    ) -> None:
        super().__init__(connection)
        self.actor = actor
        self.now_ms = now_ms
        self.memory = {} if memory is None else memory
        self._told = told
        self._events: list[Told] = []

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for every row.

        Args:
            sql: The statement, with `?` for every value.
            rows: Tuples of values.

        Returns:
            The cursor; its `rowcount` is the number of rows changed.

        Raises:
            InvalidInput: a value is a text or a number that SQLite cannot hold.
            sqlite3.Error: the statement failed.
        """
        try:
            return self._connection.executemany(sql, rows)
        except (UnicodeEncodeError, OverflowError) as error:
            raise _not_storable(error) from error

    def emit(self, *, kind: str, change: str, key: str, row_id: int | None = None) -> None:
        """Tell live readers that something changed, once this transaction is kept.

        Args:
            kind: The kind of thing, such as `run`.
            change: What happened to it, such as `logged`.
            key: Its public name.
            row_id: Its integer key where tables use one.
        """
        event = (kind, change, key, row_id)
        if self._told is None:
            self._events.append(event)
        elif event not in self._told:
            self._told.add(event)
            self._events.append(event)

    def flush_events(self) -> None:
        """Write the collected events into the ring; called once, before the commit."""
        if not self._events:
            return
        cursor = self._connection.cursor()
        insert = "INSERT INTO event (time_ms, kind, change, key, row_id) VALUES (?, ?, ?, ?, ?)"
        first = None
        for event in self._events:
            last = cursor.execute(insert, (self.now_ms, *event)).lastrowid or 0
            first = last if first is None else first
        if first is not None and last // _TRIM_EVERY != (first - 1) // _TRIM_EVERY:
            cursor.execute("DELETE FROM event WHERE id <= ?", (last - RING_SIZE,))


def _not_storable(error: Exception) -> InvalidInput:
    """A name nobody checked, an altered page token: here every one of them passes, so here none becomes a crash."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("A text given is not valid Unicode, so nothing has that name.", hint="Give it as UTF-8.")
    return InvalidInput("A number given does not fit 64 bits.", hint="Give a smaller one.")
