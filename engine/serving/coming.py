"""An answer that is told later: who waits for it may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.serving.batcher import Place
    from engine.serving.table import Flights


class Coming(NamedTuple):
    """What stands for an answer until that is told.

    Args:
        place: Where its request waits.
        flights: Of the table that it runs on.
    """

    place: Place
    flights: Flights

    def leave(self) -> None:
        """Nobody waits for it any more; only before it was told."""
        self.place.gone = True
        self.flights.ended()
