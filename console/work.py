"""Engine work off the screen's thread: a result comes back as a message, and only the newest of a kind counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from queue import SimpleQueue
from typing import Any

from textual.message import Message

from engine.core.patience import Patience

Post = Callable[[Message], object]


@dataclass(slots=True)
class Job:
    """Something to compute.

    Args:
        number: Grows with every job.
        group: Only the newest job of a group is shown; the name says what it is for, such as `runs.rows`.
        compute: Runs in a worker thread; touches no widget.
        done: Runs in the screen's thread with the result.
        failed: Runs in the screen's thread with the error.
    """

    number: int
    group: str
    compute: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    patience: Patience = field(default_factory=lambda: Patience(inf))
    """With what it reads: what nobody wants any more is ended."""


class Workers:
    """A thread for reading and one for acting, so that a slow gate does not hold up a list.

    Args:
        post: Takes a message to the screen's thread, from any thread.
    """

    class Finished(Message):
        """A job ended.

        Args:
            job: Which.
            result: What it computed; `None` when it failed.
            error: Why it failed, if it did.
        """

        def __init__(self, job: Job, result: object = None, error: Exception | None = None) -> None:
            super().__init__()
            self.job = job
            self.result = result
            self.error = error

    def __init__(self, post: Post) -> None:
        self._post = post
        self._numbers = count(1)
        self._newest: dict[str, int] = {}
        self._acting: set[int] = set()
        self._reading: Job | None = None
        self._queues: dict[str, SimpleQueue[Job | None]] = {}

    @property
    def acting(self) -> bool:
        """Whether something that changes the workspace is still being done."""
        return bool(self._acting)

    def read(
        self, group: str, compute: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Compute something to show; a newer job of the same group makes this one void, and ends what it reads.

        Args:
            group: What it is for.
            compute: Runs in the reading thread.
            done: Takes the result, in the screen's thread.
            failed: Takes the error, in the screen's thread.
        """
        job = Job(next(self._numbers), group, compute, done, failed)
        self._newest[group] = job.number
        self._give_up(group)
        self._queue("read").put(job)

    def act(self, compute: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """Do something that changes the workspace; it is never void.

        Args:
            compute: Runs in the acting thread.
            done: Takes the result, in the screen's thread.
            failed: Takes the error, in the screen's thread.
        """
        job = Job(next(self._numbers), "", compute, done, failed)
        self._acting.add(job.number)
        self._queue("act").put(job)

    def cancel(self, group: str) -> None:
        """Make void what was asked for a group."""
        self._newest.pop(group, None)
        self._give_up(group)

    def _give_up(self, group: str) -> None:
        """End what is being read for a group: nobody waits for it any more, but others may wait for the thread."""
        reading = self._reading
        if reading is not None and reading.group == group:
            reading.patience.end()

    def settle(self, message: Finished) -> None:
        """Hand a finished job's result to whoever asked, unless it is void. Runs in the screen's thread."""
        job = message.job
        self._acting.discard(job.number)
        if job.group and self._newest.get(job.group) != job.number:
            return
        if message.error is not None:
            job.failed(message.error)
        else:
            job.done(message.result)

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        for queue in self._queues.values():
            queue.put(None)

    def _queue(self, name: str) -> SimpleQueue[Job | None]:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = SimpleQueue()
            run = self._look_up if name == "read" else self._do
            threading.Thread(target=self._serve, args=(queue, run), name=f"qd-{name}", daemon=True).start()
        return queue

    def _serve(self, queue: SimpleQueue[Job | None], run: Callable[[Job], Any]) -> None:
        while (job := queue.get()) is not None:
            if job.group and self._newest.get(job.group) != job.number:
                continue
            try:
                finished = self.Finished(job, run(job))
            except Exception as error:  # noqa: BLE001 the worker edge: whatever happens becomes a message
                finished = self.Finished(job, error=error)
            self._post(finished)

    def _look_up(self, job: Job) -> object:
        self._reading = job
        try:
            if self._newest.get(job.group) != job.number:  # given up just before it could be told so
                job.patience.end()
            return job.patience.run(job.compute)
        finally:
            self._reading = None

    @staticmethod
    def _do(job: Job) -> object:
        return job.compute()
