"""Pickled models, each in a process of its own with little that it may do; killed when it takes too long."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from engine.core.errors import ModelEnded, NotServable, PredictionFailed, RowRefused
from engine.runtimes import frames
from engine.runtimes.model import LABELS, PROBABILITIES, Field, Interface, RuntimeKind

if TYPE_CHECKING:
    import subprocess

    from engine.runtimes.model import Outputs, Rows

START_S = 60.0
"""Longest time that loading a pickled model may take, in seconds."""

CALL_S = 5.0
"""Longest time that one prediction may take, in seconds."""

MEMORY_BYTES = 4 << 30
"""Most address space of the process."""

_BACK_OFF_S = 5.0
_QUICK_DEATHS = 3  # over so many lone requests in a row, and it is asked whether the model or they are to blame

_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.runtimes.isolated_worker import main; main()"
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


class _Ended(Exception):
    """The process is gone, or too slow, or says what it should not."""


class _Process:
    """One process that has loaded the model."""

    def __init__(self, data: bytes) -> None:
        import subprocess
        import sys
        import tempfile
        from pathlib import Path

        self._folder = tempfile.TemporaryDirectory(prefix="quarterdeck-model-")
        root = str(Path(__file__).resolve().parents[2])
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 our own interpreter and program; the path is one argument
            [sys.executable, "-I", "-c", _PROGRAM, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=_ENVIRONMENT | {"TMPDIR": self._folder.name, "HOME": self._folder.name},
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise _Ended
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._to, False)
        self.described = self.ask({"memory_bytes": MEMORY_BYTES, "model": data}, START_S)

    def tell(self, message: object, seconds: float) -> None:
        try:
            frames.send(self._to, frames.pack(message), time.monotonic() + seconds)
        except (OSError, TimeoutError) as error:
            raise _Ended from error

    def ask(self, message: object, seconds: float) -> Any:
        """Send a message and wait for what is said to it.

        Raises:
            _Ended: nothing sensible came in time; the process is killed.
        """
        until = time.monotonic() + seconds
        try:
            frames.send(self._to, frames.pack(message), until)
            return frames.receive(self._from, until)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            slow = isinstance(error, TimeoutError)
            self.kill()
            raise _Ended(f"took longer than {seconds:g} s" if slow else "ended") from error

    def kill(self) -> None:
        import signal
        from contextlib import suppress

        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._folder.cleanup()


class IsolatedRuntime:
    """Answers from a process that holds a pickled model.

    Args:
        interface: What the model takes and gives.
        data: The pickle.
        call_s: Longest time that one prediction may take, in seconds.

    Raises:
        NotServable: the process does not load it.
    """

    kind = RuntimeKind.ISOLATED
    gathers = True

    def __init__(self, interface: Interface, data: bytes, *, call_s: float = CALL_S) -> None:
        self.interface = interface
        self._data = data
        self._call_s = call_s
        self._deaths = 0
        self._not_before = 0.0
        self._good: Rows | None = None
        try:
            self._process: _Process | None = self._started()
        except _Ended as error:
            raise _not_loaded(error) from error

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            `predict`, and `predict_proba` where the interface has it.

        Raises:
            RowRefused: the model refuses one of them.
            PredictionFailed: the model broke.
            ModelEnded: it took too long, or its process ended; the next call starts another one.
        """
        try:
            if self._process is None:
                self._process = self._restarted()
            said = self._process.ask(frames.rows_to_message(rows), self._call_s)
            made = self._answers(said, rows.size)
        except (_Ended, ValueError) as error:
            self._died(alone=rows.requests == 1)
            raise ModelEnded(f"The process of the pickled model {error or 'ended'}.") from error
        if self._good is None:
            self._good = rows
        return made

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _answers(self, said: Any, size: int) -> Outputs:
        if not isinstance(said, dict):
            raise ValueError("says nonsense")  # noqa: TRY004 it is caught as what a bad process says
        if "made" not in said:
            from engine.core.text import clean

            kind = RowRefused if said.get("code") == RowRefused.code else PredictionFailed
            self._deaths = 0
            raise kind(clean(str(said.get("message", "The model failed.")), limit=300))
        made = frames.outputs_from_message(said["made"])
        wanted = {each.name for each in self.interface.outputs}
        if not wanted <= set(made) or any(values.shape[:1] != (size,) for values in made.values()):
            raise ValueError("says nonsense")
        self._deaths = 0
        return made

    def _started(self) -> _Process:
        process = _Process(self._data)
        process.tell(_interface_message(self.interface), START_S)
        return process

    def _restarted(self) -> _Process:
        if time.monotonic() < self._not_before:
            raise _Ended("keeps ending and is not started again at once")
        return self._started()

    def _died(self, *, alone: bool) -> None:
        """Note a death; one over several requests tells nothing of the model, for each of them is asked again alone."""
        self.close()
        self._deaths += alone
        if self._deaths >= _QUICK_DEATHS and not self._answers_still():
            self._not_before = time.monotonic() + _BACK_OFF_S

    def _answers_still(self) -> bool:
        """Whether the model, started anew, answers what it answered first: then others need not wait for it."""
        if self._good is None:
            return False
        try:
            self._process = self._started()
            self._answers(self._process.ask(frames.rows_to_message(self._good), self._call_s), self._good.size)
        except (_Ended, ValueError, PredictionFailed):
            self.close()
            return False
        return True


def _interface_message(interface: Interface) -> dict[str, Any]:
    return {
        "inputs": [[each.name, each.dtype] for each in interface.inputs],
        "outputs": [[each.name, each.dtype] for each in interface.outputs],
        "classes": list(interface.classes),
    }


def _not_loaded(error: _Ended) -> NotServable:
    return NotServable(
        f"The pickled model does not load in its own process: that {error or 'ended'}.",
        hint="It may need a library that is not installed here, or more memory; log it as skops or ONNX.",
    )


def describe_pickle(data: bytes, declared: tuple[Field, ...]) -> Interface:
    """What a pickled model takes and gives, told by a process that loads it.

    Args:
        data: The pickle.
        declared: The inputs that the version's signature names; may be empty.

    Returns:
        Its interface.

    Raises:
        NotServable: the process does not load it, or it predicts nothing, or nobody says what it takes.
    """
    from engine.runtimes.describing import read_inputs

    try:
        process = _Process(data)
    except _Ended as error:
        raise _not_loaded(error) from error
    told = process.described
    process.kill()
    if not isinstance(told, dict) or not told.get("predicts"):
        raise NotServable("The pickled object predicts nothing.", hint="Log a fitted estimator or pipeline.")
    classes = tuple(told["classes"])
    inputs = read_inputs(_Told(tuple(told["names"]), int(told["size"])), declared)
    first = next(iter(classes), 0.0)
    dtype = {"str": "str", "bool": "bool", "int": "int64"}.get(type(first).__name__, "float64")
    outputs = [Field(LABELS, dtype)]
    if told["probabilities"]:
        outputs.append(Field(PROBABILITIES, "float64", (len(classes),)))
    return Interface(inputs, tuple(outputs), classes, missing=True)  # the model itself refuses what it does not take


class _Told:
    """What a model said of itself, under the names that scikit-learn gives it."""

    def __init__(self, names: tuple[str, ...], size: int) -> None:
        self.feature_names_in_ = names
        self.n_features_in_ = size
