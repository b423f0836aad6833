"""From what a request says to its answer: route, check, predict, word, count, capture."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from hashlib import blake2b
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from engine.core.errors import InvalidInput, PredictionFailed, QuarterdeckError
from engine.core.text import clean
from engine.serving.calls import JSON, Answer
from engine.serving.large import LARGE_BYTES, Aside, predicted_in_parts, whole
from engine.telemetry.model import CapturedPrediction

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable

    from engine.runtimes.model import Outputs, Rows
    from engine.serving.calls import Call, Dialect
    from engine.serving.shadows import Shadows
    from engine.serving.table import Served, Table, Target
    from engine.telemetry.spool import Spool

INLINE_ROWS = 128
"""Rows that are predicted at once on the event loop by a quick runtime; more go to a thread, so that others go on."""

PIN = b"x-pin-version"
"""The header that asks for one version, such as `7` or `churn/7`."""

_WHOLE = 1 << 32
_VALUE_BYTES = 12
_LOG_EVERY_S = 1.0


class Prediction:
    """One request on its way through.

    Args:
        call: The request.
        dialect: How it is worded.
        table: The table it runs on.
    """

    __slots__ = ("began_s", "call", "dialect", "kept", "pinned", "rows", "said", "served", "table", "target")

    def __init__(self, call: Call, dialect: Dialect, table: Table) -> None:
        self.call = call
        self.dialect = dialect
        self.table = table
        self.began_s = perf_counter()
        self.pinned = False
        self.said: Any = None
        self.served: Served | None = None
        self.target: Target | None = None
        self.rows: Rows | None = None
        self.kept: tuple[object, int] | None = None


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
            target, rows = _prepared(task)
            outputs = _called(target, rows)
            return self._later(task, target, rows) if outputs is None else self._answered(task, target, outputs)
        except Exception as error:  # noqa: BLE001 a model may raise anything, and each request is answered
            return self._failed(task, error)

    def at_once(self, call: Call, dialect: Dialect) -> Answer | None:
        """Answer a request whose body is there, if that can be done without waiting for anybody.

        Args:
            call: The request.
            dialect: How it is worded.

        Returns:
            The answer; `None` when it may have to wait: then nothing has been done yet.

        Raises:
            NotFound: no such endpoint is served.
            InvalidInput: several are, and the request does not say which.
        """
        table = self._table()
        if len(call.body) > LARGE_BYTES or not table.find(call.endpoint).quick:
            return None
        task = Prediction(call, dialect, table)
        try:
            target, rows = _prepared(task)
            outputs = _called(target, rows)
            return None if outputs is None else self._answered(task, target, outputs)
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

    async def _beside(self, task: Prediction) -> Answer:
        """Answer a large request: what takes long is done on other threads, the table stays in use until then."""
        flights, do = task.table.flights, self._aside.do
        flights.began()
        try:
            with self._aside.taken():
                target, rows = await do(lambda: _prepared_and_kept(task))
                parts = await predicted_in_parts(target.loaded.batcher, rows)
                outputs = await do(lambda: whole(parts))
                worded = await do(lambda: task.dialect.answer(task.call, task.said, target, outputs))
            return self._counted(task, target, outputs, worded)
        except Exception as error:  # noqa: BLE001 as above
            blamed = task.target
            fault = blamed is not None and await do(lambda: _is_fault(task, blamed))
            return self._failed(task, error, fault=fault)
        finally:
            flights.ended()

    def _answered(self, task: Prediction, target: Target, outputs: Outputs) -> Answer:
        return self._counted(task, target, outputs, task.dialect.answer(task.call, task.said, target, outputs))

    def _counted(self, task: Prediction, target: Target, outputs: Outputs, answer: Answer) -> Answer:
        call, body = task.call, answer.body
        latency_us = (perf_counter() - task.began_s) * 1e6
        served = cast("Served", task.served)
        served.counted(target, pinned=task.pinned).add(latency_us, 200)
        if served.capture and self._spool is not None:
            kept = answer.kept
            self._capture(task, target, 200, latency_us, kept or outputs, 0 if kept else len(body))
        if served.shadows and not task.pinned:
            self._shadows.offer(served, target, cast("Rows", task.rows), outputs)
        return Answer(200, body, answer.headers, target, call.request_id)

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
            tally = cast("Served", task.served).counted(target, pinned=task.pinned)
            fault = status < 500 and (_is_fault(task, target) if fault is None else fault)
            tally.add(latency_us, status, fault=fault)
            if status >= 500 and self._spool is not None and task.rows is not None:
                self._capture(task, target, status, latency_us, {}, 0)
        headers = (JSON, *retry_after(error))
        return Answer(status, task.dialect.failure(error), headers, target, task.call.request_id)

    def _capture(
        self, task: Prediction, target: Target, status: int, latency_us: float, outputs: Outputs | bytes, size: int
    ) -> None:
        request_id = task.call.request_id
        if not sampled(request_id, cast("Served", task.served).capture):
            return
        values, more = task.kept or _kept(task)
        record = CapturedPrediction(
            target.tally.origin,
            request_id.decode("ascii"),
            int(time.time() * 1000 - latency_us / 1000),
            int(latency_us),
            status,
            values,
            outputs,
        )
        cast("Spool", self._spool).put_prediction(record, size_bytes=size + more)

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


def _prepared(task: Prediction) -> tuple[Target, Rows]:
    """Who answers, and the rows for it."""
    call, dialect = task.call, task.dialect
    task.served = served = task.table.find(call.endpoint)
    live = served.answering()
    task.said = said = dialect.read(call)
    version = call.version
    if version is None and (pin := call.header(PIN)) is not None:
        version = pin.decode("latin-1")
    if version is not None:
        task.pinned, task.target = True, (target := served.pinned(version))
    elif not served.layout:
        task.target = target = live
    elif served.key_kind != "field":
        task.target = target = served.of_key(_key(served, call))
    else:
        return _by_field(task, live)
    task.rows = rows = dialect.rows(said, target.loaded.check)
    if not rows.size:
        raise InvalidInput("The request has no rows.")
    return target, rows


def _prepared_and_kept(task: Prediction) -> tuple[Target, Rows]:
    """The same for a large request, and what is captured of it."""
    found = _prepared(task)
    if cast("Served", task.served).capture:
        task.kept = _kept(task)
    return found


def _kept(task: Prediction) -> tuple[object, int]:
    """The rows as they are captured, and about how long they are as JSON where they are not given so."""
    text, rows = task.dialect.text(task.said), cast("Rows", task.rows)
    if text:  # spares the spool's thread to make it anew
        return text, 0
    if rows.matrix is not None:
        return rows.matrix, rows.matrix.size * _VALUE_BYTES
    values = [list(each) for each in zip(*(column.tolist() for column in rows.columns.values()), strict=True)]
    return values, len(task.call.body)  # texts may be of any length


def _by_field(task: Prediction, live: Target) -> tuple[Target, Rows]:
    """Who answers where a value of the request decides it, be it an input or a parameter beside the inputs."""
    served, dialect, said = cast("Served", task.served), task.dialect, task.said
    value = dialect.parameters(said).get(served.key_name)
    task.target = live  # to blame until somebody else is chosen
    rows = dialect.rows(said, live.loaded.check)
    if not rows.size:
        raise InvalidInput("The request has no rows.")
    if value is None:
        value = live.loaded.check.value(rows, served.key_name)
    key = task.call.client.encode() if value is None else repr(value).encode("utf-8", "surrogatepass")
    task.target = target = served.of_key(key)
    if target is not live and target.loaded.runtime.interface != live.loaded.runtime.interface:
        rows = dialect.rows(said, target.loaded.check)
    task.rows = rows
    return target, rows


def _key(served: Served, call: Call) -> bytes:
    """What keeps a caller on one version; without it, the address does."""
    if served.key_kind == "header":
        return call.header(served.key_name.encode("latin-1")) or call.client.encode()
    return call.request_id if served.key_kind == "request" else call.client.encode()


def _is_fault(task: Prediction, target: Target) -> bool:
    """Whether a version refused what the live one takes: its fault, then, and none of the caller's."""
    live = task.served.live if task.served is not None else None
    if live is None or live is target or task.rows is not None or task.said is None:
        return False
    with suppress(Exception):  # whatever a request does to the check of the live version is not this one's fault
        task.dialect.rows(task.said, live.loaded.check)
        return True
    return False


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
