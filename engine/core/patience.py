"""How long one thread's readings may take, and an end to those whose answer nobody waits for any more."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")

_local = threading.local()


class Reader(Protocol):
    """A connection that reads."""

    def interrupt(self) -> None:
        """End the statement that runs, from any thread."""


class Patience:
    """The patience with one operation that reads.

    Args:
        longest_s: How long it may take from when it begins, in seconds, for whoever looks.

    Attributes:
        longest_s: The same.
    """

    __slots__ = ("_began_s", "_lock", "_over", "_readers", "longest_s")

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self._began_s: float | None = None
        self._over = False
        self._lock = threading.Lock()
        self._readers: list[Reader] = []

    def run(self, operation: Callable[[], T]) -> T:
        """Run the operation, in whichever thread this is called.

        Raises:
            QuarterdeckError: as the operation says.
            InvalidInput: it was ended because it took too long.
        """
        self._began_s = time.monotonic()
        _local.patience = self
        try:
            return operation()
        finally:
            _local.patience = None

    def look(self) -> float:
        """End what the operation reads if it has taken too long; from any thread.

        Returns:
            When to look again, in seconds from now: a statement that begins just after is not ended by this.
        """
        if self._began_s is None:  # it waits for its thread
            return self.longest_s
        left_s = self._began_s + self.longest_s - time.monotonic()
        if left_s > 0:
            return left_s
        self.end()
        return 1.0

    def end(self) -> None:
        """End what the operation reads, and let it read nothing more; from any thread, also before it begins."""
        with self._lock:
            self._over = True
            for reader in self._readers:
                reader.interrupt()

    def take(self, reader: Reader) -> None:
        """Know a reader that the operation uses from now on.

        Raises:
            InvalidInput: the operation has taken too long already.
        """
        with self._lock:
            if self._over:
                raise too_long()
            self._readers.append(reader)

    def give_back(self, reader: Reader) -> None:
        """Forget a reader: it is somebody else's from now on."""
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)


def patience() -> Patience | None:
    """The patience with what this thread does; `None` when it may take as long as it takes."""
    found: Patience | None = getattr(_local, "patience", None)
    return found


class held:  # noqa: N801 reads as the block it opens; a class, because a generator costs three times it
    """A block in which this thread's patience knows the reader it uses.

    Args:
        reader: The connection that was lent.
    """

    __slots__ = ("_patience", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._patience = patience()

    def __enter__(self) -> None:
        if self._patience is not None:
            self._patience.take(self._reader)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._patience is not None:
            self._patience.give_back(self._reader)


def too_long() -> InvalidInput:
    """What is said of a reading that was ended."""
    return InvalidInput(
        "This takes too long to look up; it was given up.", hint="Narrow the filter, or ask for fewer at once."
    )
