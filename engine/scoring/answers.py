"""From what a model answers to columns of a table; rows without an answer are null."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, PredictionFailed
from engine.core.text import clean
from engine.runtimes.model import PROBABILITIES
from engine.scoring.model import OnError
from engine.tables import arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.runtimes.model import Field, Interface, Outputs

ROW, ERROR = "row", "error"


def output_names(interface: Interface) -> list[str]:
    """What the answers' columns are called: an output's own name, and one for each class or place where it has several.

    Args:
        interface: What the model gives.
    """
    return [name for each in interface.outputs for name in _names(each, interface)]


def check_names(interface: Interface, columns: Sequence[str], on_error: OnError) -> None:
    """Refuse columns that would have the same name in the output.

    Args:
        interface: What the model gives.
        columns: What is carried along.
        on_error: What becomes of refused rows, which may add a column.

    Raises:
        InvalidInput: two would have the same name.
    """
    added = {OnError.SKIP: [ROW], OnError.NULL: [ERROR], OnError.FAIL: []}[on_error]
    times = Counter((*columns, *output_names(interface), *added))
    twice = [name for name, count in times.items() if count > 1]
    if twice:
        raise InvalidInput(
            f"The output would have the column {clean(twice[0], limit=60)} twice.", hint="Leave it out of --columns."
        )


def output_fields(interface: Interface) -> list[Any]:
    """The answers' columns, `pyarrow` fields.

    Args:
        interface: What the model gives.
    """
    import pyarrow as pa

    return [pa.field(name, _arrow_type(each)) for each in interface.outputs for name in _names(each, interface)]


def output_columns(interface: Interface, outputs: Outputs, places: NDArray[Any], size: int) -> list[Any]:
    """The answers' columns.

    Args:
        interface: What the model gives.
        outputs: What it gave, for some rows.
        places: Their places, shape (rows,).
        size: How many rows the columns have; the others are null.

    Returns:
        `pyarrow` arrays, as `output_fields` says.

    Raises:
        PredictionFailed: the model gave something of another shape than it had said.
    """
    columns: list[Any] = []
    for each in interface.outputs:
        width = _width(each)
        values = outputs[each.name]
        if values.size != len(places) * width:
            raise PredictionFailed(f"The model's output '{clean(each.name, limit=60)}' has another shape than it says.")
        columns += [_column(each, column, places, size) for column in values.reshape(len(places), width).T]
    return columns


def _column(field: Field, values: NDArray[Any], places: NDArray[Any], size: int) -> Any:
    import numpy as np

    if field.dtype == "str":
        whole = np.full(size, None, object)
        whole[places] = [str(each) for each in values.tolist()]
        return arrow.texts(whole.tolist())
    if len(places) == size:
        return arrow.numbers(values.astype(field.dtype))
    answered = np.zeros(size, field.dtype)
    absent = np.ones(size, bool)
    answered[places], absent[places] = values, False
    return arrow.numbers(answered, absent)


def _names(field: Field, interface: Interface) -> list[str]:
    if not field.shape:
        return [field.name]
    width = _width(field)
    if field.name == PROBABILITIES and width == len(interface.classes):
        return [f"{field.name}_{each}" for each in interface.classes]
    return [f"{field.name}_{place}" for place in range(width)]


def _width(field: Field) -> int:
    return prod(field.shape)


def _arrow_type(field: Field) -> Any:
    import numpy as np
    import pyarrow as pa

    return pa.string() if field.dtype == "str" else pa.from_numpy_dtype(np.dtype(field.dtype))
