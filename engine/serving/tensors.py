"""Tensors of the Open Inference Protocol: flat or nested JSON, or bytes behind it, to arrays and back."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.serving.bodies import ANYTHING, decoded, numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DTYPES = {
    "BOOL": "bool",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "str",
}
"""Of each datatype of the protocol, what we call it."""

DATATYPES = {dtype: datatype for datatype, dtype in DTYPES.items()}
"""The same the other way round."""

_BY_KIND = {
    ("b", 1): "BOOL",
    **{("i", size): f"INT{size * 8}" for size in (1, 2, 4, 8)},
    **{("u", size): f"UINT{size * 8}" for size in (1, 2, 4, 8)},
    **{("f", size): f"FP{size * 8}" for size in (2, 4, 8)},
}

_WHOLE = {
    **{f"int{bits}": (-(1 << bits - 1), 1 << bits - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 1 << bits) for bits in (8, 16, 32, 64)},
}
"""Of each type of whole numbers, the least one and the first beyond the greatest."""

_MAX_DIMENSIONS = 8
_MAX_DIMENSION = 1 << 31
_LENGTH_BYTES = 4


class Tensor(msgspec.Struct):
    """An input as it is sent.

    Args:
        name: Its name.
        shape: Its shape.
        datatype: One of `DTYPES`.
        data: JSON; empty when the values stand behind the JSON part of the body.
        parameters: Said beside it.
    """

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = msgspec.Raw(b"")
    parameters: dict[str, Any] | None = None


def flat_numbers(tensor: Tensor) -> list[float] | None:
    """The values of a tensor of floating-point numbers in flat JSON, which most are; `None` when it is another.

    Args:
        tensor: As it was sent.

    Raises:
        InvalidInput: it has other than as many values as its shape says.
    """
    if tensor.datatype not in ("FP64", "FP32"):
        return None
    found = numbers(tensor.data)
    if found is not None and len(found) != (size := size_of(tensor)):
        raise _other_size(tensor, len(found), size)
    return found


def size_of(tensor: Tensor) -> int:
    """How many values a tensor's shape stands for.

    Args:
        tensor: As it was sent.

    Raises:
        InvalidInput: the shape is none.
    """
    if not tensor.shape or len(tensor.shape) > _MAX_DIMENSIONS or min(tensor.shape) < 0:
        raise InvalidInput(
            f"The shape of {_named(tensor)} is none: give one to {_MAX_DIMENSIONS} numbers, none of them negative."
        )
    if 0 in tensor.shape:  # beside a 0 the others would say nothing of how much there is
        raise InvalidInput(f"The shape of {_named(tensor)} has a 0: there are no rows, or no values in them.")
    if max(tensor.shape) > _MAX_DIMENSION:
        raise InvalidInput(f"The shape of {_named(tensor)} has a number above {_MAX_DIMENSION}.")
    return prod(tensor.shape)


def array_of(tensor: Tensor, binary: memoryview | None = None) -> NDArray[Any]:
    """A tensor's values.

    Args:
        tensor: As it was sent.
        binary: Its bytes, where they stand behind the JSON part of the body.

    Returns:
        An array of the tensor's shape: of float64 for all numbers, NaN where one is missing; of objects for texts.

    Raises:
        InvalidInput: the datatype or shape is none, or the values are not what both say.
    """
    size, dtype = size_of(tensor), DTYPES.get(tensor.datatype)
    if dtype is None:
        raise InvalidInput(f"The datatype of {_named(tensor)} is not known.", hint=f"Known are {', '.join(DTYPES)}.")
    if binary is not None:
        return _of_bytes(tensor, dtype, binary, size).reshape(tensor.shape)
    if not bytes(tensor.data):
        raise InvalidInput(f"{_named(tensor)} has no data.")
    flat: list[Any] = []
    _pour(decoded(ANYTHING, tensor.data), len(tensor.shape), flat)
    if len(flat) != size:
        raise _other_size(tensor, len(flat), size)
    found = _texts(tensor, flat) if dtype == "str" else _numbers(tensor, dtype, flat)
    return found.reshape(tensor.shape)


def _pour(value: Any, depth: int, into: list[Any]) -> None:
    if isinstance(value, list) and depth > 0:
        for each in value:
            _pour(each, depth - 1, into)
    else:
        into.append(value)


def _texts(tensor: Tensor, flat: list[Any]) -> NDArray[Any]:
    import numpy as np

    for index, value in enumerate(flat):
        if not isinstance(value, str):
            raise InvalidInput(f"Value {index} of {_named(tensor)} must be text.")
    found = np.empty(len(flat), dtype=object)
    found[:] = flat
    return found


def _numbers(tensor: Tensor, dtype: str, flat: list[Any]) -> NDArray[np.float64]:
    import numpy as np

    found = np.empty(len(flat), dtype=np.float64)
    if dtype in _WHOLE:
        for index, value in enumerate(flat):
            found[index] = _whole(tensor, dtype, index, value)
        return found
    for index, value in enumerate(flat):
        found[index] = _number(tensor, dtype, index, value)
    return _within(tensor, dtype, found)


def _whole(tensor: Tensor, dtype: str, index: int, value: Any) -> float:
    """A whole number, compared with its datatype's bounds before a float64 rounds it to one of them."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f"Value {index} of {_named(tensor)} must be a number.")
    least, beyond = _WHOLE[dtype]
    if not least <= value < beyond or value != int(value):
        raise _not_of(tensor, index)
    return float(value)


