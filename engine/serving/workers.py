"""Several processes on one port: started, looked after, started anew, ended together."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError
from engine.core.text import clean
from engine.server.listening import DRAIN_S, listening, url_of
from engine.serving.companion import end_all
from engine.serving.rests import Rests
from engine.serving.run import DataPlane, say_where

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from engine.api import Engine
    from engine.server.settings import Settings
    from engine.serving.companion import Companion
    from engine.serving.run import Serving

_END = (signal.SIGTERM, signal.SIGINT)
_LOOK_S = 0.25
_FIRST_REST_S, _LONGEST_REST_S = 0.05, 5.0


class _Worker:
    """One place for a process."""

    def __init__(self) -> None:
        self.pid = 0
        self.rests = Rests(_FIRST_REST_S, _LONGEST_REST_S)

    def died(self) -> None:
        """Note that it is gone, and when the next may start."""
        self.pid = 0
        self.rests.ended()


def supervise(engine: Engine, settings: Settings, serving: Serving, companions: Sequence[Companion]) -> int:
    """Run the workers until SIGTERM or SIGINT.

    Args:
        engine: The workspace.
        settings: How to listen, made safe.
        serving: What to serve, and by how many processes.
        companions: Processes beside them.

    Returns:
        The exit code.

    Raises:
        Busy: the port is taken.
        InvalidInput: the address cannot be listened on.
    """
    # Alone first: on a port that is shared, another data plane of the same user would go unnoticed.
    with listening(settings) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        url = url_of(settings, listener)
    from engine.serving.sharing import forget

    ready, told = os.pipe2(os.O_CLOEXEC)
    planes = engine.workspace.planes
    try:
        forget(planes, os.getpid())
        _Supervisor(engine, settings, serving, told).run(ready, lambda: say_where(url, serving), companions)
    finally:
        end_all(companions)
        forget(planes, os.getpid())
        os.close(ready)
        os.close(told)
    sys.stderr.write("The data plane has ended; every request that it took was answered.\n")
    return 0


class _Supervisor:
    """Starts workers and waits for signals.

    Args:
        engine: The workspace.
        settings: How to listen, with a port.
        serving: What to serve.
        told: Where a worker writes a byte once it answers.
    """

    def __init__(self, engine: Engine, settings: Settings, serving: Serving, told: int) -> None:
        self._engine = engine
        self._settings = settings
        self._serving = serving
        self._told = told
        self._workers = [_Worker() for _ in range(serving.workers)]
        self._told_to_end = False

    def run(self, ready: int, started: Callable[[], None], companions: Sequence[Companion]) -> None:
        """Look after the workers until told to end.

        Args:
            ready: Where the first byte of a worker is read.
            started: Told that the first of them answers.
            companions: Processes beside them.
        """
        os.set_blocking(ready, False)
        said = False
        with _signals() as woken:
            while not self._told_to_end:
                self._start_lacking()
                if not said and _drained(ready):
                    said = True
                    started()
                if said:
                    for each in companions:
                        each.tend()
                select.select((woken, *(() if said else (ready,))), (), (), _LOOK_S)
                self._told_to_end = any(number in _END for number in _drained(woken))
                self._reap()
            self._end(woken)

    def _start_lacking(self) -> None:
        for each in self._workers:
            if not each.pid and each.rests.over:
                each.rests.began()
                each.pid = self._fork()

    def _fork(self) -> int:
        sys.stderr.flush()
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            _forget_signals()
            with listening(self._settings, shared=True) as listener:
                self._work(listener)
            code = 0
        except QuarterdeckError as error:
            sys.stderr.write(f"A worker ended: {error}\n")
        except BaseException:  # noqa: BLE001 nobody after this says why it ended
            _say_why()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _work(self, listener: socket.socket) -> None:
        DataPlane(
            self._engine,
            self._settings,
            self._serving,
            listener,
            started=lambda: _write_byte(self._told),
            supervised=True,
        ).run()

    def _reap(self) -> None:
        """Note who died."""
        for each in self._workers:
            if each.pid and os.waitpid(each.pid, os.WNOHANG)[0]:
                sys.stderr.write(f"Worker {each.pid} ended; another one takes its place.\n")
                each.died()

    def _end(self, woken: int) -> None:
        for each in self._workers:
            if each.pid:
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGTERM)
        until_s = time.monotonic() + DRAIN_S + 2
        while any(each.pid for each in self._workers) and time.monotonic() < until_s:
            select.select((woken,), (), (), _LOOK_S)
            _drained(woken)
            for each in self._workers:
                if each.pid and os.waitpid(each.pid, os.WNOHANG)[0]:
                    each.pid = 0
        for each in self._workers:
            if each.pid:
                os.kill(each.pid, signal.SIGKILL)
                os.waitpid(each.pid, 0)


@contextmanager
def _signals() -> Iterator[int]:
    """Where a byte comes for every signal, its number; what is started meanwhile has no signal blocked."""
    woken, wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = {sign: signal.signal(sign, _nothing) for sign in (*_END, signal.SIGCHLD)}
    signal.set_wakeup_fd(wakes)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(-1)
        for sign, handler in before.items():
            signal.signal(sign, handler)
        os.close(woken)
        os.close(wakes)


def _nothing(*_: object) -> None:
    """What a signal does by itself: its number in the pipe is what counts."""


def _forget_signals() -> None:
    """In a forked child: be told nothing of what the parent waits for."""
    signal.set_wakeup_fd(-1)
    for sign in (*_END, signal.SIGCHLD):
        signal.signal(sign, signal.SIG_DFL)


def _drained(pipe: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(pipe, 4_096)
    return b""


def _say_why() -> None:
    import traceback

    lines = traceback.format_exc().splitlines()
    sys.stderr.write("A worker ended:\n" + "".join(f"{clean(line, limit=500)}\n" for line in lines))


def _write_byte(told: int) -> None:
    with suppress(OSError):
        os.write(told, b".")
