"""One process that is looked after: started, started again when it ends, ever more slowly, and ended with us."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.processes.up_model import OFTEN, WELL_S, ChildState, ChildStatus, ending, failures_after, rest_s

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.supervision.log import Log


_LINE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run.

    Args:
        name: What it is called in status and logs.
        words: A Python module and its arguments.
        end_s: How long it may take to end when told to, in seconds.
    """

    name: str
    words: tuple[str, ...]
    end_s: float = 8.0


class Child:
    """One process, and all those that took its place.

    Args:
        program: What is to run.
        log: Where what it writes is kept.
        clock: Tells the time, for people.
    """

    def __init__(self, program: Program, log: Log, clock: Clock) -> None:
        self.program = program
        self._log = log
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._began_s = self._due_s = 0.0
        self._started_ms: int | None = None
        self._starts = self._failures = 0
        self._ended = self._last_line = ""
        self._stopped = False

    def tend(self, now_s: float) -> float:
        """Start it when it does not run and has rested; never waits.

        Args:
            now_s: The present, on the monotonic clock.

        Returns:
            When to look again at the latest, on that clock.
        """
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return now_s + 3_600.0
            self._take_leave(code, now_s)
        if now_s >= self._due_s:
            self._start(now_s)
            return now_s + 3_600.0
        return self._due_s

    def end(self) -> None:
        """Tell it to end, wait until it has, for a bounded time, then make it."""
        self._stopped = True
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(self.program.end_s)
        except subprocess.TimeoutExpired:
            self._note(f"has not ended within {self.program.end_s:g} s, and is killed")
            process.kill()
            process.wait()
        self._close(process)
        self._process = None
        self._note("has ended")

    def again(self, now_s: float) -> None:
        """End it and start it again, without counting that as a failure.

        Args:
            now_s: The present, on the monotonic clock.
        """
        self.end()
        self._stopped, self._failures, self._due_s = False, 0, 0.0
        self.tend(now_s)

    def status(self, now_s: float) -> ChildStatus:
        """Where it stands.

        Args:
            now_s: The present, on the monotonic clock.
        """
        running = self._process is not None
        well = running and now_s - self._began_s >= WELL_S
        failures = 0 if well else self._failures
        return ChildStatus(
            self.program.name,
            self._state(failures, running=running),
            self._words(failures, running=running),
            pid=self._process.pid if self._process is not None else None,
            started_ms=self._started_ms,
            restarts=max(self._starts - 1, 0),
            failures=failures,
            last_line=self._last_line,
            next_ms=None if running or self._stopped else self._next_ms(now_s),
        )

    def _next_ms(self, now_s: float) -> int:
        return (self._clock.now_ms() + int((self._due_s - now_s) * 1_000)) // 1_000 * 1_000

    def _state(self, failures: int, *, running: bool) -> ChildState:
        if running:
            return ChildState.RUNNING
        if self._stopped:
            return ChildState.STOPPED
        return ChildState.FAILING if failures >= OFTEN else ChildState.RESTING

    def _words(self, failures: int, *, running: bool) -> str:
        if not failures:
            return "" if running or not self._ended else f"ended: {self._ended}"
        times = "once" if failures == 1 else f"{failures} times in a row"
        return f"{'failed' if running else 'failing'} {times}: {self._ended}"

    def _start(self, now_s: float) -> None:
        words = (sys.executable, "-m", "engine.supervision.ward", *self.program.words)
        self._began_s = now_s
        self._started_ms = self._clock.now_ms()
        self._starts += 1
        try:
            self._process = subprocess.Popen(  # noqa: S603 our own modules, words of our own making
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order
            )
        except OSError as error:  # no memory or no processes left: the next time may do
            self._fail(f"cannot be started: {error.strerror or error}", 0.0, now_s)
            return
        self._note(f"started as process {self._process.pid}")
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            with suppress(OSError), process.stdout as stream:
                while line := stream.readline(_LINE_BYTES):
                    self._log.write(line)

    def _take_leave(self, code: int, now_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._close(process)
        self._fail(ending(code), now_s - self._began_s, now_s)

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        if self._reader is not None:
            self._reader.join(1.0)  # a grandchild may hold the pipe; what it writes is still read
        if process.stdin is not None:
            process.stdin.close()

    def _fail(self, how: str, lived_s: float, now_s: float) -> None:
        self._last_line = self._log.last
        self._ended = clean(how, limit=200)
        self._failures = failures_after(self._failures, lived_s)
        rests_s = rest_s(self._failures)
        self._due_s = now_s + rests_s
        self._note(f"{how}; started again in {rests_s:g} s")

    def _note(self, what: str) -> None:
        self._log.write(f"-- {self.program.name} {what}".encode(), ours=True)
