"""The format of spool files: a head that names the file, then frames, each whole or not there at all.

    head    "QDSPOOL1", or "QDTHIN01" when the predictions were taken out; 16 random bytes
    frame   "QDF1", length of the body, CRC-32 of number and body, number from 0; each 4 bytes, little-endian; the body
    body    msgpack of `Frame`

A frame is what one flush gives out. Reading ends at the last whole one; numbers tell which have been stored already,
also when a file was written anew without its predictions.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from engine.telemetry.model import Origin, WindowDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC, THIN_MAGIC = b"QDSPOOL1", b"QDTHIN01"
HEAD_BYTES = len(MAGIC) + 16
ENDING = ".spool"
PART = ".part"
"""The ending of a file that is not yet locked by who writes it."""

MAX_FRAME_BYTES = 64 << 20
"""No body is longer; a length beyond it is damage."""

_FRAME = b"QDF1"
_HEADER = struct.Struct("<4sIII")


class SpooledPrediction(NamedTuple):
    """A captured prediction inside a frame.

    Args:
        origin: Where its origin stands in the frame's list.
        request_id: The request's id.
        time_ms: When it arrived, in milliseconds since the epoch.
        latency_us: How long the answer took, in microseconds.
        status: HTTP status of the answer.
        inputs: JSON text.
        outputs: JSON text.
    """

    origin: int
    request_id: str
    time_ms: int
    latency_us: int
    status: int
    inputs: bytes
    outputs: bytes


class SentCount(NamedTuple):
    """What became of one deployment's sampled requests by the end of a frame.

    Args:
        endpoint: The endpoint's row id.
        deployment: The deployment's number.
        sent: Handed to the spool.
        dropped: Of those, how many are not in the frame.
    """

    endpoint: int
    deployment: int
    sent: int
    dropped: int


class Frame(NamedTuple):
    """What one flush gives out.

    Args:
        origins: What its predictions refer to.
        predictions: Predictions.
        windows: Sums.
        counts: What became of the sampled requests; `sent - dropped` of each deployment is in `predictions`.
    """

    origins: list[Origin]
    predictions: list[SpooledPrediction]
    windows: list[WindowDelta]
    counts: list[SentCount]


class Found(NamedTuple):
    """What was found where a frame should begin.

    Args:
        number: The frame's number.
        body: Its bytes.
        end: Where the next one begins.
    """

    number: int
    body: memoryview
    end: int


def new_head() -> bytes:
    """The first bytes of a new file."""
    return MAGIC + os.urandom(16)


def pack(number: int, body: bytes) -> bytes:
    """A frame's bytes.

    Args:
        number: Its number in the file, from 0.
        body: What `encode` made.
    """
    return _HEADER.pack(_FRAME, len(body), crc32(body, number), number) + body


def unpack(data: memoryview, start: int) -> Found | None:
    """Find the frame that begins at a place.

    Args:
        data: A part of a file.
        start: Where in it.

    Returns:
        The frame; `None` when no whole and sound one begins there.
    """
    end = start + _HEADER.size
    if end > len(data):
        return None
    magic, length, checksum, number = _HEADER.unpack_from(data, start)
    if magic != _FRAME or length > MAX_FRAME_BYTES or end + length > len(data):
        return None
    body = data[end : end + length]
    return Found(number, body, end + length) if crc32(body, number) == checksum else None


def next_start(data: memoryview, after: int) -> int | None:
    """Where, beyond damage, another sound frame begins.

    Args:
        data: A part of a file.
        after: The place that holds none.

    Returns:
        The place, or `None` when there is none.
    """
    raw = bytes(data)
    place = raw.find(_FRAME, after + 1)
    while place >= 0:
        if unpack(data, place) is not None:
            return place
        place = raw.find(_FRAME, place + 1)
    return None


def sound_frames(data: memoryview, start: int) -> Iterator[Found]:
    """All whole and sound frames of a file that nobody writes any more, also those behind damage.

    Args:
        data: The file's bytes.
        start: Where to begin.
    """
    place: int | None = start
    while place is not None and place < len(data):
        found = unpack(data, place)
        if found is None:
            place = next_start(data, place)
        else:
            yield found
            place = found.end


def encoder() -> Callable[[Frame], bytes]:
    """What turns frames into bytes."""
    from msgspec.msgpack import Encoder  # waits here: looking at telemetry needs none of it

    return Encoder().encode


def decoder() -> Callable[[memoryview], Frame]:
    """What turns bytes into frames; raises `ValueError` for those that are none."""
    from msgspec import MsgspecError
    from msgspec.msgpack import Decoder

    decode = Decoder(Frame).decode

    def read(body: memoryview) -> Frame:
        try:
            return decode(body)
        except MsgspecError as error:
            raise ValueError(f"a frame says what it must not: {error}") from error

    return read


def json_encoder() -> Callable[[object], bytes]:
    """What turns captured values into JSON text, leaving bytes as they are; raises `ValueError` for what cannot be."""
    from msgspec import MsgspecError
    from msgspec.json import Encoder

    encode = Encoder(enc_hook=_plain).encode

    def write(value: object) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return encode(value)
        except (MsgspecError, TypeError, RecursionError, UnicodeEncodeError, OverflowError) as error:
            raise ValueError(f"not JSON: {type(error).__name__}") from error

    return write


def _plain(value: Any) -> Any:
    """Arrays and scalars of numpy, without importing it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(type(value).__name__)
