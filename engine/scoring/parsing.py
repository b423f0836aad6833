"""From columns as files have them to columns as models take them; what cannot be is named row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.text import clean
from engine.tables import arrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.runtimes.model import Field

NULLS = frozenset(
    (
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "n/a",
        "nan",
        "null",
    )
)
"""Texts of a CSV file that mean that a number is missing: those of Arrow's reader, which are those of pandas."""


def values_of(field: Field, column: Any, refused: dict[int, str]) -> NDArray[Any]:
    """The values of a column as a model takes them.

    Args:
        field: What the model takes.
        column: A `pyarrow` array: of numbers or texts, or of bytes where texts are still to be understood.
        refused: Gets the places of values that cannot be, and why; the first reason of a row stays.

    Returns:
        Shape (rows,): float64, NaN where a number is missing or refused; objects of `str` for texts.
    """
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_binary(column.type):
        texts = _decoded(field, column, refused)
        return texts if field.dtype == "str" else _parsed(field, texts, refused)
    return _texts(field, column, refused) if field.dtype == "str" else _numbers(column)


def _numbers(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64(), safe=False)
    return arrow.values(column)


def _texts(field: Field, column: Any, refused: dict[int, str]) -> NDArray[Any]:
    import numpy as np

    texts = np.empty(len(column), object)
    texts[:] = column.to_pylist()
    if column.null_count:
        for place, text in enumerate(texts.tolist()):
            if text is None:
                refused.setdefault(place, f"input '{clean(field.name, limit=60)}' is missing (null)")
                texts[place] = ""
    return texts


def _decoded(field: Field, column: Any, refused: dict[int, str]) -> NDArray[Any]:
    import numpy as np

    texts = np.empty(len(column), object)
    for place, value in enumerate(column.to_pylist()):
        try:
            texts[place] = "" if value is None else value.decode()
        except UnicodeDecodeError:
            texts[place] = ""
            refused.setdefault(place, f"input '{clean(field.name, limit=60)}' is not UTF-8")
    return texts


def _parsed(field: Field, texts: NDArray[Any], refused: dict[int, str]) -> NDArray[Any]:
    import numpy as np

    numbers = np.full(len(texts), np.nan)
    for place, text in enumerate(texts.tolist()):
        number = _number(field, text.strip())
        if number is None:
            refused.setdefault(place, f"input '{clean(field.name, limit=60)}' must be a number, not text")
        else:
            numbers[place] = number
    return numbers


def _number(field: Field, text: str) -> float | None:
    if text in NULLS:
        return float("nan")
    if field.dtype == "bool" and text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    if "_" in text:  # which Python takes in numbers, and files do not mean
        return None
    try:
        return float(text)
    except ValueError:
        return None
