"""How many messages a request of OpenTelemetry holds, before memory is given to them: two bytes can ask for 200."""

from __future__ import annotations

from engine.core.errors import InvalidInput, TooLarge

MOST_PARTS = 500_000
"""Most messages (spans, attributes, events, values …) of one request; they take about 100 MB."""

MOST_FIELDS = 1_500_000
"""Most fields of one request, those that say nothing to us too: looking through them takes a second or two."""

UNCOUNTED_BYTES = 1 << 20
"""Requests up to this length are not counted: what they hold takes less anyway."""

_VALUE = {5: "values", 6: "pairs"}
_INSIDE: dict[str, dict[int, str]] = {
    "request": {1: "of a resource"},
    "of a resource": {1: "resource", 2: "of a scope"},
    "resource": {1: "attribute"},
    "of a scope": {1: "scope", 2: "span"},
    "scope": {3: "attribute"},
    "span": {9: "attribute", 11: "event", 13: "link", 15: "status"},
    "event": {3: "attribute"},
    "link": {4: "attribute"},
    "status": {},
    "attribute": {2: "value"},
    "value": _VALUE,
    "values": {1: "value"},
    "pairs": {1: "attribute"},
}
"""The messages inside each message, by field number, as OTLP's definitions have them."""

_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5


def check_parts(body: bytes) -> None:
    """Refuse an `ExportTraceServiceRequest` of more messages than are taken.

    Args:
        body: The request, as protocol buffers.

    Raises:
        TooLarge: it holds more than `MOST_PARTS`, or more than `MOST_FIELDS`.
        InvalidInput: it is no such message.
    """
    if len(body) <= UNCOUNTED_BYTES:
        return
    parts = fields = 0
    waiting = [("request", 0, len(body))]
    try:
        while waiting:
            kind, at, end = waiting.pop()
            inside = _INSIDE[kind]
            while at < end:
                tag, at = _varint(body, at)
                size, at = _size(body, at, tag)
                fields += 1
                part = inside.get(tag >> 3) if tag & 7 == _SIZED else None
                if part is not None:
                    parts += 1
                    waiting.append((part, at, min(at + size, end)))
                if parts > MOST_PARTS or fields > MOST_FIELDS:
                    raise TooLarge("The request holds more spans and attributes than are taken.", hint="Send less.")
                at += size
    except IndexError as error:
        raise InvalidInput("The body is no ExportTraceServiceRequest of OpenTelemetry.") from error


def _size(body: bytes, at: int, tag: int) -> tuple[int, int]:
    """How long the value of a field is, and where it begins.

    Raises:
        IndexError: the body ends before, or there is no such field or type.
    """
    wire = tag & 7
    if tag < 8:  # fields are numbered from 1
        raise IndexError
    if wire == _SIZED:
        return _varint(body, at)
    if wire == _VARINT:
        return 0, _varint(body, at)[1]
    if wire == _EIGHT:
        return 8, at
    if wire == _FOUR:
        return 4, at
    raise IndexError


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next thing begins.

    Raises:
        IndexError: the body ends before, or it is longer than numbers are.
    """
    byte = body[at]
    if byte < 0x80:
        return byte, at + 1
    found = shift = 0
    while byte >= 0x80:
        found |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > 63:
            raise IndexError
        byte = body[at]
    return found | byte << shift, at + 1
