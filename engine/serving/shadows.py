"""Copies of requests for versions whose answers nobody gets: predicted on one thread, behind everything else."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from threading import Condition, Thread, get_native_id
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine.runtimes.model import LABELS, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from engine.runtimes.model import Outputs, Rows
    from engine.serving.table import Served, Target

MAX_WAITING = 512
"""Copies that wait at most; more are dropped and counted."""

_NICE = 10


class Compared(NamedTuple):
    """How a shadow answered what somebody else has answered too.

    Args:
        target: The shadow.
        latency_us: How long it took, in microseconds.
        failed: Whether it raised instead.
        rows: How many rows were compared.
        agreed: Of those, how many got the same label.
        delta: The sum of the absolute differences of the scores.
        delta_squares: The sum of the squares of those.
    """

    target: Target
    latency_us: float
    failed: bool
    rows: int = 0
    agreed: int = 0
    delta: float = 0.0
    delta_squares: float = 0.0


class _Copy(NamedTuple):
    target: Target
    rows: Rows
    outputs: Outputs


class Shadows:
    """The copies that wait, and the thread that works through them.

    Args:
        told: Told on that thread what came of each; it must hand it to whoever counts.
    """

    def __init__(self, told: Callable[[Compared], None]) -> None:
        self._told = told
        self._waiting: deque[_Copy] = deque()
        self._something = Condition()
        self._ending = False
        self._thread: Thread | None = None

    def offer(self, served: Served, answered: Target, rows: Rows, outputs: Outputs) -> None:
        """Give each shadow a copy, unless too many wait already; never waits.

        Args:
            served: The endpoint.
            answered: Who gave the answer that counts.
            rows: The rows of the request.
            outputs: That answer.
        """
        for target in served.shadows:
            same = target.loaded.runtime.interface.inputs == answered.loaded.runtime.interface.inputs
            if len(self._waiting) >= MAX_WAITING or not same:
                target.tally.unmirrored += 1
                continue
            self._waiting.append(_Copy(target, rows, outputs))
            if self._thread is None:
                self._start()
            with self._something:
                self._something.notify()

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="shadows", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # where threads have priorities of their own, as on Linux
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)
        while not self._ending:
            with self._something:
                while not self._waiting and not self._ending:
                    self._something.wait()
            while self._waiting:
                self._told(compare(*self._waiting.popleft()))

    def close(self) -> None:
        """End the thread; copies that wait are forgotten."""
        self._ending = True
        with self._something:
            self._something.notify()
        if self._thread is not None:
            self._thread.join(1.0)


def compare(target: Target, rows: Rows, outputs: Outputs) -> Compared:
    """Have a shadow answer rows, and compare its answer with the one that was given.

    Args:
        target: The shadow.
        rows: The rows.
        outputs: The answer that was given.
    """
    import numpy as np

    began_s = perf_counter()
    try:
        with target.loaded.turn:
            found = target.loaded.runtime.predict(rows)
    except Exception:  # noqa: BLE001 whatever a model raises counts as its error
        return Compared(target, (perf_counter() - began_s) * 1e6, failed=True)
    latency_us = (perf_counter() - began_s) * 1e6
    if LABELS not in found or LABELS not in outputs:
        return Compared(target, latency_us, failed=False)
    agreed = int((np.asarray(found[LABELS]) == np.asarray(outputs[LABELS])).sum())
    differences = np.abs(_scores(found) - _scores(outputs))
    return Compared(
        target,
        latency_us,
        failed=False,
        rows=rows.size,
        agreed=agreed,
        delta=float(differences.sum()),
        delta_squares=float((differences**2).sum()),
    )


def _scores(outputs: Outputs) -> np.ndarray:
    """One number a row: the probability of the last class, or the number predicted; labels without either count 0."""
    import numpy as np

    if PROBABILITIES in outputs:
        return np.asarray(outputs[PROBABILITIES], dtype=np.float64)[:, -1]
    values = np.asarray(outputs[LABELS])
    return values.astype(np.float64) if values.dtype.kind in "fiub" else np.zeros(len(values))
