"""The data plane's end of the process that scores for shadows: started, asked, ended."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engine.runtimes import frames
from engine.serving.comparing import Comparison
from engine.serving.rests import Rests

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

START_S = 120.0
"""Longest time that starting the process or loading a model may take, in seconds: on a busy machine it is behind."""

SCORE_S = 60.0
"""Longest time that one call may take, in seconds."""

_FIRST_REST_S, _LONGEST_REST_S = 0.1, 10.0
_REFUSED_S = 10.0
_MODULE = "engine.serving.shadow_worker"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Ended(Exception):
    """The process is gone, or was too slow, or said nonsense; the next copies get another one."""


class Refused(Exception):
    """The process cannot load that model."""


class ShadowProcess:
    """One such process at a time; on one thread alone, but for `kill`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._rests = Rests(_FIRST_REST_S, _LONGEST_REST_S)
        self._loaded: set[str] = set()
        self._refused: dict[str, float] = {}
        self._closed = False

    @property
    def rest_s(self) -> float:
        """How long it rests, or rested last, before it is started again, in seconds."""
        return self._rests.rest_s

    def tend(self) -> bool:
        """Start it when it does not run and has rested; whether it runs."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
            self._rests.ended()
        if self._process is None and not self._closed and self._rests.over:
            self._start()
        return self._process is not None

    def _start(self) -> None:
        import subprocess

        self._rests.began()
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        try:
            self._process = subprocess.Popen(  # noqa: S603 our own module
                (sys.executable, "-m", _MODULE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            )
        except OSError:  # no memory or no processes left: the next time may do
            self._rests.ended()
            return
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
        if self._closed:
            self._process.kill()

    def load(self, key: str, words: Mapping[str, Any], keep: Sequence[str]) -> None:
        """Have it load a model, unless it has, and forget those that nobody wants any more.

        Args:
            key: What the model is called from now on.
            words: Where its file is, and how it is loaded.
            keep: The models that are still wanted.

        Raises:
            Ended: the process has ended.
            Refused: it cannot be loaded; it is tried again some time later.
        """
        if key in self._loaded:
            return
        if self._refused.get(key, 0.0) > time.monotonic():
            raise Refused
        self._loaded &= set(keep)
        problem = self._ask({"load": key, "keep": list(keep), **words}, START_S)
        if problem:
            self._refused = {key: time.monotonic() + _REFUSED_S}
            raise Refused(str(problem))
        self._loaded.add(key)

    def score(self, key: str, name: str, copies: Sequence[bytes]) -> Comparison:
        """Have it score copies.

        Args:
            key: The model; it is loaded.
            name: What people call it.
            copies: As `packed` makes them.

        Raises:
            Ended: the process has ended, and the copies with it.
        """
        said = self._ask({"key": key, "name": name, "copies": list(copies)}, SCORE_S)
        try:
            requests, latency_us, failed, rows, agreed, *sums = said
            delta, squares = map(float, sums)
            counts = int(failed), int(rows), int(agreed)
            found = Comparison(int(requests), float(latency_us), *counts, delta, squares)
        except (TypeError, ValueError) as error:
            raise self._ended() from error
        if found.requests != len(copies):
            raise self._ended()
        return found

    def _ask(self, message: object, seconds: float) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise Ended
        until = time.monotonic() + seconds
        try:
            frames.send(process.stdin.fileno(), frames.pack(message), until)
            return frames.receive(process.stdout.fileno(), until)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            raise self._ended() from error

    def _ended(self) -> Ended:
        self._end()
        self._rests.ended()
        return Ended()

    def end(self) -> None:
        """End it: nobody wants a shadow any more."""
        if self._process is not None:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        self._loaded.clear()
        if process is None:
            return
        _kill(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def kill(self) -> None:
        """Have it end, and start none any more; from any thread."""
        self._closed = True
        process = self._process
        if process is not None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError, AttributeError):  # on a busy machine it would not get to its own end
        os.sched_setscheduler(process.pid, os.SCHED_OTHER, os.sched_param(0))
    process.kill()
