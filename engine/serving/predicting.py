"""Answers predictions: has the version called, words what it says, counts, captures."""

from __future__ import annotations

import sys
import time
from hashlib import blake2b
from time import perf_counter
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, PredictionFailed, QuarterdeckError
from engine.core.text import clean
from engine.serving.batcher import predicted
from engine.serving.calls import JSON, Answer
from engine.serving.coming import Coming
from engine.serving.large import LARGE_BYTES, Aside, predicted_in_parts, whole
from engine.serving.preparing import Prediction, captured_rows, is_fault, prepared, prepared_and_kept
from engine.telemetry.model import CapturedPrediction

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Sequence

    from engine.runtimes.model import Outputs, Rows
    from engine.serving.calls import Call, Dialect
    from engine.serving.shadows import Shadows
    from engine.serving.table import Table, Target
    from engine.telemetry.spool import Spool

    Groups = dict[Target, list[Prediction]]
    Tell = Callable[[Answer], None]

INLINE_ROWS = 128
"""Rows that are predicted at once on the event loop by a quick runtime; more go to a thread, so that others go on."""

_WHOLE = 1 << 32
_LOG_EVERY_S = 1.0


class Predictor:
    """Answers predictions on whatever the table is at that moment; on the event loop alone.

    Args:
        table: Gives the table.
        shadows: Gets the copies.
        spool: Gets what is captured; `None` captures nothing.
    """

    def __init__(self, table: Callable[[], Table], shadows: Shadows, spool: Spool | None) -> None:
        self._table = table
        self._shadows = shadows
        self._spool = spool
        self._aside = Aside()
        self._logged_s = 0.0

    def begin(self, call: Call, dialect: Dialect) -> Answer | Awaitable[Answer]:
        """Answer a request whose body is there.

        Args:
            call: The request.
            dialect: How it is worded.

        Returns:
            The answer; or what gives it, where it has to wait for others.
        """
        task = Prediction(call, dialect, self._table())
        if len(call.body) > LARGE_BYTES:
            return self._beside(task)
        try:
            task.find()
            target, rows = prepared(task)
            outputs = _called(target, rows)
            return self._later(task, target, rows) if outputs is None else self._answered(task, target, outputs)
        except Exception as error:  # noqa: BLE001 a model may raise anything, and each request is answered
            return self._failed(task, error)

    def at_once(self, call: Call, dialect: Dialect, began_s: float, tell: Tell) -> Answer | Coming | None:
        """Answer a request whose body is there, or have it wait for its part of a call.

        Args:
            call: The request.
            dialect: How it is worded.
            began_s: When it came, by `perf_counter`.
            tell: Told the answer, where that has to wait.

        Returns:
            The answer, or what stands for it; `None` for a large request: then nothing has been done yet.
        """
        task = Prediction(call, dialect, self._table(), began_s)
        if len(call.body) > LARGE_BYTES:
            return None
        try:
            task.find()
            target, rows = prepared(task)
            outputs = _called(target, rows)
            return self._wait(task, target, rows, tell) if outputs is None else self._answered(task, target, outputs)
        except Exception as error:  # noqa: BLE001 as above
            return self._failed(task, error)

    def together(self, requests: Sequence[tuple[Call, Dialect, float, Tell]]) -> list[Answer | Coming | None]:
        """Answer requests that came at the same time, as `at_once` does, but those for one version by one call of it.

        Args:
            requests: Each with how it is worded, when it came, and who is told the answer where that has to wait.

        Returns:
            The answers, or what stands for them, in order.
        """
        table = self._table()
        tasks = [Prediction(call, dialect, table, began_s) for call, dialect, began_s, _ in requests]
        groups: Groups = {}
        late: list[Coming | None] = []
        for task, (*_, tell) in zip(tasks, requests, strict=True):
            late.append(self._sort(task, groups, tell))
        for target, group in groups.items():
            self._call_together(target, group)
        return [task.answer or coming for task, coming in zip(tasks, late, strict=True)]

    def _sort(self, task: Prediction, groups: Groups, tell: Tell) -> Coming | None:
        """Put a request to those for its version; where it waits for others than these, what stands for its answer."""
        try:
            if len(task.call.body) > LARGE_BYTES:
                return None
            task.find()
            target, rows = prepared(task)
            if target.loaded.gathers or rows.size > INLINE_ROWS or target.loaded.turn.locked():
                return self._wait(task, target, rows, tell)
            groups.setdefault(target, []).append(task)
        except Exception as error:  # noqa: BLE001 as above
            task.answer = self._failed(task, error)
        return None

    def _call_together(self, target: Target, group: list[Prediction]) -> None:
        """Answer requests for one version; none of them while somebody else calls it."""
        loaded = target.loaded
        if not loaded.turn.acquire(blocking=False):
            return
        try:
            found = predicted(loaded.runtime, [task.rows for task in group if task.rows is not None])
        finally:
            loaded.turn.release()
        for task, outputs in zip(group, found, strict=True):
            task.answer = self._worded(task, target, outputs)

    def _wait(self, task: Prediction, target: Target, rows: Rows, tell: Tell) -> Coming:
        """Have a request wait for its part of a call; the table is in use until its answer is told, or its client gone.

        Raises:
            Overloaded: too many requests wait.
        """
        flights = task.table.flights

        def told(found: Outputs | Exception) -> None:
            try:
                tell(self._worded(task, target, found))
            except Exception as error:  # noqa: BLE001 one connection that breaks must not keep the others from their answers
                self._log(task, error)
            finally:
                flights.ended()

        place = target.loaded.batcher.enter(rows, told)
        flights.began()
        return Coming(place, flights)

    def _worded(self, task: Prediction, target: Target, found: Outputs | Exception) -> Answer:
        if isinstance(found, Exception):
            return self._failed(task, found)
        try:
            return self._answered(task, target, found)
        except Exception as error:  # noqa: BLE001 as above
            return self._failed(task, error)

    def _later(self, task: Prediction, target: Target, rows: Rows) -> Awaitable[Answer]:
        """Answer with others, on the model's thread; the table is in use from now on, whenever somebody awaits this.

        Raises:
            Overloaded: too many requests wait.
        """
        coming, flights = target.loaded.batcher.submit(rows), task.table.flights
        flights.began()

        def ended(done: Future[Outputs]) -> None:
            done.cancelled() or done.exception()  # looked at, even if whoever waited is gone
            done.get_loop().call_soon(flights.ended)  # after whoever waits has answered

        coming.add_done_callback(ended)
        return self._finished(task, target, coming)

    async def _finished(self, task: Prediction, target: Target, coming: Future[Outputs]) -> Answer:
        try:
            return self._answered(task, target, await coming)
        except Exception as error:  # noqa: BLE001 as above
            return self._failed(task, error)

    def _beside(self, task: Prediction) -> Awaitable[Answer]:
        """Answer a large request; the table is in use from now on, whenever somebody awaits this."""
        from asyncio import get_running_loop

        flights = task.table.flights
        flights.began()
        going = get_running_loop().create_task(self._large(task))
        # Once more through the loop, so that whoever waits has answered before.
        going.add_done_callback(lambda done: done.get_loop().call_soon(flights.ended) and None)
        return going

    async def _large(self, task: Prediction) -> Answer:
        """What takes long is done on other threads."""
        do = self._aside.do
        try:
            with self._aside.taken():
                target, rows = await do(lambda: prepared_and_kept(task))
                parts = await predicted_in_parts(target.loaded.batcher, rows)
                outputs = await do(lambda: whole(parts))
                worded = await do(lambda: task.dialect.answer(task.call, task.said, target, outputs))
            return self._counted(task, target, outputs, worded)
        except Exception as error:  # noqa: BLE001 as above
            blamed = task.target
            fault = blamed is not None and await do(lambda: is_fault(task, blamed))
            return self._failed(task, error, fault=fault)

    def _answered(self, task: Prediction, target: Target, outputs: Outputs) -> Answer:
        return self._counted(task, target, outputs, task.dialect.answer(task.call, task.said, target, outputs))

    def _counted(self, task: Prediction, target: Target, outputs: Outputs, answer: Answer) -> Answer:
        latency_us = (perf_counter() - task.began_s) * 1e6
        served, request_id, pinned = task.served, task.call.request_id, task.pinned
        (served.counted(target, pinned=True) if pinned else target.tally).add(latency_us, 200)
        status, body, headers, _, _, kept = answer
        if served.capture and self._spool is not None:
            self._capture(task, target, 200, latency_us, kept or outputs, 0 if kept else len(body))
        if served.shadows and not pinned and task.rows is not None:
            self._shadows.offer(served, target, task.rows, outputs)
        return Answer(status, body, headers, target, request_id)

    def _failed(self, task: Prediction, error: Exception, *, fault: bool | None = None) -> Answer:
        """Word what went wrong, and count it against whoever is to blame; `fault` says so where it is known."""
        if not isinstance(error, QuarterdeckError):
            self._log(task, error)
            error = _told(task)
        elif error.http_status >= 500 and error.__cause__ is not None:  # callers get none of a library's own words
            self._log(task, error.__cause__)
        target, status = task.target, error.http_status
        if target is not None:
            latency_us = (perf_counter() - task.began_s) * 1e6
            tally = task.served.counted(target, pinned=task.pinned)
            fault = status < 500 and (is_fault(task, target) if fault is None else fault)
            tally.add(latency_us, status, fault=fault)
            if status >= 500 and task.served.capture and self._spool is not None and task.rows is not None:
                self._capture(task, target, status, latency_us, {}, 0)
        headers = (JSON, *retry_after(error))
        return Answer(status, task.dialect.failure(error), headers, target, task.call.request_id)

    def _capture(
        self, task: Prediction, target: Target, status: int, latency_us: float, outputs: Outputs | bytes, size: int
    ) -> None:
        request_id, spool, rows = task.call.request_id, self._spool, task.rows
        if spool is None or rows is None or not sampled(request_id, task.served.capture):
            return
        values, more = task.kept or captured_rows(task, rows)
        record = CapturedPrediction(
            target.tally.origin,
            request_id.decode("ascii"),
            int(time.time() * 1000 - latency_us / 1000),
            int(latency_us),
            status,
            values,
            outputs,
        )
        spool.put_prediction(record, size_bytes=size + more)

    def _log(self, task: Prediction, error: BaseException) -> None:
        """Say on stderr what a model raised, but not for each of many requests."""
        now_s = time.monotonic()
        if now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            who = task.target.headers[0][1].decode() if task.target else task.call.path
            sys.stderr.write(clean(f"{who}: {type(error).__name__}: {error}", limit=500) + "\n")


