"""Columns out of Arrow's arrays, numpy's and Python's objects, without a copy where there is nothing to change.

What Arrow itself has for it loads pandas first, which costs a third of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.tables.model import Column, Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LONGEST = 4096
"""Characters of a text that are kept; longer ones are told apart by their beginning alone."""

_INT64_END = 1 << 63


def of_arrow(array: Any) -> Column:
    """A column out of an array.

    Args:
        array: A `pyarrow.Array` of any type; nested ones become texts.

    Returns:
        The column.
    """
    from pyarrow import types

    kind = array.type
    if types.is_null(kind) or (array.null_count == len(array) and len(array)):
        return Column(Family.EMPTY, len(array), _nothing(), len(array))
    if types.is_boolean(kind):
        return _column(Family.BOOLEAN, array, _bits(array, 1))
    if types.is_integer(kind):
        return _whole(array, _raw(array))
    if types.is_floating(kind):
        return _column(Family.FLOAT, array, _raw(array).astype("f8", copy=False))
    return _of_rarer(array)


def of_numpy(values: NDArray[Any]) -> Column:
    """A column out of an array.

    Args:
        values: Shape (rows,), of any type.

    Returns:
        The column.
    """
    import numpy as np

    kind = values.dtype.kind
    if kind == "b":
        return Column(Family.BOOLEAN, len(values), values)
    if kind in "iu":
        return _integers(values, len(values))
    if kind == "f":
        return Column(Family.FLOAT, len(values), values.astype("f8", copy=False))
    if kind == "M":
        times = values.astype("M8[us]").view("i8")
        known = times != np.iinfo("i8").min
        nulls = int(len(times) - np.count_nonzero(known))
        return Column(
            Family.TIMESTAMP, len(values), times[known] if nulls else times, nulls, (), known if nulls else None
        )
    if kind == "m":
        return of_numpy(values.astype("m8[us]").view("i8"))
    return of_objects(values.tolist())


def of_objects(values: Sequence[Any]) -> Column:
    """A column out of Python's objects: of one family if they are, else of texts.

    Args:
        values: Any; `None` and NaN beside texts are missing.

    Returns:
        The column.
    """
    import numpy as np

    present = [each for each in values if each is not None and each == each]  # noqa: PLR0124 only NaN is not itself
    nulls = len(values) - len(present)
    known = np.array([each is not None and each == each for each in values], bool) if nulls else None  # noqa: PLR0124 NaN
    kinds = {type(each) for each in present}
    if kinds and kinds <= {bool}:
        return Column(Family.BOOLEAN, len(values), np.array(present, bool), nulls, (), known)
    if kinds and kinds <= {int} and all(-_INT64_END <= each < _INT64_END for each in present):
        return Column(Family.INTEGER, len(values), np.array(present, np.int64), nulls, (), known)
    if kinds and kinds <= {int, float}:
        return Column(
            Family.FLOAT, len(values), np.array([float(each) for each in present], np.float64), nulls, (), known
        )
    if not kinds:
        return Column(Family.EMPTY, len(values), _nothing(), nulls)
    if kinds <= {str}:
        return _coded(present, len(values), known)
    return _coded([_text(each) for each in present], len(values), known)


def _of_rarer(array: Any) -> Column:
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if types.is_timestamp(kind) or types.is_date(kind):
        return _column(Family.TIMESTAMP, array, _moments(array))
    if types.is_decimal(kind):
        return _column(Family.FLOAT, array, _raw(array.cast(pa.float64(), safe=False)))
    if types.is_time(kind) or types.is_duration(kind):
        return _whole(array, _raw(array.view(pa.int64() if kind.bit_width == 64 else pa.int32())))
    return _texts(array)


def _moments(array: Any) -> NDArray[Any]:
    """Microseconds since the epoch; moments that int64 cannot hold become the first or last that it can."""
    import numpy as np
    from pyarrow import types

    unit = "D" if types.is_date32(array.type) else "ms" if types.is_date64(array.type) else array.type.unit
    raw = _raw(array).astype(np.int64, copy=False)
    if unit in ("us", "ns"):
        return raw // 1000 if unit == "ns" else raw
    factor = {"D": 86_400_000_000, "s": 1_000_000, "ms": 1_000}[unit]
    most = (_INT64_END - 1) // factor
    return np.clip(raw, -most, most) * factor


def _column(family: Family, array: Any, values: NDArray[Any]) -> Column:
    """A column of what is not missing."""
    if not array.null_count:
        return Column(family, len(array), values)
    known = _bits(array, 0)
    return Column(family, len(array), values[known], array.null_count, (), known)


def _whole(array: Any, values: NDArray[Any]) -> Column:
    if not array.null_count:
        return _integers(values, len(array))
    known = _bits(array, 0)
    return _integers(values[known], len(array), known)


def _integers(values: NDArray[Any], rows: int, known: NDArray[Any] | None = None) -> Column:
    import numpy as np

    nulls = rows - len(values)
    if values.dtype == np.uint64 and len(values) and int(values.max()) >= _INT64_END:
        return Column(Family.FLOAT, rows, values.astype(np.float64), nulls, (), known)
    return Column(Family.INTEGER, rows, values.astype(np.int64, copy=False), nulls, (), known)


def _texts(array: Any) -> Column:
    from pyarrow import types

    if not types.is_dictionary(array.type):
        if not _plain(array.type):
            listed = array.to_pylist()
            return of_objects([None if each is None else str(each) for each in listed])
        array = array.dictionary_encode()
    if not _plain(array.type.value_type) or array.dictionary.null_count:
        return of_arrow(array.dictionary_decode())
    indices = array.indices
    codes = _raw(indices)
    known = _bits(indices, 0) if indices.null_count else None
    codes = codes if known is None else codes[known]
    return Column(Family.TEXT, len(array), codes, indices.null_count, texts_of(array.dictionary), known)


def texts_of(array: Any) -> list[str]:
    """The texts of a dictionary.

    Args:
        array: A `pyarrow` array of texts or bytes, none missing.
    """
    import pyarrow as pa

    try:
        found = array.to_pylist()
    except UnicodeDecodeError:
        found = array.view(pa.large_binary() if pa.types.is_large_string(array.type) else pa.binary()).to_pylist()
    return [_text(each) for each in found]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST and text.isascii() else text[:_LONGEST].encode(errors="replace").decode()


def _coded(texts: list[str], rows: int, known: NDArray[Any] | None) -> Column:
    import numpy as np

    places: dict[str, int] = {}
    codes = np.fromiter((places.setdefault(each, len(places)) for each in texts), np.int64, len(texts))
    return Column(Family.TEXT, rows, codes, rows - len(codes), [_text(each) for each in places], known)


def _plain(kind: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    )


def _raw(array: Any) -> NDArray[Any]:
    """The memory of an array of numbers, whatever stands where one is missing."""
    import numpy as np
    import pyarrow as pa

    words = {16: "f2", 32: "f4", 64: "f8"}
    kind, width = array.type, array.type.bit_width
    if pa.types.is_floating(kind):
        dtype = words[width]
    else:
        dtype = f"{'u' if pa.types.is_unsigned_integer(kind) else 'i'}{width // 8}"
    return np.frombuffer(array.buffers()[1] or b"", dtype, len(array) + array.offset)[array.offset :]


def _bits(array: Any, buffer: int) -> NDArray[Any]:
    """A buffer of bits as true and false."""
    import numpy as np

    packed = np.frombuffer(array.buffers()[buffer], np.uint8)
    first, last = array.offset // 8, (array.offset + len(array) + 7) // 8
    bits = np.unpackbits(packed[first:last], bitorder="little").view(bool)
    return bits[array.offset % 8 :][: len(array)]


def _nothing() -> NDArray[Any]:
    import numpy as np

    return np.empty(0)
