"""Arrow arrays from numpy's and back. What Arrow has for it loads pandas first, which costs a third of a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def numbers(values: NDArray[Any], absent: NDArray[Any] | None = None) -> Any:
    """An array of numbers or of true and false.

    Args:
        values: Shape (rows,).
        absent: Where there is none, shape (rows,); `None` for nowhere.

    Returns:
        A `pyarrow` array of the type of the values.
    """
    import numpy as np
    import pyarrow as pa

    present = None if absent is None else _bits(~absent)
    if values.dtype == np.bool_:
        return _array(pa.bool_(), len(values), [present, _bits(values)])
    kind = pa.from_numpy_dtype(values.dtype)
    return _array(kind, len(values), [present, np.ascontiguousarray(values)])


def texts(values: Iterable[str | None]) -> Any:
    """An array of texts.

    Args:
        values: The texts; `None` where there is none.

    Returns:
        A `pyarrow` array.
    """
    import numpy as np
    import pyarrow as pa

    encoded = [None if each is None else each.encode(errors="replace") for each in values]
    ends = np.cumsum([0, *(0 if each is None else len(each) for each in encoded)], dtype=np.int32)
    absent = np.array([each is None for each in encoded], bool)
    data = b"".join(each for each in encoded if each is not None)
    return _array(pa.string(), len(encoded), [_bits(~absent), ends, data])


def places(values: Iterable[int | None]) -> Any:
    """An array of row numbers to take.

    Args:
        values: The numbers; `None` takes a row of nulls.

    Returns:
        A `pyarrow` array of int64.
    """
    import numpy as np

    listed = list(values)
    whole = np.array([0 if each is None else each for each in listed], np.int64)
    return numbers(whole, np.array([each is None for each in listed], bool))


def values(column: Any) -> NDArray[Any]:
    """The numbers of an array.

    Args:
        column: A `pyarrow` array of float64.

    Returns:
        Shape (rows,), float64; NaN where there is none.
    """
    import numpy as np

    found = np.frombuffer(column.buffers()[1] or b"", np.float64, len(column) + column.offset)[column.offset :]
    if not column.null_count:
        return found
    valid = column.is_valid()
    bits = np.unpackbits(np.frombuffer(valid.buffers()[1], np.uint8), bitorder="little")
    absent = bits[valid.offset : valid.offset + len(column)] == 0
    return np.where(absent, np.nan, found)


def _array(kind: Any, size: int, parts: list[Any]) -> Any:
    """An array over memory that is there; it keeps that memory."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, size, [None if each is None else pa.py_buffer(each) for each in parts])


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.packbits(values, bitorder="little")
