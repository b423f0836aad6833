"""What every runtime is: columns in, columns out, and what is known of how it was made."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

LABELS = "predict"
"""Name of the output that holds labels or numbers, shape (rows,)."""

PROBABILITIES = "predict_proba"
"""Name of the output that holds class probabilities, shape (rows, classes)."""


_NONE: Mapping[str, NDArray[Any]] = MappingProxyType({})

FOLDED = "folded"
"""The file format of our own: arrays of numbers beside a header."""


class RuntimeKind(StrEnum):
    """How a version answers; stored and shown with these words."""

    LINEAR = "linear"
    """Scaling, encoding and weights folded into one product."""
    TREES = "trees"
    """Split thresholds and leaves walked directly."""
    TWIN = "onnx-twin"
    """Converted to ONNX, accepted by the parity report."""
    ONNX = "onnx"
    """Logged as ONNX, served as it is."""
    SKLEARN = "sklearn"
    """The estimator itself, with what runs at once gathered into one call."""
    ISOLATED = "isolated"
    """A pickled model somebody approved, in a process of its own."""


@frozen
class Field:
    """One input or output as a runtime takes or gives it.

    Args:
        name: Its name.
        dtype: `float32`, `float64`, `int8` … `uint64`, `bool` or `str`.
        shape: The shape of one row's value; empty for a number.
        low: Least value that makes sense, or `None`.
        high: Greatest value that makes sense, or `None`.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None


@frozen
class Interface:
    """What a model takes and gives.

    Args:
        inputs: In the order of the model's features.
        outputs: `predict`, and `predict_proba` for classifiers; the graph's own names for a native ONNX model.
        classes: The labels in the order of the probabilities' columns; empty for numbers.
        missing: Whether numbers may be missing (NaN): the model was made for it, or fills them in itself.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    classes: tuple[Any, ...] = ()
    missing: bool = False

    @property
    def numeric(self) -> bool:
        """Whether a row is a vector of numbers: every input a scalar that is no text."""
        return all(not each.shape and each.dtype != "str" for each in self.inputs)


class Rows:
    """Rows to predict, already checked against the interface; never changed.

    Args:
        size: How many.
        matrix: Shape (rows, inputs), float64, in the interface's order, when the interface is numeric; else `None`.
        columns: One array per input, shape (rows, *shape); texts as object arrays of `str`. Empty when `matrix` is set.
        requests: Of how many requests they are.
        numbers: One row as a list of numbers; the matrix is then made when somebody asks for it, which few do.
    """

    __slots__ = ("_matrix", "columns", "numbers", "requests", "size")

    def __init__(
        self,
        size: int,
        matrix: NDArray[np.float64] | None = None,
        columns: Mapping[str, NDArray[Any]] = _NONE,
        requests: int = 1,
        *,
        numbers: list[float] | None = None,
    ) -> None:
        self.size = size
        self._matrix = matrix
        self.columns = columns
        self.requests = requests
        self.numbers = numbers

    @property
    def matrix(self) -> NDArray[np.float64] | None:
        """All rows as one matrix, when the interface is numeric."""
        if self._matrix is None and self.numbers is not None:
            import numpy as np

            self._matrix = np.array([self.numbers], dtype=np.float64)
        return self._matrix


Outputs = dict[str, "NDArray[Any]"]
"""Arrays by the interface's output names; the first dimension is rows."""


class Runtime(Protocol):
    """A loaded model. `predict` may be called from any one thread at a time."""

    kind: RuntimeKind
    interface: Interface
    gathers: bool
    """Whether one call costs so much (> 50 µs) that requests should share it."""

    def predict(self, rows: Rows) -> Outputs:
        """Predict; a pure function of the rows.

        Raises:
            RowRefused: a row is one the model refuses; `details["row"]` is its number, from 0, where that is known.
            PredictionFailed: the model broke, or took too long.
            ModelEnded: it has to be loaded anew, which it is for the next call.
        """
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


@frozen
class ParityCheck:
    """How one set of rows agreed.

    Args:
        rows_from: `training`, `thresholds` or `random`.
        rows: How many were compared.
        labels_differ: How many labels differed.
        greatest_difference: Of a probability or number, absolute.
    """

    rows_from: str
    rows: int
    labels_differ: int
    greatest_difference: float


@frozen
class ParityReport:
    """Whether a runtime answers as the model it was made from.

    Args:
        kind: The runtime that was tried.
        accepted: Whether it may serve.
        tolerance: The greatest difference that was allowed, absolute for probabilities, relative for numbers.
        checks: What was compared.
        reason: Why it was refused, as a sentence; empty when it was accepted.
    """

    kind: RuntimeKind
    accepted: bool
    tolerance: float
    checks: Sequence[ParityCheck]
    reason: str = ""
