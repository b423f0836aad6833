"""Work over many items: one protocol, whatever does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Progress = Callable[[int], object]
    Cancelled = Callable[[], bool]

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Maps a function over items, several at once.

    A function that runs elsewhere is a function of a module, and its items and results can be pickled.
    """

    name: str
    """What it is called on the command line."""
    workers: int
    """How many items are worked on at once."""
    shares_memory: bool
    """Whether functions run in this process."""

    def map(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        ordered: bool = True,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Iterator[R]:
        """Work on items and give what comes of each.

        Items are taken as they are needed, so that never more than a few a worker wait or run. Ending the iteration
        early drops what has not begun.

        Args:
            function: What to do with an item.
            items: The items; may be without end.
            ordered: Give results in the order of the items; else as they come.
            progress: Told how many are done, after each.
            cancelled: Asked several times a second whether to stop.

        Returns:
            The results.

        Raises:
            TaskFailed: the function raised; `item` is the one it failed for, the cause its error where that is ours.
            WorkerLost: a worker died over it.
            Stopped: `cancelled` said so.
        """
        ...

    def close(self) -> None:
        """Let go of threads, processes and connections; what runs is not waited for."""
        ...
