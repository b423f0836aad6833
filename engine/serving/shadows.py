"""Copies of requests for versions whose answers nobody gets: predicted on one thread, behind everything else."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from threading import Event, Thread, get_native_id
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine.runtimes.model import LABELS, PROBABILITIES
from engine.serving.batcher import predicted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from engine.runtimes.model import Outputs, Rows
    from engine.serving.table import Served, Target

MAX_WAITING = 512
"""Copies that wait at most; more are dropped and counted."""

_NICE = 10
_ROWS = 256
_REST_S = 0.002


class Compared(NamedTuple):
    """How a shadow answered what somebody else has answered too.

    Args:
        target: The shadow.
        latencies_us: How long each request took it, in microseconds: its part of a call that several shared.
        failed: Of those, how many it could not answer.
        rows: How many rows were compared.
        agreed: Of those, how many got the same label.
        delta: The sum of the absolute differences of the scores.
        delta_squares: The sum of the squares of those.
    """

    target: Target
    latencies_us: tuple[float, ...]
    failed: int = 0
    rows: int = 0
    agreed: int = 0
    delta: float = 0.0
    delta_squares: float = 0.0


class Copy(NamedTuple):
    """One request for a shadow.

    Args:
        target: The shadow.
        rows: The rows.
        outputs: The answer that was given.
    """

    target: Target
    rows: Rows
    outputs: Outputs


class Shadows:
    """The copies that wait, and the thread that works through them: many in one call, so that others lose little.

    Args:
        told: Told on that thread what came of some; it must hand it to whoever counts.
    """

    def __init__(self, told: Callable[[Compared], None]) -> None:
        self._told = told
        self._waiting: deque[Copy] = deque()
        self._something = Event()
        self._ending = Event()
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
            self._waiting.append(Copy(target, rows, outputs))
            if self._thread is None:
                self._start()
            if not self._something.is_set():
                self._something.set()

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="shadows", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # where threads have priorities of their own, as on Linux
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICE)
        while not self._ending.is_set():
            self._something.wait()
            self._something.clear()
            while self._waiting and not self._ending.is_set():
                self._told(compare(self._next()))
                self._ending.wait(_REST_S)

    def _next(self) -> list[Copy]:
        """The copies for the first one's shadow that stand together, as many as make one call."""
        batch = [self._waiting.popleft()]
        size = batch[0].rows.size
        while self._waiting and self._waiting[0].target is batch[0].target:
            size += self._waiting[0].rows.size
            if size > _ROWS:
                break
            batch.append(self._waiting.popleft())
        return batch

    def close(self) -> None:
        """End the thread; copies that wait are forgotten."""
        self._ending.set()
        self._something.set()
        if self._thread is not None:
            self._thread.join(1.0)


def compare(copies: Sequence[Copy]) -> Compared:
    """Have a shadow answer requests, and compare its answers with those that were given.

    Args:
        copies: At least one; all for one shadow.
    """
    import numpy as np

    target = copies[0].target
    began_s = perf_counter()
    with target.loaded.turn:
        found = predicted(target.loaded.runtime, [each.rows for each in copies])
    latencies = ((perf_counter() - began_s) * 1e6 / len(copies),) * len(copies)
    good = [(answer, each.outputs) for answer, each in zip(found, copies, strict=True) if isinstance(answer, dict)]
    failed = len(copies) - len(good)
    pairs = [(theirs, ours) for theirs, ours in good if LABELS in theirs and LABELS in ours]
    if not pairs:
        return Compared(target, latencies, failed)
    labels = [np.concatenate([np.asarray(each[side][LABELS]) for each in pairs]) for side in (0, 1)]
    scores = [np.concatenate([_scores(each[side]) for each in pairs]) for side in (0, 1)]
    differences = np.abs(scores[0] - scores[1])
    return Compared(
        target,
        latencies,
        failed,
        rows=len(labels[0]),
        agreed=int((labels[0] == labels[1]).sum()),
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
