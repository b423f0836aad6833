"""What `qd up` tells of the processes it looks after, and the pure rule of how long one that fails rests."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum

from engine.core.frozen import frozen

FIRST_REST_S, LONGEST_REST_S = 0.5, 30.0
"""How long a process rests after its first failure in a row, and at most, in seconds."""

WELL_S = 60.0
"""A process that has lived so long is well: its failures are forgotten."""

OFTEN = 5
"""From how many failures in a row on a process is said to be failing."""


class ChildState(StrEnum):
    """Where a process stands."""

    RUNNING = "running"
    RESTING = "resting"
    """It ended, and is started again when it has rested."""
    FAILING = "failing"
    """The same, for the fifth time in a row or more; it is still started again."""
    STOPPED = "stopped"


@frozen
class ChildStatus:
    """One process that is looked after.

    Args:
        name: What it is: `server`, `writer`, `analysis`, `prober`, `monitors` or `serve`.
        state: Where it stands.
        words: The same in a sentence.
        pid: The process; `None` when there is none now.
        started_ms: When this one started, in milliseconds since the epoch; `None` before the first.
        restarts: How often it was started again.
        failures: How often it ended in a row without having lived for a minute.
        last_line: The last line it wrote before it ended the last time; cleaned.
        next_ms: When it is started again, in milliseconds since the epoch; `None` while it runs.
    """

    name: str
    state: ChildState
    words: str
    pid: int | None = None
    started_ms: int | None = None
    restarts: int = 0
    failures: int = 0
    last_line: str = ""
    next_ms: int | None = None


@frozen
class UpStatus:
    """What `qd up` does on a workspace.

    Args:
        pid: The supervisor's process.
        user: The operating system's user it runs as.
        started_ms: When it started, in milliseconds since the epoch.
        version: The version of Quarterdeck.
        children: The processes it looks after, in the order in which they are started.
    """

    pid: int
    user: str
    started_ms: int
    version: str
    children: tuple[ChildStatus, ...] = ()

    def to_json(self) -> str:
        """As kept in the status file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> UpStatus:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        import msgspec  # only who looks for a supervisor needs it

        return msgspec.json.decode(text, type=cls)


def rest_s(failures: int) -> float:
    """How long a process rests before it is started again: twice as long each time.

    Args:
        failures: How often it ended in a row, from 1.

    Returns:
        Seconds.
    """
    return float(min(FIRST_REST_S * 2.0 ** min(failures - 1, 20), LONGEST_REST_S))


def failures_after(failures: int, lived_s: float) -> int:
    """How many failures in a row there are once a process has ended.

    Args:
        failures: How many there were before.
        lived_s: How long it lived, in seconds.
    """
    return 1 if lived_s >= WELL_S else failures + 1


def ending(code: int) -> str:
    """How a process ended, in words.

    Args:
        code: As `subprocess` gives it: negative for a signal.
    """
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