def _told(task: Prediction) -> QuarterdeckError:
    """What a caller is told of an error that nobody thought of: before there are rows, no model had a part in it."""
    if task.rows is None:
        return InvalidInput("The request is not one that this endpoint can read.", hint="Send other values.")
    return PredictionFailed("The model failed to answer this request.", hint="The data plane's log says why.")


def _called(target: Target, rows: Rows) -> Outputs | None:
    """What the model says, if it does so at once; `None` when its call should be shared, or another is under way."""
    loaded = target.loaded
    if loaded.gathers or rows.size > INLINE_ROWS or not loaded.turn.acquire(blocking=False):
        return None
    try:
        return loaded.runtime.predict(rows)
    finally:
        loaded.turn.release()


def sampled(request_id: bytes, share: float) -> bool:
    """Whether a request is captured: its id alone decides it, so that every process decides alike.

    Args:
        request_id: The request's id.
        share: Of all requests, from 0 to 1.
    """
    if share >= 1.0:
        return True
    digest = blake2b(request_id, digest_size=4).digest()
    return int.from_bytes(digest, "big") < share * _WHOLE


def retry_after(error: QuarterdeckError) -> tuple[tuple[bytes, bytes], ...]:
    """The header that says when to come again, for errors that pass.

    Args:
        error: What is answered.
    """
    if error.http_status not in (429, 503):
        return ()
    return ((b"retry-after", str(error.details.get("retry_after_s", 1)).encode("ascii")),)
