"""ONNX Runtime sessions as we want them: one thread, quiet, optimised; and what answers with them."""

from __future__ import annotations

import json
from struct import Struct
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable, PredictionFailed
from engine.runtimes.forest_onnx import INTAKE, NUMBERS, TEXTS
from engine.runtimes.intake import Door, Intake
from engine.runtimes.model import LABELS, RuntimeKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.runtimes.model import Interface, Outputs, Rows

_ERRORS_ALONE = 3
_FAILED = "ONNX Runtime failed to answer these rows."  # its own words may repeat what they hold


def open_session(data: bytes) -> Any:
    """Open an ONNX model.

    Args:
        data: Its bytes; nothing outside of them is read.

    Returns:
        An `onnxruntime.InferenceSession` that answers in the calling thread.

    Raises:
        NotServable: it is no model that ONNX Runtime takes.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ALONE + 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no class but this one
        from engine.core.text import clean

        why = clean(str(error).rpartition(" : ")[2], limit=200)
        raise NotServable(f"ONNX Runtime does not take the model: {why}") from error


def _bare(thing: Any, name: str) -> Any:
    """What ONNX Runtime's Python classes wrap: they look at each call for what only other devices can do, for 2 us."""
    return getattr(thing, name)


class TwinRuntime:
    """Answers with a model's ONNX twin.

    Args:
        interface: What the model takes and gives.
        data: The twin's bytes.

    Raises:
        NotServable: the bytes are no twin.
    """

    kind = RuntimeKind.TWIN
    gathers = False

    def __init__(self, interface: Interface, data: bytes) -> None:
        session = open_session(data)
        kept = session.get_modelmeta().custom_metadata_map.get(INTAKE, "")
        try:
            intake = Intake.from_json(json.loads(kept))
        except ValueError as error:
            raise NotServable("The twin does not say what it takes.", hint="Build it again.") from error
        self.interface = interface
        self._door = Door(interface, intake)
        self._numbers, self._texts = bool(intake.numbers), bool(intake.texts)
        self._names = [each.name for each in interface.outputs]
        self._session = session
        self._run = _bare(session, "_sess").run
        self._single: _Single | None = None

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            Arrays by the names of the interface's outputs.

        Raises:
            RowRefused: the model refuses one of them.
            PredictionFailed: ONNX Runtime failed.
        """
        single = self._single
        if single is not None and rows.size == 1 and (found := single.predict(rows)) is not None:
            return found
        fed: dict[str, NDArray[Any]] = {}
        if self._numbers:
            fed[NUMBERS] = self._door.numbers(rows)
        if self._texts:
            fed[TEXTS] = self._door.texts(rows)
        try:
            made = dict(zip(self._names, self._run(self._names, fed, None), strict=True))
        except Exception as error:  # its errors share no class but this one
            raise PredictionFailed(_FAILED) from error
        bindable = rows.size == 1 and single is None and not self._texts
        if bindable and all(each.dtype != object for each in made.values()):
            self._single = _Single(self._session, self._door, fed[NUMBERS], made)
        return made

    def close(self) -> None:
        """Let go of the session; it goes with the last reference."""


class _Single:
    """A session bound to memory for one row in and its answer out: half the time of a call that finds its own.

    Args:
        session: The session; it takes numbers alone.
        door: Turns away what the model refuses.
        numbers: A row, shape (1, numbers).
        answer: Its answer, whose arrays hold numbers.
    """

    def __init__(self, session: Any, door: Door, numbers: NDArray[Any], answer: Outputs) -> None:
        from onnxruntime import OrtValue

        self._door = door
        self._row = numbers.copy()
        self._flat = self._row.reshape(-1)
        self._bytes = self._flat.data.cast("B")
        self._pack = Struct(f"={self._flat.size}d").pack_into
        self._answer = [(name, values.copy()) for name, values in answer.items()]
        # On the CPU these values stand over the arrays' own memory.
        self._values = [OrtValue.ortvalue_from_numpy(values) for _, values in self._answer]
        binding = session.io_binding()
        binding.bind_ortvalue_input(NUMBERS, OrtValue.ortvalue_from_numpy(self._row))
        for (name, _), value in zip(self._answer, self._values, strict=True):
            binding.bind_ortvalue_output(name, value)
        self._binding, self._bound = binding, _bare(binding, "_iobinding")
        self._run = _bare(session, "_sess").run_with_iobinding
        self._turn = Lock()

    def predict(self, rows: Rows) -> Outputs | None:
        """Predict one row; `None` while another thread does.

        Args:
            rows: The row.

        Raises:
            RowRefused: the model refuses it.
            PredictionFailed: ONNX Runtime failed.
        """
        if not self._turn.acquire(blocking=False):
            return None
        try:
            numbers = rows.numbers
            if numbers is None or self._door.strict:
                self._row[:] = self._door.numbers(rows)
            else:  # straight into the bound memory: an array would be made only to be copied
                self._pack(self._bytes, 0, *numbers)
                self._door.check_finite(self._row, self._flat)
            self._call()
            return {name: values.copy() for name, values in self._answer}
        finally:
            self._turn.release()

    def _call(self) -> None:
        try:
            self._run(self._bound, None)
        except Exception as error:  # its errors share no class but this one
            raise PredictionFailed(_FAILED) from error


class OnnxRuntime:
    """Answers with a model that was logged as ONNX.

    Args:
        interface: What the graph takes and gives, by its own names.
        data: The model's bytes.

    Raises:
        NotServable: the bytes are no model that ONNX Runtime takes.
    """

    kind = RuntimeKind.ONNX

    def __init__(self, interface: Interface, data: bytes) -> None:
        import numpy as np

        session = open_session(data)
        self.interface = interface
        self.gathers = True
        self._inputs = [
            (each.name, np.dtype(object if each.dtype == "str" else each.dtype)) for each in interface.inputs
        ]
        self._rank = {each.name: len(each.shape) for each in session.get_inputs()}
        self._names = [each.name for each in interface.outputs]
        self._classes = interface.classes
        self._run = session.run

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            Arrays by the graph's own names; probabilities that come as a map are laid out as a matrix.

        Raises:
            PredictionFailed: ONNX Runtime failed, or gave another number of rows than it was asked for.
        """
        import numpy as np

        fed: dict[str, NDArray[Any]] = {}
        for column, (name, dtype) in enumerate(self._inputs):
            values = rows.matrix[:, column] if rows.matrix is not None else rows.columns[name]
            values = np.ascontiguousarray(values, dtype)
            fed[name] = values.reshape(-1, 1) if values.ndim == 1 and self._rank[name] == 2 else values
        try:
            found = self._run(self._names, fed)
        except Exception as error:  # its errors share no class but this one
            raise PredictionFailed(_FAILED) from error
        made = {name: _as_array(value) for name, value in zip(self._names, found, strict=True)}
        if any(value.shape[:1] != (rows.size,) for value in made.values()):
            raise PredictionFailed("The model gave another number of rows than it was asked for.")
        return made

    def close(self) -> None:
        """Let go of the session; it goes with the last reference."""


def _as_array(value: Any) -> NDArray[Any]:
    import numpy as np

    if isinstance(value, list):  # what converters call ZipMap: one dictionary a row
        return np.array([list(each.values()) if isinstance(each, dict) else each for each in value])
    return np.atleast_1d(np.asarray(value))


def label_output(interface: Interface) -> str:
    """The name of the output that holds labels or numbers: ours, else the graph's first."""
    names = [each.name for each in interface.outputs]
    return LABELS if LABELS in names else names[0]
