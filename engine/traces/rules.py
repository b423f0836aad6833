"""What a trace may be called and tagged with."""

from __future__ import annotations

import re

from engine.core.errors import InvalidInput
from engine.tracking.rules import MAX_TAG, check_key, check_text

MAX_NAME = 250
"""Longest name given to a trace, in characters."""

MAX_SPAN_NAME = 1_000
"""Longest name of a span, in characters; longer ones are cut."""

MAX_RESOURCE = 64
"""Most attributes of a resource that become tags of its traces."""

MAX_PAGE = 1_000
"""Most traces of a page."""

MAX_SPANS = 20_000
"""Most spans of one trace that are read at once."""

PRUNED_TRACES = 50
"""Most traces that one step of pruning takes away; a transaction holds as many steps as `PRUNING_S` lets it."""

PRUNED_SPANS = 100
"""Most spans that one step of pruning takes away: larger traces go piece by piece."""

PRUNING_S = 0.025
"""How long a transaction of pruning takes steps in, in seconds; nobody else can write meanwhile."""

PRUNING_REST_S = 0.05
"""How long pruning lets others write between two transactions, in seconds: whoever waits looks every 25 ms."""

MAX_LINKED = 100
"""Most traces that are linked at once."""

MAX_JSON = 1 << 20
"""Longest value of an assessment, in bytes of JSON."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,127}", re.ASCII)
_LARGEST_MS = 2**53
_EARLIEST_MS = -(2**53)


def check_id(given: str, what: str = "A trace id") -> None:
    """Refuse what is no public id of a trace or an assessment.

    Args:
        given: The id.
        what: What it is, for the message.

    Raises:
        InvalidInput: it has other characters, or too many.
    """
    if not _ID.fullmatch(given):
        raise InvalidInput(
            f"{what} has 1 to 128 letters, digits, dots, dashes and underscores.",
            hint="Give it as it was given out, such as tr-0af7651916cd43dd8448eb211c80319c.",
        )


def check_time(time_ms: int | None, what: str) -> None:
    """Refuse a time that no clock tells.

    Raises:
        InvalidInput: it is beyond 2^53 milliseconds.
    """
    if time_ms is not None and not _EARLIEST_MS <= time_ms <= _LARGEST_MS:
        raise InvalidInput(f"{what} is out of range.", hint="Times are milliseconds since the epoch.")


def check_tag(key: str, value: str) -> None:
    """Refuse a tag that cannot be kept.

    Raises:
        InvalidInput: the key or the value is too long, or not text.
    """
    check_key(key, "tag")
    check_text(value, "The tag's value", MAX_TAG)
