"""Which thing of a lineage a screen is about, or the line under its cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.location import Location
from engine.lineage.model import Key, Kind

if TYPE_CHECKING:
    from console.app import ConsoleApp

_LISTS: dict[str, tuple[Kind, str]] = {
    "runs": (Kind.RUN, "run_id"),
    "models": (Kind.MODEL, "name"),
    "versions": (Kind.VERSION, "key"),
    "board": (Kind.VERSION, "key"),
    "endpoints": (Kind.ENDPOINT, "name"),
    "alerts": (Kind.ALERT, "id"),
    "prompt-versions": (Kind.PROMPT, "key"),
    "traces": (Kind.TRACE, "trace_id"),
}
"""What the lines of a list are, and which of their fields names them."""

_SCREENS: dict[str, Kind] = {
    "run": Kind.RUN,
    "version": Kind.VERSION,
    "history": Kind.MODEL,
    "endpoint": Kind.ENDPOINT,
    "predictions": Kind.ENDPOINT,
    "alert": Kind.ALERT,
    "prompt": Kind.PROMPT,
    "trace": Kind.TRACE,
}
"""What a screen of one thing is about; its location names it."""


def thing_of(location: Location, subject: object) -> Key | None:
    """The thing whose lineage can be shown.

    Args:
        location: The screen.
        subject: What is under its cursor; `None` for nothing.

    Returns:
        Its key; `None` where there is none.
    """
    if location.resource in _LISTS:
        kind, field = _LISTS[location.resource]
        name = getattr(subject, field, None)
        return None if name is None else Key(kind, str(name))
    here = _SCREENS.get(location.resource)
    return None if here is None else Key(here, location.name)


def show_lineage(app: ConsoleApp) -> None:
    """Go to the lineage of what the screen is about, or of what is under its cursor."""
    view = app.view
    key = None if view is None else thing_of(view.location, view.subject())
    if key is None:
        app.say("Nothing here has a lineage: datasets, runs, versions, endpoints and alerts do.", "dim")
    else:
        app.enter(Location("lineage", str(key)))
