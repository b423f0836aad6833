"""Processes of this machine (joblib's loky): for work that holds the interpreter, such as scikit-learn's predict."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from engine.compute.pooled import PooledExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


_LOOK_S = 0.2


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
            self._pool = ProcessPoolExecutor(self.workers, initializer=_follow_parent)
        future: Future[Any] = self._pool.submit(function, item)
        return future

    def close(self) -> None:
        """End the processes, with what they run."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def _follow_parent() -> None:
    """In a worker: end with the process that it works for, however that ends; Ctrl-C is that one's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)
