"""Copies of requests for versions whose answers nobody gets: predicted on one thread, behind everything else."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from threading import Event, Thread, get_native_id
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine.core.complaints import Complaints
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
_FARTHEST = 1e100
"""Scores that are farther apart than this count as this far: their squares are added up."""


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
        self._complaints = Complaints()

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
                self._one(self._next())
                self._ending.wait(_REST_S)

    def _one(self, batch: list[Copy]) -> None:
        began_s = perf_counter()
        try:
            found = compare(batch)
        except Exception as error:  # noqa: BLE001 what a model answers may be of any shape, and the others wait for this thread
            self._complaints.say(f"the shadow {batch[0].target.loaded.model}/{batch[0].target.loaded.version}", error)
            latency_us = (perf_counter() - began_s) * 1e6 / len(batch)
            found = Compared(batch[0].target, (latency_us,) * len(batch), failed=len(batch))
        self._told(found)

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
    pairs = [(theirs, ours) for theirs, ours in good if _comparable(theirs, ours)]
    agreed = sum(_same(theirs[LABELS], ours[LABELS]) for theirs, ours in pairs)
    with np.errstate(all="ignore"):
        differences = [np.abs(_scores(theirs) - _scores(ours)) for theirs, ours in pairs]
    # A score that is no number says nothing of how far apart two versions are, and would spoil every sum that it is in.
    apart = np.nan_to_num(np.concatenate([[], *differences]), nan=0.0, posinf=0.0).clip(0.0, _FARTHEST)
    return Compared(target, latencies, failed, len(apart), agreed, float(apart.sum()), float((apart**2).sum()))


def _comparable(theirs: Outputs, ours: Outputs) -> bool:
    """Whether two answers to one request have labels of one shape."""
    return LABELS in theirs and LABELS in ours and theirs[LABELS].shape == ours[LABELS].shape


def _same(theirs: np.ndarray, ours: np.ndarray) -> int:
    """Of how many rows the labels are all alike."""
    alike = theirs == ours
    return int((alike if alike.ndim == 1 else alike.reshape(len(alike), -1).all(axis=1)).sum())


def _scores(outputs: Outputs) -> np.ndarray:
    """One number a row: the probability of the last class, or the number predicted; labels without either count 0."""
    import numpy as np

    values = np.asarray(outputs.get(PROBABILITIES, outputs[LABELS]))
    rows = len(outputs[LABELS])
    if values.dtype.kind not in "fiub" or not values.size:
        return np.zeros(rows)
    return values.reshape(rows, -1)[:, -1].astype(np.float64)
