"""What takes a while and goes on whatever screen is shown: a thread each, with progress, and an end on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from itertools import count
from typing import Any

from textual.message import Message

from engine.core.frozen import frozen

Post = Callable[[Message], object]

MOST_KEPT = 50
"""Tasks that are remembered."""

STILL_SECONDS = 0.1
"""Least time between two reports of the same words."""


class TaskState(StrEnum):
    """How a task stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Cancelled(Exception):
    """The operator gave the task up."""


class Task:
    """Something that takes a while. Changed in the screen's thread alone.

    Args:
        number: Grows with every task.
        title: What is done, such as `build churn/8`.
        began: When, in seconds of the monotonic clock.
    """

    def __init__(self, number: int, title: str, began: float) -> None:
        self.number = number
        self.title = title
        self.began = began
        self.state = TaskState.RUNNING
        """How it stands."""
        self.words = ""
        """What happens now, or how it ended."""
        self.step = self.steps = 0
        """Steps done, and in all; 0 when nobody knows."""
        self.seconds = 0.0
        """How long it took; 0 while it runs."""

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        return self.state is TaskState.RUNNING


class Progress:
    """What a task says while it works; called from its thread.

    Args:
        tell: Takes words, steps done and steps in all.
        given_up: Set when the operator wants it to end.
    """

    def __init__(self, tell: Callable[[str, int, int], None], given_up: threading.Event) -> None:
        self._tell = tell
        self._given_up = given_up
        self._at = 0.0
        self._words = ""

    def __call__(self, words: str, step: int = 0, steps: int = 0) -> None:
        """Say what happens now.

        Raises:
            Cancelled: the operator gave the task up.
        """
        if self._given_up.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._at >= STILL_SECONDS or words != self._words:
            self._at, self._words = now, words
            self._tell(words, step, steps)


@frozen
class _Ending:
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]
    given_up: threading.Event


class Tasks:
    """Starts tasks and remembers them, the newest last.

    Args:
        post: Takes a message to the screen's thread, from any thread.
    """

    class Told(Message):
        """A task said something.

        Args:
            number: Which.
            words: What happens now.
            step: Steps done.
            steps: Steps in all; 0 when nobody knows.
        """

        def __init__(self, number: int, words: str, step: int, steps: int) -> None:
            super().__init__()
            self.number = number
            self.words = words
            self.step = step
            self.steps = steps

    class Ended(Message):
        """A task ended.

        Args:
            number: Which.
            result: What it came to; `None` when it failed.
            error: Why it failed, if it did.
        """

        def __init__(self, number: int, result: object = None, error: Exception | None = None) -> None:
            super().__init__()
            self.number = number
            self.result = result
            self.error = error

    def __init__(self, post: Post) -> None:
        self._post = post
        self._numbers = count(1)
        self._tasks: dict[int, Task] = {}
        self._endings: dict[int, _Ending] = {}

    @property
    def all(self) -> tuple[Task, ...]:
        """Those that run and those that ended lately, the newest first."""
        return tuple(reversed(self._tasks.values()))

    @property
    def running(self) -> tuple[Task, ...]:
        """Those that run."""
        return tuple(task for task in self._tasks.values() if task.running)

    def start(
        self,
        title: str,
        compute: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> Task:
        """Begin a task.

        Args:
            title: What is done.
            compute: Does it, in a thread of its own; says how far it is.
            done: Takes the result, in the screen's thread.
            failed: Takes the error, in the screen's thread; not called when the operator gave it up.

        Returns:
            The task.
        """
        number = next(self._numbers)
        task = self._tasks[number] = Task(number, title, time.monotonic())
        given_up = threading.Event()
        self._endings[number] = _Ending(done, failed, given_up)
        for old in [each.number for each in self._tasks.values() if not each.running][:-MOST_KEPT]:
            del self._tasks[old]

        def tell(words: str, step: int, steps: int) -> None:
            self._post(self.Told(number, words, step, steps))

        def run() -> None:
            try:
                ended = self.Ended(number, compute(Progress(tell, given_up)))
            except Exception as error:  # noqa: BLE001 the worker edge: whatever happens becomes a message
                ended = self.Ended(number, error=error)
            self._post(ended)

        threading.Thread(target=run, name=f"qd-task-{number}", daemon=True).start()
        return task

    def cancel(self, task: Task) -> None:
        """Ask a task to end; it does so at its next word."""
        if task.number in self._endings:
            self._endings[task.number].given_up.set()
            task.words = "ending…"

    def hear(self, message: Told) -> Task | None:
        """Take what a task said; `None` when it has ended meanwhile."""
        task = self._tasks.get(message.number)
        if task is None or not task.running:
            return None
        task.words, task.step, task.steps = message.words, message.step, message.steps
        return task

    def settle(self, message: Ended) -> None:
        """Hand the result to whoever asked. Runs in the screen's thread."""
        task, ending = self._tasks[message.number], self._endings.pop(message.number)
        task.seconds = time.monotonic() - task.began
        if isinstance(message.error, Cancelled):
            task.state, task.words = TaskState.CANCELLED, "given up; nothing was kept"
        elif message.error is not None:
            task.state, task.words = TaskState.FAILED, getattr(message.error, "message", str(message.error))
            ending.failed(message.error)
        else:
            task.state = TaskState.DONE
            task.words = ""
            ending.done(message.result)

    def close(self) -> None:
        """Ask all to end; the console does not wait for them."""
        for ending in self._endings.values():
            ending.given_up.set()
