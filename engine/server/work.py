"""Where operations run: readers side by side, short writes in groups that share one durable commit, long ones alone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.errors import Busy, Overloaded
from engine.core.patience import Patience
from engine.server.room import Room
from engine.server.slowness import SLOW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.db.database import Database
    from engine.server.measures import Measures

T = TypeVar("T")

READERS = 4
"""Threads that read; SQLite lets go of the interpreter while it searches."""

KEPT_KIB = 4_000
"""Memory of each for pages it has read, in KiB: a hundred runs with all that belongs to them lie on 500 pages."""

ACTORS = 2
"""Threads for operations that take long before they write."""

LONGEST_READ_S = 30.0
"""How long a reading may take, in seconds: some filters can be made to take hours, and there are few readers."""

MAX_WAITING = 1_024
"""Most operations of one way that wait; more are told to come again."""

MAX_GROUP = 512
"""Most writes of one commit."""

MAX_GROUP_S = 0.1
"""Longest that a group takes writes in, in seconds; other processes wait while it is open."""

QUICK_COMMIT_S = 0.003
"""Commits that take longer, in the mean of late, are waited for by the writer's thread, never by the event loop."""

_WEIGHT = 0.1
_RETRY_AFTER_S = 1


class _Write:
    """A write that waits for its group."""

    __slots__ = ("answer", "error", "future", "operation", "quick")

    def __init__(self, operation: Callable[[], Any], future: asyncio.Future[Any], *, quick: bool) -> None:
        self.operation = operation
        self.future = future
        self.quick = quick
        self.answer: Any = None
        self.error: BaseException | None = None


class _Watch:
    """Looks, when its time is over, whether an operation still reads, and then again and again."""

    __slots__ = ("_loop", "_patience", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, patience: Patience) -> None:
        self._loop = loop
        self._patience = patience
        self._timer = loop.call_later(patience.longest_s, self._look)

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._patience.look(), self._look)

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()


