"""One item after the other, in the calling thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from engine.compute.outcome import Guarded, value_of
from engine.core.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.compute.model import Cancelled, Progress

T = TypeVar("T")
R = TypeVar("R")


class SerialExecutor:
    """Works on one item at a time."""

    name = "serial"
    workers = 1
    shares_memory = True

    def map(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        ordered: bool = True,  # noqa: ARG002 part of the protocol; here there is one order
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Iterator[R]:
        """Work on items, as the protocol says.

        Raises:
            TaskFailed: the function raised.
            Stopped: `cancelled` said so.
        """
        guarded = Guarded(function, packed=False)
        for done, item in enumerate(items, 1):
            if cancelled is not None and cancelled():
                raise Stopped("Stopped before all was done.")
            value: R = value_of(guarded(item), item, packed=False)
            if progress is not None:
                progress(done)
            yield value

    def close(self) -> None:
        """Nothing is held."""
