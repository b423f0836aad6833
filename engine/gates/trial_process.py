"""A fresh process in which a version is tried; killed when it takes too long or when nobody wants to know any more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from engine.core.errors import (
    IntegrityError,
    NotServable,
    PredictionFailed,
    QuarterdeckError,
    RowRefused,
)
from engine.runtimes import frames

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

MEMORY_BYTES = 8 << 30
"""Most address space of a trial."""

_LOOK_S = 0.1  # so often somebody who waits may say that they do not want to know any more
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.gates.trial_worker import main; main()"
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
_ERRORS: dict[str, type[QuarterdeckError]] = {
    each.code: each for each in (IntegrityError, NotServable, PredictionFailed, RowRefused)
}


class TrialProcess:
    """One process that loads what it is told to and calls it.

    Args:
        waiting: Called ten times a second while an answer is awaited; may raise to stop.
    """

    def __init__(self, waiting: Callable[[], None]) -> None:
        import subprocess
        import sys
        from pathlib import Path

        self._waiting = waiting
        root = str(Path(__file__).resolve().parents[2])
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 our own interpreter and program; the path is one argument
            [sys.executable, "-I", "-c", _PROGRAM, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise PredictionFailed("No process could be started to try the version in.")
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        self._tell({"memory_bytes": MEMORY_BYTES}, time.monotonic() + 1)

    def ask(self, task: str, seconds: float, **said: object) -> Any:
        """Have something done, and wait for it.

        Args:
            task: A method of `engine.gates.trial_tasks.Bench`.
            seconds: Longest time it may take.
            said: Its arguments: what MessagePack has.

        Returns:
            What it answers.

        Raises:
            NotServable: the bytes make no model.
            IntegrityError: a file's bytes have changed.
            RowRefused: the model refuses a row.
            PredictionFailed: the model broke or took too long, or the process ended.
        """
        if self._process.returncode is not None:
            raise self._ended()
        deadline = time.monotonic() + seconds
        self._tell({"task": task, **said}, deadline)
        while not self._something():
            self._waiting()
            if time.monotonic() > deadline:
                self.close()
                raise PredictionFailed(f"It took longer than {seconds:g} s and was stopped.")
        try:
            answer = frames.receive(self._from, deadline + 1)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            raise self._ended() from error
        if "made" in answer:
            return answer["made"]
        kind = _ERRORS.get(str(answer.get("code")), PredictionFailed)
        raise kind(str(answer.get("message")), hint=str(answer.get("hint") or ""))

    def close(self) -> None:
        """End the process."""
        import signal
        from contextlib import suppress

        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._to = self._from = -1  # the numbers may be another file's soon

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, message: object, deadline: float) -> None:
        try:
            frames.send(self._to, frames.pack(message), deadline)
        except (OSError, TimeoutError) as error:
            raise self._ended() from error

    def _something(self) -> bool:
        import select

        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        return bool(poll.poll(1_000 * _LOOK_S))

    def _ended(self) -> PredictionFailed:
        self.close()
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        return PredictionFailed(
            f"The process in which the version was tried ended ({how}).",
            hint="Its files may need more memory than there is, or crash the library that reads them.",
        )
