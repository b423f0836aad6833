"""What two processes say to each other: a length, then MessagePack. Rows and answers travel as plain bytes."""

from __future__ import annotations

import os
import select
import struct
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.runtimes.model import Outputs, Rows

MOST_BYTES = 1 << 30
"""Longest frame that is read."""

FOREVER = float("inf")
"""A deadline that never comes."""

_HEAD = struct.Struct(">Q")


def pack(message: object) -> bytes:
    """A frame.

    Args:
        message: Anything MessagePack has.
    """
    import msgspec

    body = msgspec.msgpack.encode(message)
    return _HEAD.pack(len(body)) + body


def send(descriptor: int, frame: bytes, deadline: float) -> None:
    """Write a frame.

    Args:
        descriptor: Where to; does not block.
        frame: What `pack` made.
        deadline: Until when, by `time.monotonic`.

    Raises:
        TimeoutError: it is not taken by then.
        OSError: nobody reads any more.
    """
    rest = memoryview(frame)
    while rest:
        _wait(descriptor, deadline, writing=True)
        rest = rest[os.write(descriptor, rest[: 1 << 16]) :]


def receive(descriptor: int, deadline: float) -> Any:
    """Read a frame.

    Args:
        descriptor: Where from.
        deadline: Until when, by `time.monotonic`.

    Returns:
        The message.

    Raises:
        TimeoutError: it has not come by then.
        EOFError: nobody writes any more.
        ValueError: it is too long, or no message.
    """
    import msgspec

    (length,) = _HEAD.unpack(_exactly(descriptor, _HEAD.size, deadline))
    if length > MOST_BYTES:
        raise ValueError("a frame is too long")
    return msgspec.msgpack.decode(_exactly(descriptor, length, deadline))


def _exactly(descriptor: int, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        _wait(descriptor, deadline, writing=False)
        part = os.read(descriptor, min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _wait(descriptor: int, deadline: float, *, writing: bool) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    left_ms = None if deadline == FOREVER else max(0.0, deadline - time.monotonic()) * 1_000
    if not poll.poll(left_ms):
        raise TimeoutError


def rows_to_message(rows: Rows) -> dict[str, Any]:
    """Rows as a message."""
    columns = {name: array_to_message(values) for name, values in rows.columns.items()}
    matrix = None if rows.matrix is None else array_to_message(rows.matrix)
    return {"size": rows.size, "matrix": matrix, "columns": columns}


def rows_from_message(message: dict[str, Any]) -> Rows:
    """Rows of a message.

    Raises:
        ValueError: it holds none.
    """
    from engine.runtimes.model import Rows

    matrix = None if message["matrix"] is None else array_from_message(message["matrix"])
    columns = {name: array_from_message(each) for name, each in message["columns"].items()}
    return Rows(message["size"], matrix, columns)


def array_to_message(values: NDArray[Any]) -> dict[str, Any]:
    """An array as a message: bytes, or a list of texts and other plain values."""
    import numpy as np

    if values.dtype.kind in "OUS":
        return {"shape": list(values.shape), "values": [str(each) for each in values.reshape(-1).tolist()]}
    return {"shape": list(values.shape), "dtype": values.dtype.str, "bytes": np.ascontiguousarray(values).tobytes()}


def array_from_message(message: dict[str, Any]) -> NDArray[Any]:
    """An array of a message.

    Raises:
        ValueError: it holds none.
        KeyError: it holds none.
        TypeError: it holds none.
    """
    import numpy as np

    shape = tuple(message["shape"])
    if "values" in message:
        return np.array(message["values"], object).reshape(shape)
    dtype = np.dtype(message["dtype"])
    if dtype.kind not in "biuf":
        raise ValueError("no array of numbers")
    return np.frombuffer(message["bytes"], dtype).reshape(shape).copy()


def outputs_from_message(message: Any) -> Outputs:
    """Answers of a message that came from a process that is not trusted.

    Raises:
        ValueError: it holds none.
    """
    try:
        return {str(name): array_from_message(each) for name, each in dict(message).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no answers") from error
