"""JSON bodies: decoded within bounds, every way to be wrong told in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from msgspec.json import Decoder

T = TypeVar("T")

NUMBERS = msgspec.json.Decoder(list[float])
"""A flat list of numbers, the common case."""

_MOST_PER_NUMBER = 32

ANYTHING: Decoder[Any] = msgspec.json.Decoder()


def decoded(decoder: Decoder[T], body: bytes | msgspec.Raw) -> T:
    """A body as a decoder reads it.

    Args:
        decoder: What is expected.
        body: JSON.

    Raises:
        InvalidInput: it is empty, no JSON, nested too deeply, or another thing than is expected.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # The decoder's words name types and places, never what stands there.
        raise InvalidInput(f"The body is not what is expected here: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if not bytes(body).strip():
            raise InvalidInput("The body is empty.", hint="Send JSON.") from error
        raise InvalidInput("The body is no JSON.", hint="NaN and Infinity are none either; null is.") from error
    except RecursionError as error:
        raise InvalidInput("The body is nested too deeply.") from error


def row_text(raw: msgspec.Raw, width: int) -> bytes:
    """A flat list of numbers as the text of one row; empty when it is another list, or padded beyond measure.

    Args:
        raw: JSON that was found to be numbers.
        width: How many there are.
    """
    text = bytes(raw)
    if len(text) > _MOST_PER_NUMBER * (width + 1) or text.count(b"[") != 1:
        return b""
    return b"[%b]" % text


def numbers(raw: msgspec.Raw) -> list[float] | None:
    """A flat list of numbers; `None` when it is anything else.

    Args:
        raw: JSON that was found well formed.
    """
    try:
        return NUMBERS.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        return None
