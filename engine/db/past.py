"""A database as it was at a moment: the same services read it, and nobody can write it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

from engine.core.errors import ReadOnlyMode
from engine.core.patience import held
from engine.db.connection import roll_back, translated
from engine.db.database import Database
from engine.db.forking import in_use
from engine.db.pool import Pool
from engine.db.transaction import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from engine.core.access import Actor
    from engine.db.connection import FileIdentity
    from engine.db.transaction import Transaction


class Cut(Protocol):
    """Where a past ends."""

    @property
    def time_ms(self) -> int:
        """The time, in milliseconds since the epoch."""


CutT = TypeVar("CutT", bound=Cut)


class Turned(Protocol):
    """What has been turned back on one connection."""

    def ready(self, sql: str) -> str:
        """Turn the tables back that a statement is about to read, unless they have been; the statement to run."""

    def go_on(self) -> None:
        """Turn back what has happened since."""

    def move(self, cut: Any) -> None:
        """Go to another end of the past, with what is known already."""


class Readers:
    """Readers of a file's past, with what was turned back on each: a step to another moment begins where one stands.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.pool = Pool(path, connect=sqlite3.connect)
        self._turned: dict[sqlite3.Connection, Turned] = {}
        self._identity: FileIdentity | None = None
        self._guard = threading.Lock()

    def use(self, identity: FileIdentity | None) -> None:
        """Read this file from now on; readers of one whose place it has taken are let go.

        Args:
            identity: What tells the file from others.
        """
        with self._guard:
            replaced, self._identity = self._identity not in (None, identity), identity
        if replaced:
            self.pool.let_go()

    def turned(
        self, reader: sqlite3.Connection, cut: CutT, turn: Callable[[sqlite3.Connection, CutT], Turned]
    ) -> Turned:
        """What was turned back on a reader, up to a cut.

        Args:
            reader: A reader that was lent.
            cut: Where the past ends.
            turn: Makes what turns the tables of a new reader back.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        with self._guard:
            found = self._turned.get(reader)
            if found is None:
                self._turned = {each: done for each, done in self._turned.items() if _is_open(each)}
                found = self._turned[reader] = turn(reader, cut)
        found.move(cut)
        found.go_on()
        return found

    def forget(self, reader: sqlite3.Connection) -> None:
        """Give up what was turned back on a reader: half of it may have been."""
        with self._guard:
            self._turned.pop(reader, None)

    def close(self) -> None:
        """Close the readers that are not in use, and those in use once they are given back."""
        self.pool.let_go()


class PastSnapshot(Snapshot):
    """A view in which every table that a statement names has been turned back before it runs.

    Args:
        connection: A connection with an open read transaction.
        turning: Turns the tables of this connection back.
    """

    __slots__ = ("_turning",)

    def __init__(self, connection: sqlite3.Connection, turning: Turned) -> None:
        super().__init__(connection)
        self._turning = turning

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement on the past, as `Snapshot.execute` does on the present; raises what that does."""
        return super().execute(self._turning.ready(sql), parameters)


class PastDatabase(Database, Generic[CutT]):
    """A database as it was; the file itself is only read.

    What was turned back is kept by connection, so that the next reading of the same moment costs nothing more, and
    one of a moment nearby little.

    Args:
        path: The file.
        find: Finds where the past ends, over a reader.
        turn: Makes what turns the tables of a connection back.
        schema: The folder of its migrations.
        readers: Reads the file; others may read other moments with them. Whoever gives them closes them.
    """

    def __init__(
        self,
        path: Path,
        find: Callable[[sqlite3.Connection], CutT],
        turn: Callable[[sqlite3.Connection, CutT], Turned],
        *,
        schema: Path,
        readers: Readers,
    ) -> None:
        super().__init__(path, read_only=True, schema=schema)
        self._readers = readers
        self._pool = readers.pool
        self._find = find
        self._turn = turn
        self._past = threading.local()
        self._cut: CutT | None = None

    @property
    def cut(self) -> CutT:
        """Where this past ends.

        Raises:
            NotFound: there is no change of that number.
            QuarterdeckError: the database cannot be read.
        """
        if self._cut is None:
            with self.snapshot():
                pass
        assert self._cut is not None  # noqa: S101 every snapshot finds it
        return self._cut

    def transaction(self, actor: Actor) -> AbstractContextManager[Transaction]:
        """Refuse to write.

        Raises:
            ReadOnlyMode: always.
        """
        raise _past(actor)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open a view of the past; inside one already open in this thread, it is the same view.

        Yields:
            The snapshot.

        Raises:
            NotFound: there is no change of that number.
            QuarterdeckError: as `Database.snapshot`.
        """
        current: Snapshot | None = getattr(self._past, "snapshot", None)
        if current is not None:
            yield current
            return
        with in_use(), translated(self.path):
            self._check_identity()
            self._readers.use(self._identity)
            with self._pool.reader() as reader, held(reader):
                reader.execute("BEGIN")
                try:
                    self._past.snapshot = PastSnapshot(reader, self._turning(reader))
                    yield self._past.snapshot
                    reader.execute("COMMIT")  # what was turned back stays
                except BaseException:
                    self._readers.forget(reader)
                    roll_back(reader)
                    reader.close()  # half of it may have been turned back
                    raise
                finally:
                    self._past.snapshot = None

    def _turning(self, reader: sqlite3.Connection) -> Turned:
        if self._cut is None:
            self._cut = self._find(reader)
        return self._readers.turned(reader, self._cut, self._turn)

    def close(self) -> None:
        """Nothing is open that is not the readers'."""


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        return connection.in_transaction or True
    except sqlite3.ProgrammingError:  # the pool has let it go
        return False


def _past(_actor: Actor) -> NoReturn:
    raise ReadOnlyMode("The past cannot be changed.", hint="Go back to the present, and change it there.")
