"""The capture writer: a process that stores what data planes leave in the spool, and forgets what is old.

Started by `qd serve` and `qd up` as `python -m engine.telemetry.writer WORKSPACE`. Serving does not need it: without it
the spool fills up to its bound. A second one waits until the first is gone.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.clock import SystemClock
from engine.core.errors import PolicyInvalid, QuarterdeckError
from engine.core.text import clean
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.db.workspace import find_workspace
from engine.policy.file import PolicyFile
from engine.policy.model import Policy
from engine.telemetry.intake import Intake
from engine.telemetry.lock import WriterLock
from engine.telemetry.model import WriterStatus
from engine.telemetry.retention import Retention

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.core.clock import Clock
    from engine.db.workspace import Workspace

LOOK_S = 0.1
"""How often the spool is looked at while nothing comes, in seconds."""

_TELL_S = 1.0
_FORGET_S = 10.0
_STANDBY_S = 0.5
_LONGEST_REST_S = 2.0
_LAST_PASS_S = 5.0
_BUSY_TIMEOUT_MS = 2_000


class Writer:
    """Stores what comes, until told to end. The lock must be held.

    Args:
        workspace: The workspace.
        lock: Held; told how it goes.
        clock: Tells the time.
    """

    def __init__(self, workspace: Workspace, lock: WriterLock, clock: Clock) -> None:
        self._lock = lock
        self._clock = clock
        self._database = Database(
            workspace.telemetry_db,
            clock=clock,
            busy_timeout_ms=_BUSY_TIMEOUT_MS,
            durability=Durability.RELAXED,
            schema=TELEMETRY,
        )
        self._exists = workspace.telemetry_db.exists
        self._intake = Intake(self._database, workspace.spool)
        self._retention = Retention(self._database, clock)
        self._policy_file = PolicyFile(workspace.policy_file)
        self._policy = Policy()
        self._started_ms = clock.now_ms()
        self._problem = ""
        self._told: WriterStatus | None = None
        self._tell_at = self._forget_at = 0.0

    def run(self, ended: Callable[[float], bool]) -> None:
        """Go on until told to end; then store what still waits, for five seconds at most.

        Args:
            ended: Waits for so many seconds, or less when it is time to end, and says whether it is.
        """
        rest_s = 0.0
        while not ended(rest_s):
            found = self._pass()
            again_s = 0.0 if found else LOOK_S
            rest_s = min(max(rest_s, LOOK_S) * 2, _LONGEST_REST_S) if self._problem else again_s
        deadline = time.monotonic() + _LAST_PASS_S
        while self._pass() and time.monotonic() < deadline:
            pass
        self._tell(now=True)
        self._database.close()

    def _pass(self) -> bool:
        found = False
        try:
            found = self._intake.run()
            self._forget()
            self._problem = ""
        except QuarterdeckError as error:
            self._problem = str(error)
        except OSError as error:
            self._problem = f"The spool cannot be read: {error.strerror or error}."
        self._tell()
        return found and not self._problem

    def _forget(self) -> None:
        if time.monotonic() < self._forget_at or not self._exists():
            return
        with suppress(PolicyInvalid):  # the last one that was right holds
            self._policy = self._policy_file.read()
        more = self._retention.run(self._policy)
        self._forget_at = time.monotonic() + (LOOK_S if more else _FORGET_S)

    def _tell(self, *, now: bool = False) -> None:
        if time.monotonic() < self._tell_at and not now:
            return
        self._tell_at = time.monotonic() + _TELL_S
        status = WriterStatus(
            alive=True,
            pid=os.getpid(),
            started_ms=self._started_ms,
            stored=self._intake.stored,
            waiting_bytes=self._intake.waiting_bytes,
            problem=clean(self._problem, limit=300),
        )
        if status != self._told:
            self._told = status
            self._lock.tell(replace(status, time_ms=self._clock.now_ms()))


def run_writer(workspace: Workspace, ended: Callable[[float], bool], *, clock: Clock | None = None) -> None:
    """Be the capture writer of a workspace; while there is another one, wait for its end.

    Args:
        workspace: The workspace.
        ended: Waits for so many seconds, or less when it is time to end, and says whether it is.
        clock: Tells the time; the system's by default.

    Raises:
        WorkspaceReadOnly: the workspace's directory may not be written.
        WorkspaceError: the disk failed.
    """
    with WriterLock(workspace) as lock:
        while not lock.take():
            if ended(_STANDBY_S):
                return
        Writer(workspace, lock, clock or SystemClock()).run(ended)


def main(arguments: Sequence[str]) -> int:
    """Run as a process of its own: until SIGTERM, or until whoever started it is gone.

    Args:
        arguments: The workspace's directory.

    Returns:
        The exit code.
    """
    told, tell = os.pipe()
    parent = os.getppid()

    def ended(seconds: float) -> bool:
        return bool(select.select([told], [], [], seconds)[0]) or os.getppid() != parent

    signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"."))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; whoever started it passes on what is meant for it
    try:
        run_writer(find_workspace(arguments[0], environ=os.environ, cwd=Path.cwd()), ended)
    except QuarterdeckError as error:
        sys.stderr.write(f"qd: the capture writer cannot run: {clean(str(error))}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
