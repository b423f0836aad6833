"""`qd up`: runs the server-side parts of a workspace and keeps them running, until told to stop."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine import __version__
from engine.core.access import Role
from engine.policy.identity import os_user
from engine.processes.up import UpLock, logs
from engine.processes.up_model import UpStatus
from engine.supervision.child import Child, Program
from engine.supervision.log import Log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.api import Engine

LOOK_S = 1.0
"""How often the supervisor looks at its processes without being told that one has ended, in seconds."""

_STOP = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Parts:
    """What `qd up` is to run.

    Args:
        server: Words of `qd server`; `None` leaves it out.
        serve: Words of `qd serve`, which the capture writer goes with; `None` leaves both out.
        analysis: Whether rollouts are carried on.
        prober: Whether external endpoints are probed.
        monitors: Whether monitors look.
        before: Words before the noun, such as `--as NAME`.
    """

    server: tuple[str, ...] | None = ()
    serve: tuple[str, ...] | None = ()
    analysis: bool = True
    prober: bool = True
    monitors: bool = True
    before: tuple[str, ...] = ()


def programs(engine: Engine, parts: Parts) -> tuple[Program, ...]:
    """What runs for these parts, in the order in which it is started; it is stopped in the opposite one.

    Args:
        engine: The workspace.
        parts: What is asked for.
    """
    path = str(engine.workspace.path)
    command = ("engine.cli", "--workspace", path, *parts.before)
    found: list[Program] = []
    if parts.server is not None:
        found.append(Program("server", (*command, "server", *parts.server), end_s=20.0))
    if parts.serve is not None:
        found.append(Program("writer", ("engine.telemetry.writer", path)))
    if parts.analysis:
        found.append(Program("analysis", ("engine.supervision.analysis", path)))
    if parts.prober:
        found.append(Program("prober", ("engine.supervision.prober", path)))
    if parts.monitors:
        found.append(Program("monitors", ("engine.supervision.monitors", path)))
    if parts.serve is not None:
        found.append(Program("serve", (*command, "serve", "--alone", *parts.serve), end_s=30.0))
    return tuple(found)


class Supervisor:
    """Looks after processes until told to stop, by SIGTERM or SIGINT; SIGHUP starts each of them again.

    A SIGHUP that came because the terminal was closed stops it too.

    Args:
        engine: The workspace.
        programs: What is to run, in the order in which it is started.
    """

    def __init__(self, engine: Engine, programs: Sequence[Program]) -> None:
        self._clock = engine.clock
        self._workspace = engine.workspace
        folder = logs(engine.workspace)
        self._children = [
            Child(program, Log(folder / f"{program.name}.log", self._clock), self._clock) for program in programs
        ]
        self._started_ms = self._clock.now_ms()
        self._received: set[int] = set()

    def run(self) -> None:
        """Look after them; returns when all have ended.

        Raises:
            Busy: `qd up` runs on this workspace already.
            WorkspaceReplaced: the workspace was moved away or replaced.
            WorkspaceReadOnly: the workspace's directory may not be written.
            WorkspaceError: the disk failed.
        """
        had_terminal = _terminal()
        with UpLock(self._workspace).take() as lock, self._signals() as told:
            try:
                while not self._received.intersection(_STOP):
                    if signal.SIGHUP in self._received:
                        self._received.discard(signal.SIGHUP)
                        if had_terminal and not _terminal():
                            break  # it was closed, and who asked for this with it
                        self._restart(lock)
                    due_s = min((each.tend(time.monotonic()) for each in self._children), default=0.0)
                    lock.tell(self._status())
                    rest_s = max(0.0, min(due_s - time.monotonic(), LOOK_S))
                    if select.select([told], [], [], rest_s)[0]:
                        os.read(told, 4096)
            finally:
                for child in reversed(self._children):
                    child.end()

    def _restart(self, lock: UpLock) -> None:
        for child in self._children:
            child.again(time.monotonic())
            lock.tell(self._status())

    def _status(self) -> UpStatus:
        now_s = time.monotonic()
        children = tuple(each.status(now_s) for each in self._children)
        return UpStatus(os.getpid(), os_user(), self._started_ms, __version__, children)

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Note signals, and make the end of a child or a signal end the rest at once."""
        told, tell = os.pipe()
        for end in (told, tell):
            os.set_blocking(end, False)
        before = {sign: signal.getsignal(sign) for sign in (*_STOP, signal.SIGHUP, signal.SIGCHLD)}
        for sign in before:
            signal.signal(sign, lambda number, _frame: self._received.add(number))
        woken = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        try:
            yield told
        finally:
            signal.set_wakeup_fd(woken)
            for sign, handler in before.items():
                signal.signal(sign, handler)
            os.close(told)
            os.close(tell)


def _terminal() -> bool:
    """Whether this process has a terminal that can be reached."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def run_up(engine: Engine, parts: Parts) -> int:
    """Run the parts of a workspace until told to stop; says on stderr what runs and where its logs are.

    Args:
        engine: The workspace.
        parts: What is to run.

    Returns:
        The exit code.

    Raises:
        ReadOnlyMode: the session is read-only.
        PermissionDenied: the actor is no operator.
        Busy: `qd up` runs on this workspace already.
        WorkspaceError: the workspace cannot be written.
    """
    engine.access.require(Role.OPERATOR, "up")
    wanted = programs(engine, parts)
    named = ", ".join(each.name for each in wanted)
    sys.stderr.write(f"Starting {named}; logs are in {logs(engine.workspace)}. Ctrl-C ends all of them.\n")
    sys.stderr.flush()
    engine.database.close()  # nothing here reads it; each process opens its own
    Supervisor(engine, wanted).run()
    sys.stderr.write("All of them have ended.\n")
    return 0
