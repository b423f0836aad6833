"""Labels as requests bring them: what turned out to be true of a prediction, by the request's id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.serving.bodies import decoded
from engine.telemetry.model import Label

if TYPE_CHECKING:
    from engine.serving.calls import Call

LabelSink = Callable[[Sequence[Label]], Mapping[str, Any]]
"""Keeps labels, and says what became of them."""

MOST = 10_000
"""Labels of one request."""


class _Row(msgspec.Struct):
    request_id: str
    label: str | bool | int | float
    time_ms: int | None = None


class _Rows(msgspec.Struct):
    labels: list[_Row]


_LIST = msgspec.json.Decoder(list[_Row])
_OBJECT = msgspec.json.Decoder(_Rows)


def read_labels(call: Call) -> list[Label]:
    """The labels of a body: a list of `{"request_id": …, "label": …}`, or an object with that list in `labels`.

    Args:
        call: The request.

    Raises:
        InvalidInput: it is neither, or too long, or a label is beyond all numbers that are kept.
    """
    body = call.body
    rows = decoded(_OBJECT, body).labels if body.lstrip()[:1] == b"{" else decoded(_LIST, body)
    if len(rows) > MOST:
        raise InvalidInput(
            f"These are more than {MOST} labels.", hint="Send them in parts, or `qd labels import` them."
        )
    return [Label(row.request_id, _value(number, row.label), row.time_ms) for number, row in enumerate(rows)]


def _value(number: int, label: str | bool | float) -> str | bool | float:
    if type(label) is not int:
        return label
    try:
        return float(label)
    except OverflowError as error:
        raise InvalidInput(f"The label of row {number} is out of range.", hint="Send it as text.") from error
