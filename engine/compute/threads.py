"""Threads of this process: for work that lets go of the interpreter, such as reading files and compiled models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from engine.compute.pooled import PooledExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class ThreadsExecutor(PooledExecutor):
    """Works in threads.

    Args:
        workers: How many.
    """

    name = "threads"
    shares_memory = True

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="compute")

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin one call."""
        return self._pool.submit(function, item)

    def close(self) -> None:
        """Drop what waits and end the threads with what they run."""
        self._pool.shutdown(wait=False, cancel_futures=True)
