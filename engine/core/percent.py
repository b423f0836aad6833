"""Shares in steps of 0.1 %: whole numbers inside, percent for people and programs outside."""

from __future__ import annotations

import re
from typing import Annotated

from engine.core.errors import InvalidInput

PERCENT = "percent"
"""Marks what fronts write in percent."""

Permille = Annotated[int, PERCENT]
"""A share in 0.1 %; `engine.core.plain` and the HTTP API write it in percent, with at most one decimal."""

_WHOLE = 1_000
_ROUNDING = 1e-6
"""What a percentage may miss a step by: 0.3 is no binary fraction."""

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?\s*%?")


def parse_percent(text: str) -> int:
    """Read a share of the requests.

    Args:
        text: From `0` to `100`, with at most one decimal, with or without `%`: `12.5%`.

    Returns:
        The share in 0.1 %, 0 to 1000.

    Raises:
        InvalidInput: it is no share, is above 100 %, or is finer than 0.1 %.
    """
    found = _PERCENT.fullmatch(text.strip())
    if found is None:
        from engine.core.text import clean  # only a wrong share needs it

        raise InvalidInput(f"{clean(text, limit=40)!r} is no share of the requests.", hint="Write 10% or 12.5%.")
    decimals = (found.group(2) or "").rstrip("0")
    if len(decimals) > 1:
        raise InvalidInput(f"{found.group(0)} is finer than 0.1 %.", hint="Write it with one decimal, such as 12.5%.")
    weight = int(found.group(1)) * 10 + int(decimals or 0)
    if weight > _WHOLE:
        raise InvalidInput(f"{found.group(0)} is more than all requests.", hint="Write 0% to 100%.")
    return weight


def share_of_percent(value: float) -> int:
    """A share that a program wrote in percent.

    Args:
        value: From 0 to 100, such as 12.5.

    Returns:
        The share in 0.1 %, 0 to 1000.

    Raises:
        InvalidInput: it is below 0 or above 100, finer than 0.1 %, or no number.
    """
    tenths = value * 10
    if not 0 <= tenths <= _WHOLE:
        raise InvalidInput("A share is no percentage.", hint="Write 0 to 100, such as 12.5.")
    if abs(tenths - round(tenths)) > _ROUNDING:
        raise InvalidInput("A share is finer than 0.1 %.", hint="Write it with one decimal, such as 12.5.")
    return round(tenths)


def percent_of(share: int) -> float | int:
    """A share in 0.1 % as programs read it: 12.5, 5."""
    whole, tenth = divmod(share, 10)
    return share / 10 if tenth else whole


def format_percent(weight: int) -> str:
    """A share in 0.1 % as people read it, such as `12.5 %` and `5 %`."""
    whole, tenth = divmod(weight, 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"
