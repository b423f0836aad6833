"""One line of the frame: something at the left edge, something at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from console.text import Part, edges, paint

if TYPE_CHECKING:
    from rich.style import Style
    from textual.strip import Strip


class Bar(Widget):
    """A line that is drawn anew only when what it says changes.

    Args:
        base: Style under the whole line, such as reverse video.
        id: Widget id.
        classes: Widget classes.
    """

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, base: Style | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 Textual's word
        super().__init__(id=id, classes=classes)
        self._base = base
        self._left: list[Part] = []
        self._right: list[Part] = []

    def show(self, left: Sequence[Part] | None = None, right: Sequence[Part] | None = None) -> None:
        """Say something; `None` leaves that side as it is."""
        before = (self._left, self._right)
        if left is not None:
            self._left = list(left)
        if right is not None:
            self._right = list(right)
        if before != (self._left, self._right):
            self.refresh()

    @property
    def parts(self) -> list[Part]:
        """All it says, left to right."""
        return [*self._left, *self._right]

    def render_line(self, y: int) -> Strip:
        """The line."""
        del y
        width = self.size.width
        return paint(edges(self._left, self._right, width), width, self._base)
