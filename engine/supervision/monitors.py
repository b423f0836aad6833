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
    complaints, advanced_ms = Complaints(), 0
    while not ended():
        pause_s = LOOK_S
        try:
            for monitor in engine.monitors.due():
                if ended():
                    return
                if monitor.runner in ("", runner.owner):
                    engine.monitors.look(monitor, runner)
            now_ms = engine.clock.now_ms()
            if now_ms - advanced_ms >= ADVANCE_S * 1000:
                engine.alerts.advance()
                engine.drift.make_missing()
                advanced_ms = now_ms
        except QuarterdeckError as error:
            complaints.say("monitors", error)
            pause_s = _TROUBLE_S
        rest(pause_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
