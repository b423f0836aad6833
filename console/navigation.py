"""Moving between views: into and out of things, and back and forth in time. Pure."""

from __future__ import annotations

from dataclasses import replace

from console.location import Location, identity
from engine.core.frozen import frozen

LONGEST = 50
"""Steps remembered."""


@frozen
class Trail:
    """The way into the present view, outermost first; never empty."""

    places: tuple[Location, ...]

    @property
    def here(self) -> Location:
        """The present view."""
        return self.places[-1]


class Navigator:
    """Where the operator is and has been.

    Args:
        start: The first view.
    """

    def __init__(self, start: Location) -> None:
        self._past: list[Trail] = [Trail((start,))]
        self._at = 0
        self._last: Trail | None = None

    @property
    def trail(self) -> Trail:
        """The way into the present view."""
        return self._past[self._at]

    @property
    def here(self) -> Location:
        """The present view."""
        return self.trail.here

    def enter(self, location: Location) -> None:
        """Go into something from here; Esc will come back here."""
        if identity(location) == identity(self.here):
            self.amend(location)
            return
        self._go(Trail((*self.trail.places, location)))

    def jump(self, location: Location) -> None:
        """Go somewhere else altogether, as `:` does."""
        if identity(location) == identity(self.here):
            self.amend(location)
            return
        self._go(Trail((location,)))

    def amend(self, location: Location) -> None:
        """The present view changed its filter, order or columns; no step is made."""
        here = self.trail
        self._past[self._at] = replace(here, places=(*here.places[:-1], location))

    def replace(self, location: Location) -> None:
        """Something else in the place of the present view, entered from the same one."""
        self._go(Trail((*self.trail.places[:-1], location)))

    def up(self) -> bool:
        """Leave the present view for the one it was entered from; false when it is the outermost."""
        places = self.trail.places
        if len(places) == 1:
            return False
        self._go(Trail(places[:-1]))
        return True

    def back(self) -> bool:
        """One step back in time; false when there is none."""
        return self._move(-1)

    def forward(self) -> bool:
        """One step forward again; false when there is none."""
        return self._move(1)

    def last(self) -> bool:
        """To the view before this one, and with the next call back again; false when there is none."""
        if self._last is None:
            return False
        self._go(self._last)
        return True

    def _move(self, step: int) -> bool:
        if not 0 <= self._at + step < len(self._past):
            return False
        self._last = self.trail
        self._at += step
        return True

    def _go(self, trail: Trail) -> None:
        self._last = self.trail
        self._past = [*self._past[: self._at + 1], trail][-LONGEST:]
        self._at = len(self._past) - 1