class Work:
    """Runs the operations of a server.

    Attributes:
        ending: Whether the server has been told to stop: answers without an end must find one.
        room: The memory that bodies of requests may take.

    Writes go into groups. A group of quick writes runs on the event loop itself, after all requests that have arrived
    with it: handing it to another thread and back costs more than it does. Where the disk is slow, another process
    writes, or a write may take long, the group runs on the writer's thread.

    Args:
        database: The database whose groups the writes share.
        loop: The event loop that waits for answers.
        measures: Told of every group.
        max_waiting: Most operations of one way that wait.
        longest_read_s: How long a reading may take, in seconds.
    """

    def __init__(
        self,
        database: Database,
        loop: asyncio.AbstractEventLoop,
        *,
        measures: Measures,
        max_waiting: int = MAX_WAITING,
        longest_read_s: float = LONGEST_READ_S,
    ) -> None:
        self.ending = False
        self.room = Room()
        self._measures = measures
        self._database = database
        self._loop = loop
        self._max_waiting = max_waiting
        self._longest_read_s = longest_read_s
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._actors = ThreadPoolExecutor(ACTORS, "actor")
        self._reading = 0
        self._acting = 0
        self._queue: deque[_Write] = deque()
        self._called = False
        self._commit_s = 0.0
        self._wanted = threading.Condition(threading.Lock())
        self._awake = False
        self._closed = False
        database.keep_read(KEPT_KIB)
        self._writer = threading.Thread(target=self._write_groups, name="writer", daemon=True)
        self._writer.start()

    @property
    def waiting(self) -> int:
        """How many writes wait for their group."""
        return len(self._queue)

    async def read(self, operation: Callable[[], T]) -> T:
        """Run an operation that only reads.

        Raises:
            QuarterdeckError: as the operation says.
            InvalidInput: it took too long.
            Overloaded: too many wait.
        """
        self._admit(self._reading)
        self._reading += 1
        patience = Patience(self._longest_read_s)
        watch = _Watch(self._loop, patience)
        try:
            return await self._loop.run_in_executor(self._readers, patience.run, operation)
        finally:
            watch.end()
            self._reading -= 1

    async def act(self, operation: Callable[[], T]) -> T:
        """Run an operation that takes long before it writes, in transactions of its own.

        Raises:
            QuarterdeckError: as the operation says.
            Overloaded: too many wait.
        """
        self._admit(self._acting)
        self._acting += 1
        try:
            return await self._loop.run_in_executor(self._actors, operation)
        finally:
            self._acting -= 1

    async def write(self, operation: Callable[[], T], *, quick: bool = False) -> T:
        """Run an operation that writes shortly, in the next group.

        Args:
            operation: What to do.
            quick: Whether it takes less than some milliseconds whatever it is given.

        Returns:
            Its answer, once the group's commit is durable.

        Raises:
            QuarterdeckError: as the operation says, or as the commit of its group says; then nothing was written.
            Overloaded: too many wait, or the server is closing.
        """
        self._admit(len(self._queue))
        waiting = _Write(operation, self._loop.create_future(), quick=quick)
        self._queue.append(waiting)
        if not quick or self._commit_s > QUICK_COMMIT_S:
            self._wake()
        else:
            self._call()
        answer: T = await waiting.future
        return answer

    def end(self) -> None:
        """Have answers without an end find one."""
        self.ending = True

    def close(self) -> None:
        """Finish what waits, unless another process keeps the workspace locked; then end the threads."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        with self._database.hurried():
            self._writer.join()
            self._readers.shutdown(cancel_futures=True)
            self._actors.shutdown(cancel_futures=True)

    def _admit(self, waiting: int) -> None:
        if waiting >= self._max_waiting or self._closed:
            raise Overloaded(
                "The server has more to do than it lets wait.",
                hint="Try again shortly.",
                details={"retry_after_s": _RETRY_AFTER_S},
            )

    def _call(self) -> None:
        """Have a group run on the event loop, after what has arrived already."""
        if not self._called:
            self._called = True
            self._loop.call_soon(self._write_here)

    def _wake(self) -> None:
        with self._wanted:
            self._awake = True
            self._wanted.notify()

    def _write_here(self) -> None:
        """On the event loop: run the group that has gathered, unless it would have to wait for somebody."""
        self._called = False
        for write in tuple(self._queue):  # a copy: the writer's thread may take from it
            if not write.quick:
                self._wake()
                return
        if not self._queue:
            return
        try:
            done = self._group(wait=False)
        except Busy:
            self._wake()
            return
        _answer(done)
        if self._queue:  # the group was full
            self._call()

    def _write_groups(self) -> None:
        """On the writer's thread: run groups for as long as there are writes, whenever woken."""
        while True:
            with self._wanted:
                while not self._awake and not self._closed:
                    self._wanted.wait()
                self._awake = False
                if self._closed and not self._queue:
                    return
            while self._queue:
                self._loop.call_soon_threadsafe(_answer, self._group(wait=True))

    def _group(self, *, wait: bool) -> list[_Write]:
        """Run one group.

        Args:
            wait: Wait for other writers.

        Returns:
            The writes that were in it, each with its answer or error.

        Raises:
            Busy: another writes, and it is not waited for; nothing was taken from the queue.
        """
        done: list[_Write] = []
        began = opened = ran = time.perf_counter()
        try:
            with self._database.group(wait=wait):
                opened = ran = time.perf_counter()
                self._run(done)
                ran = time.perf_counter()
        except BaseException as error:  # whatever it is: those who wait for an answer must get one
            if isinstance(error, Busy) and not done and not wait:
                raise
            if not done:  # it could not even begin; none of those who waited is made to wait for that again
                with suppress(IndexError):  # the other thread may have taken the last one
                    while self._queue:
                        done.append(self._queue.popleft())
            for write in done:
                write.error = write.error or error
        ended = time.perf_counter()
        self._commit_s += _WEIGHT * (ended - ran - self._commit_s)
        self._measures.group(len(done), ended - began)
        if ended - began >= SLOW_S:
            operations = [write.operation for write in done]
            self._measures.slow.group(operations, waited_s=opened - began, ran_s=ran - opened, kept_s=ended - ran)
        return done

    def _run(self, done: list[_Write]) -> None:
        """Run what waits, and what comes meanwhile, until the queue is empty or the group is full."""
        until = time.monotonic() + MAX_GROUP_S
        while self._queue and len(done) < MAX_GROUP:
            write = self._queue.popleft()  # only one thread at a time is in a group
            done.append(write)
            try:
                write.answer = write.operation()
            except Exception as error:  # noqa: BLE001 the edge: it belongs to that request alone
                write.error = error
            if time.monotonic() > until:
                return


def _answer(done: list[_Write]) -> None:
    for write in done:
        if write.future.done():  # its client has gone
            continue
        if write.error is not None:
            write.future.set_exception(write.error)
        else:
            write.future.set_result(write.answer)
