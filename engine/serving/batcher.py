"""Requests that share a call: one is under way, what comes meanwhile is the next; nobody waits for a timer."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from engine.core.errors import ModelEnded, Overloaded, PredictionFailed
from engine.runtimes.model import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Lock

    from engine.runtimes.model import Outputs, Runtime

MAX_ROWS = 1_024
"""Rows of one call, unless a single request has more."""

MAX_WAITING = 1_024
"""Requests that wait at most; more are told to come again."""

RETRY_S = 1


class Place:
    """One request that waits for its part of a call.

    Args:
        rows: Its rows.
        tell: Told what came of them, once, and never after it has gone.

    Attributes:
        gone: Whether nobody wants the answer any more.
    """

    __slots__ = ("gone", "rows", "tell")

    def __init__(self, rows: Rows, tell: Callable[[Outputs | Exception], None]) -> None:
        self.rows = rows
        self.tell = tell
        self.gone = False


class Batcher:
    """Runs a model on a thread of its own, for what would hold up the event loop.

    On the event loop's thread alone.

    Args:
        runtime: The model.
        turn: Held while the model is called.
        name: Names the thread.

    Attributes:
        busy: Whether a call is under way.
        calls: How many calls were made.
    """

    def __init__(self, runtime: Runtime, turn: Lock, name: str) -> None:
        self._runtime = runtime
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[Place] = deque()
        self._starting = False
        self.busy = False
        self.calls = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def submit(self, rows: Rows) -> asyncio.Future[Outputs]:
        """Have rows predicted with whatever else waits.

        Args:
            rows: The rows of one request.

        Returns:
            Their outputs; cancel it when nobody wants them any more.

        Raises:
            Overloaded: too many requests wait.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outputs] = loop.create_future()

        def settle(found: Outputs | Exception) -> None:
            if answer.done():
                return
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        place = self._placed(rows, settle)
        answer.add_done_callback(lambda _: setattr(place, "gone", True))
        if not self.busy:
            self._begin(loop)
        return answer

    def enter(self, rows: Rows, tell: Callable[[Outputs | Exception], None]) -> Place:
        """The same without a future: for who has nothing else to do at the answer than to send it.

        The call begins once all that has come in this turn of the event loop was read, so that it is shared.

        Args:
            rows: The rows of one request.
            tell: Told what came of them; raises nothing.

        Returns:
            Where it waits; say there when nobody wants the answer any more.

        Raises:
            Overloaded: too many requests wait.
        """
        place = self._placed(rows, tell)
        if not self.busy:
            self._soon(asyncio.get_running_loop())
        return place

    def _placed(self, rows: Rows, tell: Callable[[Outputs | Exception], None]) -> Place:
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(
                "More requests wait for this model than it can answer soon.",
                hint="Try again later.",
                details={"retry_after_s": RETRY_S},
            )
        place = Place(rows, tell)
        self._waiting.append(place)
        return place

    def _soon(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._starting:
            self._starting = True
            loop.call_soon(self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._starting = False
        if not self.busy:
            self._begin(loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._next()
        if not batch:
            return
        self.busy = True
        self.calls += 1
        try:
            self._thread.submit(self._call, loop, batch)
        except RuntimeError:  # closed meanwhile
            self.busy = False
            self._give(batch, [Overloaded("This version is no longer served.", hint="Try again.")] * len(batch))

    def _next(self) -> list[Place]:
        batch: list[Place] = []
        size = 0
        while self._waiting:
            first = self._waiting[0]
            if first.gone:
                self._waiting.popleft()
                continue
            if batch and size + first.rows.size > MAX_ROWS:
                break
            batch.append(self._waiting.popleft())
            size += first.rows.size
        return batch

    def _call(self, loop: asyncio.AbstractEventLoop, batch: list[Place]) -> None:
        """On the model's thread: predict, and hand the answers back."""
        with self._turn:
            found = predicted(self._runtime, [each.rows for each in batch])
        try:
            loop.call_soon_threadsafe(self._done, loop, batch, found)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            return

    def _done(self, loop: asyncio.AbstractEventLoop, batch: list[Place], found: Sequence[Outputs | Exception]) -> None:
        self.busy = False
        self._give(batch, found)
        self._soon(loop)  # whoever asks again at once shares the next call

    def _give(self, batch: list[Place], found: Sequence[Outputs | Exception]) -> None:
        for place, outputs in zip(batch, found, strict=True):
            if not place.gone:
                place.tell(outputs)

    def close(self) -> None:
        """End the thread once its call is over; the model is closed there too, since nobody else may use it."""
        self._thread.submit(self._runtime.close)
        self._thread.shutdown(wait=False)


def predicted(runtime: Runtime, requests: Sequence[Rows]) -> list[Outputs | Exception]:
    """Predict several requests in one call; where that fails, halve them until those stand alone that cannot be.

    Where it ends the model's process, each is asked about alone: every death costs a start, and halving many deaths.

    Args:
        runtime: The model.
        requests: The rows of each.

    Returns:
        The outputs of each, in their order, or why there are none.
    """
    try:
        outputs = runtime.predict(requests[0] if len(requests) == 1 else joined(requests))
        return split(outputs, [each.size for each in requests])
    except Exception as error:  # noqa: BLE001 whatever a model raises is an answer to its requests, not the end of a thread
        if len(requests) == 1:
            return [error]
        if isinstance(error, ModelEnded):
            return [found for each in requests for found in predicted(runtime, [each])]
    half = len(requests) // 2
    return predicted(runtime, requests[:half]) + predicted(runtime, requests[half:])


def joined(requests: Sequence[Rows]) -> Rows:
    """The rows of several requests, one after the other.

    Args:
        requests: At least one; all of one interface.
    """
    import numpy as np

    size = sum([each.size for each in requests])
    numbers = [each.numbers for each in requests if each.numbers is not None]
    if len(numbers) == len(requests):
        return Rows(size, np.array(numbers, dtype=np.float64), requests=size)
    matrices = [each.matrix for each in requests if each.matrix is not None]
    if matrices:
        return Rows(size, np.concatenate(matrices), requests=len(requests))
    names = requests[0].columns
    columns = {name: np.concatenate([each.columns[name] for each in requests]) for name in names}
    return Rows(size, None, columns, len(requests))


def split(outputs: Outputs, sizes: Sequence[int]) -> list[Outputs | Exception]:
    """The outputs of each request, cut from those of all.

    Args:
        outputs: Of the rows one after the other.
        sizes: How many rows each request has.

    Raises:
        PredictionFailed: there are other than as many rows as were asked about.
    """
    total = sum(sizes)
    if any(len(values) != total for values in outputs.values()):
        raise PredictionFailed("The model answered for another number of rows than it was given.")
    if len(sizes) == 1:
        return [outputs]
    found: list[Outputs | Exception] = []
    at = 0
    for size in sizes:
        part: dict[str, Any] = {name: values[at : at + size] for name, values in outputs.items()}
        found.append(part)
        at += size
    return found
