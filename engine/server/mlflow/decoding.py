"""Requests as typed values; what is wrong with one is told in the words that MLflow's clients know."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from engine.core.errors import InvalidInput
from engine.server.answers import said

if TYPE_CHECKING:
    from engine.server.call import Call

T = TypeVar("T", bound=msgspec.Struct)

_SEE = "See the API docs for more information about request parameters."
_PLACE = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(\w+)`$")
_STEP = re.compile(r"\w+|\[\d+\]")
_ECHO = 60
"""Most characters of a wrong value that are told."""


class Shape(Generic[T]):
    """What one route takes.

    Args:
        kind: A msgspec struct. Unknown fields are ignored, numbers may be written as texts.
    """

    __slots__ = ("_decoder", "_kind")

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind, strict=False)

    async def body(self, call: Call) -> T:
        """The body of a request.

        Raises:
            InvalidInput: it is no JSON object of this shape; the message names the field.
            TooLarge: it has more bytes than are taken.
        """
        body = await call.body()
        try:
            return self._decoder.decode(body or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _worded(error, body) from error

    def query(self, call: Call) -> T:
        """The query string of a request.

        Raises:
            InvalidInput: it is not of this shape; the message names the parameter.
        """
        try:
            return call.query(self._kind)
        except InvalidInput as error:
            if error.__cause__ is None:
                raise
            raise _worded(error.__cause__, json.dumps(dict(call.request.query_params)).encode()) from error


def missing(field: str) -> InvalidInput:
    """The error for a field that is needed."""
    return InvalidInput(f"Missing value for required parameter '{field}'.", hint=_SEE)


def needed(value: str | None, field: str) -> str:
    """A text that must be there and not be empty.

    Raises:
        InvalidInput: it is not.
    """
    if not value:
        raise missing(field)
    return value


def wrong(value: object, field: str, why: str) -> InvalidInput:
    """The error for a value that cannot be taken; the value is told, but not at length."""
    return InvalidInput(f"Invalid value {_shown(value)} for parameter '{field}' supplied{why}")


def _worded(error: BaseException, body: bytes) -> InvalidInput:
    found = _PLACE.match(str(error)) if isinstance(error, msgspec.ValidationError) else None
    if found is None:
        return InvalidInput(said(f"The request is not valid JSON: {error}."))
    problem, place = found[1], found[2] or ""
    if absent := _MISSING.match(problem):
        return missing(f"{place}.{absent[1]}" if place else absent[1])
    if problem.endswith("got `null`"):
        return missing(place)
    if not place:
        return InvalidInput(said(f"The request is not valid: {problem}."))
    try:
        value = _at(body, place)
        shown = _shown(value)
    except (ValueError, LookupError, TypeError, RecursionError):  # numbers of thousands of digits, fields told twice
        return InvalidInput(f"Invalid value for parameter '{said(place)}' supplied: {said(problem)}.", hint=_SEE)
    return InvalidInput(
        f"Invalid value {shown} for parameter '{said(place)}' supplied:  "
        f"Hint: Value was of type '{type(value).__name__}'.",
        hint=_SEE,
    )


def _at(body: bytes, place: str) -> Any:
    """The value at a place such as `metrics[0].value` of JSON that is known to have it."""
    value: Any = json.loads(body)
    for step in _STEP.findall(place):
        value = value[int(step[1:-1])] if step[0] == "[" else value[step]
    return value


def _shown(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) <= _ECHO else f"{text[:_ECHO]}…"
