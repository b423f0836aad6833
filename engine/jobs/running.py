"""The process of one job: `python -m engine.jobs.running FOLDER WORD…`. It outlives who started it.

It takes the job's lock, leaves the session of its terminal, runs the command, passes on that it is to end, and writes
down how it ended.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.jobs.folder import CANCEL, ENDED, LOCK, LOG, PROGRESS, write
from engine.jobs.model import PROGRESS as TOLD_IN

GRACE_S = 10.0
"""How long a command that was interrupted may take to leave things whole, before it is ended the hard way."""


def main(folder: Path, words: list[str]) -> int:
    """Run a job; the process that was started returns as soon as the job's own process lives.

    Args:
        folder: The job's.
        words: The command line, the program first.

    Returns:
        The exit code: 0.

    Raises:
        OSError: the folder takes no files.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ending = _Ending()
    for number in (signal.SIGTERM, signal.SIGINT):  # before anybody can know the process that they are for
        signal.signal(number, ending.on_signal)
    child = os.fork()
    if child:
        os.pwrite(lock, f"{child}\n".encode(), 0)
        return 0  # the lock belongs to both, until the child has ended too
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _quiet(folder)
    command = subprocess.Popen(  # noqa: S603 a list of words, checked by who asked; no shell
        words, stdin=subprocess.DEVNULL, env={**os.environ, TOLD_IN: str(folder / PROGRESS)}
    )
    ending.watch(command)
    code = command.wait()
    write(folder / ENDED, {"exit_code": code if code >= 0 else 128 - code, "ended_ms": time.time_ns() // 1_000_000})
    return 0


def _quiet(folder: Path) -> None:
    """Write to the job's log from now on, and hold nothing of the terminal."""
    log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, log), (2, log)):
        os.dup2(file, number)


class _Ending:
    """Interrupts the command, as ctrl-c would; ends it when it does not hear."""

    def __init__(self) -> None:
        self._command: subprocess.Popen[bytes] | None = None
        self._asked = False

    def watch(self, command: subprocess.Popen[bytes]) -> None:
        """The command that is meant; it may have been asked to end before it began."""
        self._command = command
        if self._asked:
            self._interrupt(command)

    def on_signal(self, _number: int, _frame: object) -> None:
        if not self._asked and self._command is not None:
            self._interrupt(self._command)
        self._asked = True

    def _interrupt(self, command: subprocess.Popen[bytes]) -> None:
        signal.signal(signal.SIGALRM, lambda _number, _frame: command.kill())
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)
        command.send_signal(signal.SIGINT)


def cancel(folder: Path) -> bool:
    """Ask a job to end.

    Args:
        folder: The job's.

    Returns:
        Whether its process was there to be asked.

    Raises:
        PermissionError: it belongs to another user of the operating system.
    """
    try:
        pid = int((folder / LOCK).read_text())
    except (OSError, ValueError):
        return False
    (folder / CANCEL).touch()
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
