"""Mapping over a pool that takes one call at a time: few wait, results come in either order, errors name their item."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from engine.compute.outcome import Guarded, described, value_of
from engine.core.errors import Stopped, TaskFailed, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from engine.compute.model import Cancelled, Progress
    from engine.compute.outcome import Outcome

T = TypeVar("T")
R = TypeVar("R")

_LOOK_S = 0.1
_AHEAD = 2
"""Items a worker: one that runs and one that waits."""


class PooledExecutor:
    """What executors over a pool have in common; each says how to submit.

    Args:
        workers: How many items are worked on at once.
    """

    name = ""
    shares_memory = False
    lost: tuple[type[BaseException], ...] = ()
    """Errors that mean that a worker died."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin one call."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the workers."""
        raise NotImplementedError

    def map(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        ordered: bool = True,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Iterator[R]:
        """Work on items, as the protocol says.

        Raises:
            TaskFailed: the function raised, or its result cannot be sent.
            WorkerLost: a worker died over it.
            Stopped: `cancelled` said so.
        """
        guarded = Guarded(function, packed=not self.shares_memory)
        source = iter(items)
        running: deque[tuple[T, Future[Outcome]]] = deque()
        done = 0
        try:
            while True:
                for item in source:
                    running.append((item, self._begin(guarded, item)))
                    if len(running) >= _AHEAD * self.workers:
                        break
                if not running:
                    return
                item, future = _next(running, cancelled, ordered=ordered)
                value: R = value_of(self._outcome(item, future), item, packed=guarded.packed)
                done += 1
                if progress is not None:
                    progress(done)
                yield value
        finally:
            for _, future in running:
                future.cancel()

    def _begin(self, guarded: Guarded[T, R], item: T) -> Future[Outcome]:
        try:
            return self.submit(guarded, item)
        except self.lost as error:
            raise _lost(item, error) from error

    def _outcome(self, item: T, future: Future[Outcome]) -> Outcome:
        try:
            return future.result()
        except self.lost as error:
            raise _lost(item, error) from error
        except Exception as error:  # whatever a pickle raises
            raise TaskFailed(f"The result cannot be sent: {described(error)}", item=item) from error


def _next(
    running: deque[tuple[T, Future[Outcome]]], cancelled: Cancelled | None, *, ordered: bool
) -> tuple[T, Future[Outcome]]:
    """Wait for the call that is next, the first or any."""
    from concurrent.futures import FIRST_COMPLETED, wait

    while True:
        if cancelled is not None and cancelled():
            raise Stopped("Stopped before all was done.")
        awaited = [running[0][1]] if ordered else [future for _, future in running]
        done = wait(awaited, timeout=_LOOK_S, return_when=FIRST_COMPLETED).done
        for place, (_, future) in enumerate(running):
            if future in done:
                found = running[place]
                del running[place]
                return found


def _lost(item: object, error: BaseException) -> WorkerLost:
    return WorkerLost(
        f"A worker died: {described(error)}",
        hint="It may have run out of memory; try fewer jobs.",
        item=item,
    )
