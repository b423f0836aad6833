"""What is logged with a span, as one JSON text: with caps, so that nothing a program logs grows without bound."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.traces.model import SpanEvent, SpanLink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TEXT = 262_144
"""Longest text within a span, in characters; longer ones end with a mark that says how long they were."""

MAX_CONTENT = 2 << 20
"""Longest content of a span, in bytes; a longer one is written again with its texts cut to `SHORT_TEXT`."""

SHORT_TEXT = 1_024
"""Longest text of a span whose content is too long, in characters."""

MAX_ITEMS = 1_024
"""Most attributes, events or elements of one list."""

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings."""

_BYTES = "$bytes"
_DOUBLE = "$double"
_SHORT_ITEMS = 128


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """A text of at most about `limit` characters; a mark at the end says how long a longer one was."""
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text)} characters]"


def bytes_value(value: bytes) -> dict[str, str]:
    """Bytes as they stand in the content."""
    return {_BYTES: base64.b64encode(value).decode()}


def number_value(value: float) -> float | dict[str, str]:
    """A number as it stands in the content: JSON knows neither NaN nor infinities."""
    return value if value - value == 0 else {_DOUBLE: repr(value)}


@cache
def _encoder() -> Callable[[object], bytes]:
    import msgspec  # five times as fast as the standard library, which is enough for whoever only reads

    return msgspec.json.Encoder().encode


def encode(content: Mapping[str, Any]) -> str:
    """Write what is logged with a span.

    Args:
        content: `attributes` and, where there are any, `events`, `links`, `scope` and `cut`; JSON values, with
            `bytes_value` and `number_value` where they are needed.

    Returns:
        The JSON text, at most about `MAX_CONTENT` bytes.
    """
    text = _encoder()(content)
    if len(text) > MAX_CONTENT:
        cuts = [content.get("cut", 0)]
        short = _shortened(content, cuts, 0)
        text = _encoder()({**short, "cut": cuts[0] + 1})
        if len(text) > MAX_CONTENT:  # a great many small things
            plain = {key: value for key, value in short["attributes"].items() if not isinstance(value, (dict, list))}
            text = _encoder()({"attributes": plain, "cut": cuts[0] + 2})
    return text.decode()


def _shortened(value: Any, cuts: list[int], depth: int) -> Any:
    """A value with short texts and few elements; `cuts` counts what went."""
    if isinstance(value, str):
        cuts[0] += len(value) > SHORT_TEXT
        return cut(value, SHORT_TEXT)
    if isinstance(value, (dict, list)):
        few = _SHORT_ITEMS if depth < 3 else 16  # attributes and events of a span, and less within them
        cuts[0] += len(value) > few
        if isinstance(value, list):
            return [_shortened(each, cuts, depth + 1) for each in value[:few]]
        return {key: _shortened(value[key], cuts, depth + 1) for key in list(value)[:few]}
    return value


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a span, read back.

    Args:
        attributes: What was logged with it.
        events: What happened meanwhile.
        links: What it has to do with.
        cut: How much was cut.
    """

    attributes: dict[str, Any]
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    cut: int


def decode(text: str) -> Content:
    """Read what `encode` wrote.

    Args:
        text: The JSON text.

    Returns:
        The content, with bytes and numbers as they were.
    """
    found = json.loads(text)
    as_logged = restored if _BYTES in text or _DOUBLE in text else _same
    return Content(
        as_logged(found["attributes"]),
        tuple(SpanEvent(name, time_ns, as_logged(given)) for name, time_ns, given in found.get("events", ())),
        tuple(SpanLink(trace, span, as_logged(given)) for trace, span, given in found.get("links", ())),
        found.get("cut", 0),
    )


def _same(value: Any) -> Any:
    return value


def restored(value: Any) -> Any:
    """A value of the content as it was logged, bytes and numbers included."""
    if isinstance(value, list):
        return [restored(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (kind, text), *_ = value.items()
        reader = _READERS.get(kind)
        if reader is not None and isinstance(text, str):
            try:
                return reader(text)
            except (ValueError, binascii.Error):
                return value
    return {key: restored(each) for key, each in value.items()}


_READERS: dict[str, Callable[[str], Any]] = {_BYTES: lambda text: base64.b64decode(text, validate=True), _DOUBLE: float}


def preview(value: object, limit: int) -> str:
    """A logged value as one short text: a text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[: limit - 3] + "..."
