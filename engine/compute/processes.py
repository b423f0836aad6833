"""Processes of this machine (joblib's loky): for work that holds the interpreter, such as scikit-learn's predict."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from engine.compute.pooled import PooledExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class ProcessesExecutor(PooledExecutor):
    """Works in processes; a pool that lost one is replaced when the next call begins.

    Args:
        workers: How many.
    """

    name = "loky"
    lost = (BrokenProcessPool,)

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._pool: Any = None

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        """Begin one call."""
        if self._pool is None or self._pool._flags.broken is not None:  # noqa: SLF001 loky has no public word for it
            from joblib.externals.loky import ProcessPoolExecutor

            self.close()
            self._pool = ProcessPoolExecutor(self.workers)
        future: Future[Any] = self._pool.submit(function, item)
        return future

    def close(self) -> None:
        """End the processes, with what they run."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None
