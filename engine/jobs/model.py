"""Jobs as values: a command that runs by itself, how far it is, and how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRESS = "QUARTERDECK_PROGRESS"
"""Names the file in which a command tells how far it is."""

NOT_JOBS = frozenset({"completion", "console", "demo", "init", "jobs", "serve", "server", "up", "web"})
"""Commands that are no jobs: they never end by themselves, need a terminal, or make the workspace a job needs."""


MAX_WORDS, MAX_LENGTH = 200, 20_000
"""Of a command line: words, and characters in all."""


class JobState(StrEnum):
    """How a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its process ended without a word: it was killed, or the machine went down."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self is not JobState.RUNNING


@frozen
class Progress:
    """How far a command is.

    Args:
        what: What is going on, such as `loading`.
        done: Steps of it done.
        total: Steps in all; 0 when nobody knows.
        since_ms: When this part began, in milliseconds since the epoch.
        at_ms: When this was told.
    """

    what: str
    done: int
    total: int
    since_ms: int
    at_ms: int

    @property
    def left_ms(self) -> int | None:
        """How long this part still takes when it goes on as it went, in milliseconds; `None` when nobody knows."""
        if self.done <= 0 or self.total < self.done:
            return None
        return round((self.at_ms - self.since_ms) / self.done * (self.total - self.done))


@frozen
class Job:
    """A command that runs by itself.

    Args:
        id: Its number in the workspace.
        title: What it does, in a few words.
        words: The command line behind `qd`.
        actor: Who asked for it.
        started_ms: When, in milliseconds since the epoch.
        state: How it stands.
        progress: How far it is, or was when it ended; `None` when it has not told.
        ended_ms: When it ended; `None` while it runs, and of one that was lost.
        exit_code: What it ended with; `None` while it runs, and of one that was lost.
    """

    id: int
    title: str
    words: tuple[str, ...]
    actor: str
    started_ms: int
    state: JobState
    progress: Progress | None = None
    ended_ms: int | None = None
    exit_code: int | None = None


def line_of(words: Sequence[str]) -> tuple[str, ...]:
    """A command line that a job may run.

    Args:
        words: The words behind `qd`.

    Returns:
        The same words.

    Raises:
        InvalidInput: no command is named, it is one of `NOT_JOBS`, or the line is too long or holds a NUL.
    """
    line = tuple(words)
    if not line or line[0].startswith("-"):
        raise InvalidInput("A job is a command without `qd`.", hint="Write `qd jobs start -- models build churn 3`.")
    if line[0] in NOT_JOBS:
        raise InvalidInput(f"`qd {line[0]}` cannot be a job.", hint="Jobs are commands that end by themselves.")
    if len(line) > MAX_WORDS or sum(map(len, line)) > MAX_LENGTH or any("\0" in word for word in line):
        raise InvalidInput("This command line is too long for a job, or holds a NUL.")
    return line
