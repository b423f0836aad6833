"""What a label may be, and how its value is written: pure rules."""

from __future__ import annotations

import json
import math
import re

MAX_ID = 200
"""Most characters of a request's id."""

MAX_VALUE = 1_000
"""Most characters of a label that is a text."""

_LATEST_MS = 2**53
_GREATEST = 2.0**1000
_NUMBER = re.compile(r"[+-]?(\d{1,15}|\d+\.\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def id_problem(request_id: object) -> str:
    """What is wrong with a request's id, as the end of a sentence; empty when nothing is."""
    if not isinstance(request_id, str) or not request_id:
        return "has no request id"
    if len(request_id) > MAX_ID:
        return f"has a request id of more than {MAX_ID} characters"
    return "has control characters in its request id" if _CONTROL.search(request_id) else ""


def value_problem(value: object) -> str:
    """What is wrong with a label's value, as the end of a sentence; empty when nothing is."""
    if isinstance(value, str):
        if not value:
            return "has no value"
        if len(value) > MAX_VALUE:
            return f"has a value of more than {MAX_VALUE} characters"
        return "has control characters in its value" if _CONTROL.search(value) else ""
    if isinstance(value, bool):
        return ""
    if not isinstance(value, int | float):
        return "has a value that is no text, number or boolean"
    return "" if -_GREATEST < value < _GREATEST else "has a value that is no finite number"


def time_problem(time_ms: object) -> str:
    """What is wrong with a label's time, as the end of a sentence; empty when nothing is, or there is none."""
    if time_ms is None:
        return ""
    if isinstance(time_ms, bool) or not isinstance(time_ms, int) or not 0 < time_ms < _LATEST_MS:
        return "has a time that is no number of milliseconds since 1970"
    return ""


def value_text(value: str | float | bool) -> str:
    """A value as JSON text, the same for 1 and 1.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LATEST_MS:
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def value_of(cell: str) -> str | float | bool:
    """What a cell of a CSV file means: a number or a boolean where it reads like one, else a text."""
    if cell in ("true", "false", "True", "False"):
        return cell.lower() == "true"
    if _NUMBER.fullmatch(cell):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return cell