def _number(tensor: Tensor, dtype: str, index: int, value: Any) -> float:
    what = "true, false, 0 or 1" if dtype == "bool" else "a number"
    if value is None and dtype.startswith("float"):
        return float("nan")
    if isinstance(value, bool) == (dtype == "bool") and isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError as error:
            raise InvalidInput(f"Value {index} of {_named(tensor)} is out of range.") from error
    if dtype == "bool" and value in (0, 1):
        return float(value)
    raise InvalidInput(f"Value {index} of {_named(tensor)} must be {what}.")


def _within(tensor: Tensor, dtype: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values, none of which is beyond its datatype."""
    import numpy as np

    if dtype in ("float64", "bool"):
        return values
    known: Any = np.finfo(dtype)
    with np.errstate(invalid="ignore"):
        bad = (values < float(known.min)) | (values > float(known.max))
    if bad.any():
        raise _not_of(tensor, int(bad.argmax()))
    return values


def _of_bytes(tensor: Tensor, dtype: str, binary: memoryview, size: int) -> NDArray[Any]:
    import numpy as np

    if dtype == "str":
        return _texts_of_bytes(tensor, binary, size)
    item = np.dtype(dtype).newbyteorder("<")
    if len(binary) != size * item.itemsize:
        raise InvalidInput(
            f"{_named(tensor)} has {len(binary)} bytes; its shape and datatype stand for {size * item.itemsize}."
        )
    found = np.frombuffer(binary, dtype=np.uint8 if dtype == "bool" else item).astype(np.float64)
    if dtype == "bool" and (found > 1).any():
        raise InvalidInput(f"Value {int((found > 1).argmax())} of {_named(tensor)} must be 0 or 1.")
    return found


def _texts_of_bytes(tensor: Tensor, binary: memoryview, size: int) -> NDArray[Any]:
    import numpy as np

    texts: list[str] = []
    at = 0
    while at < len(binary) and len(texts) < size:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(binary[at:start], "little")
        if at > len(binary):
            break
        try:
            texts.append(str(binary[start:at], "utf-8"))
        except UnicodeDecodeError as error:
            raise InvalidInput(f"Value {len(texts)} of {_named(tensor)} is no UTF-8 text.") from error
    if len(texts) != size or at != len(binary):
        raise InvalidInput(f"The bytes of {_named(tensor)} are not {size} texts, each behind its length.")
    found = np.empty(size, dtype=object)
    found[:] = texts
    return found


def datatype_of(values: NDArray[Any]) -> str:
    """The protocol's word for the type of an array.

    Args:
        values: Any array that a runtime gives.
    """
    return _BY_KIND.get((values.dtype.kind, values.itemsize), "BYTES")  # its name is made anew each time it is asked


def bytes_of(values: NDArray[Any]) -> bytes:
    """An array as the binary extension sends it.

    Args:
        values: Any array that a runtime gives.
    """
    import numpy as np

    if datatype_of(values) != "BYTES":
        return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    texts = [str(each).encode() for each in values.ravel()]
    return b"".join(len(text).to_bytes(_LENGTH_BYTES, "little") + text for text in texts)


def _named(tensor: Tensor) -> str:
    return f"the input '{clean(tensor.name, limit=60)}'"


def _not_of(tensor: Tensor, index: int) -> InvalidInput:
    return InvalidInput(f"Value {index} of {_named(tensor)} is not of its datatype.")


def _other_size(tensor: Tensor, given: int, size: int) -> InvalidInput:
    return InvalidInput(f"{_named(tensor)} has {given} values; its shape stands for {size}.".replace("t", "T", 1))
