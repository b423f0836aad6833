"""What `since:` asks of lists that are read whole: the time of their things, as a term of the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.location import filter_text
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from console.location import Location

TIMES = {
    "models": "last_updated_timestamp",
    "versions": "creation_timestamp",
    "experiments": "last_update_time",
    "endpoints": "last_updated_timestamp",
    "external": "probed",
    "predictions": "time",
    "alerts": "opened",
    "silences": "created",
    "monitors": "last",
    "results": "end",
    "approvals": "created",
    "prompts": "last_updated_timestamp",
    "prompt-versions": "creation_timestamp",
}
"""By list: when its things came to be or were changed last, as its columns tell."""


def asked_of(location: Location) -> str:
    """The filter of a list, with the earliest time that it shows.

    Args:
        location: The list.

    Returns:
        As typed after `/`.

    Raises:
        InvalidInput: its things have no time.
    """
    text = filter_text(location)
    if not location.since:
        return text
    time = TIMES.get(location.resource)
    if time is None:
        message = f"{location.resource} have no time that since: could ask for."
        raise InvalidInput(message, hint=f"Lists with a time are runs, traces, audit, {', '.join(TIMES)}.")
    return f'{text} {time}>="{location.since}"'.strip()  # quoted: "2d ago" is one time
