"""The monitors' process: has monitors look when their time has come, for as long as its parent lives.

Started by `qd up` as `python -m engine.supervision.monitors WORKSPACE`. Several may run, on one machine or on many:
each monitor has a lease, and what an earlier holder still wants to write is refused by its fence.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from engine.api import open as open_engine
from engine.core.access import Actor
from engine.core.complaints import Complaints
from engine.core.errors import QuarterdeckError
from engine.monitoring.leases import LEASE_MS
from engine.monitoring.rounds import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.api import Engine

LOOK_S = 0.5
"""How often it looks whether a monitor's time has come, in seconds."""

ADVANCE_S = 5.0
"""How often it lets time pass for alerts: escalation, silences, what was taken on."""

_TROUBLE_S = 2.0


def main(arguments: Sequence[str]) -> int:
    """Run until SIGTERM, or until the parent has died.

    Args:
        arguments: The workspace's directory, and for how many milliseconds leases last, if not as usual.

    Returns:
        The exit code.
    """
    parent, stop = os.getppid(), threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    lasts_ms = int(arguments[1]) if len(arguments) > 1 else LEASE_MS
    try:
        with open_engine(Path(arguments[0]), via="analysis") as engine:
            owner = f"{os.uname().nodename}:{os.getpid()}:{token_hex(4)}"
            actor = Actor(engine.access.actor.name, "monitors", "analysis")
            tend(engine, Runner(owner, actor, lasts_ms), lambda: stop.is_set() or os.getppid() != parent, stop.wait)
    except QuarterdeckError as error:
        Complaints().say("monitors", error)
        return error.exit_code
    return 0


def tend(engine: Engine, runner: Runner, ended: Callable[[], bool], rest: Callable[[float], object]) -> None:
    """Have monitors look when their time has come.

    Args:
        engine: The workspace.
        runner: Who looks.
        ended: Whether it is time to end.
        rest: Waits for so many seconds, or less.
    """
    from time import monotonic

    complaints, advance_s = Complaints(), 0.0
    while not ended():
        tasks: list[Callable[[], object]] = [lambda: _look(engine, runner, ended)]
        if monotonic() >= advance_s:  # whatever becomes of monitors, and of the clock on the wall
            advance_s = monotonic() + ADVANCE_S
            tasks = [engine.alerts.advance, engine.monitors.end_undeclared, *tasks, engine.drift.make_missing]
        failed = [task for task in tasks if not _done(task, complaints)]
        rest(_TROUBLE_S if failed else LOOK_S)


def _look(engine: Engine, runner: Runner, ended: Callable[[], bool]) -> None:
    for monitor in engine.monitors.due():
        if ended():
            return
        if monitor.runner in ("", runner.owner):
            engine.monitors.look(monitor, runner)


def _done(task: Callable[[], object], complaints: Complaints) -> bool:
    """Do something; what stands in its way is said, and does not stand in the way of anything else."""
    try:
        task()
    except QuarterdeckError as error:
        complaints.say("monitors", error)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
