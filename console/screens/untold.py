"""What stands where the past of a screen cannot be told: a line that says so, and never the present in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.views import Page
from console.widgets.document import Line, blank

if TYPE_CHECKING:
    from collections.abc import Sequence


class Untold(Page[str]):
    """A screen of which nothing is kept."""

    def fetch(self) -> str:
        """What it would show."""
        return self.location.resource

    def lines(self, data: str, width: int) -> Sequence[Line]:
        """That nothing is kept of it."""
        del width
        return [
            blank(),
            Line([(f"  How {data} was is not kept: it is told of the present only.", "warn")]),
            Line([("  Esc goes back to now.", "dim")]),
        ]
