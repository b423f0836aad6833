"""The analysis process: carries running rollouts on, four times a second, for as long as its parent lives."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.api import open as open_engine
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.api import Engine

TICK_S = 0.25
"""How often it looks, in seconds."""

_TROUBLE_S = 2.0
"""How long it leaves a workspace alone that it could not read."""

LOCK = "analysis.lock"
"""The file that the one analysis process of a workspace holds."""


def main(arguments: list[str]) -> int:
    """Run until SIGTERM, or until the parent has died.

    Args:
        arguments: The workspace's directory.

    Returns:
        The exit code.
    """
    parent, stop = os.getppid(), threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    workspace = Path(arguments[0])
    with _alone(workspace, stop, parent) as mine:
        if not mine:
            return 0
        with open_engine(workspace, via="analysis") as engine:
            _run(engine, stop, parent)
    return 0


def _run(engine: Engine, stop: threading.Event, parent: int) -> None:
    analyst, told = engine.analyst, ""
    while not stop.is_set() and os.getppid() == parent:
        pause_s = TICK_S
        try:
            analyst.tick()
            told = ""
        except QuarterdeckError as error:
            pause_s = _TROUBLE_S
            if error.message != told:
                told = error.message
                print(f"analysis: {error.message}", file=sys.stderr, flush=True)  # noqa: T201 the parent's log
        stop.wait(pause_s)


@contextmanager
def _alone(workspace: Path, stop: threading.Event, parent: int) -> Iterator[bool]:
    """Wait until no other analysis process holds the workspace; two would count every request twice."""
    file = os.open(workspace / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not stop.is_set() and os.getppid() == parent:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield True
                return
            stop.wait(TICK_S)
        yield False
    finally:
        os.close(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
