"""From a word of the command line to what does the work; nothing is imported that was not asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.compute.model import Executor

BACKENDS = ("serial", "threads", "loky", "dask")
"""The words."""


def choose(backend: str, *, jobs: int = 0, scheduler: str = "") -> Executor:
    """Make an executor.

    Args:
        backend: One of `BACKENDS`.
        jobs: How many items are worked on at once; 0 for as many as there are processors for us.
        scheduler: For Dask: its address, `threads` or `processes`.

    Returns:
        The executor; close it after use.

    Raises:
        InvalidInput: there is no such backend, it is not installed, or the scheduler is none.
        Unreachable: no scheduler answers.
    """
    workers = jobs if jobs > 0 else len(os.sched_getaffinity(0))
    if scheduler and backend != "dask":
        raise InvalidInput("Only the backend dask has a scheduler.", hint="Add --backend dask.")
    if backend == "serial":
        from engine.compute.serial import SerialExecutor

        return SerialExecutor()
    if backend == "threads":
        from engine.compute.threads import ThreadsExecutor

        return ThreadsExecutor(workers)
    if backend == "loky":
        from engine.compute.processes import ProcessesExecutor

        return ProcessesExecutor(workers)
    if backend == "dask":
        from engine.compute.dask import DaskExecutor

        return DaskExecutor(scheduler or "threads", workers)
    raise InvalidInput("There is no such backend.", hint=f"It is one of {', '.join(BACKENDS)}.")
