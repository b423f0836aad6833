"""A page of lines, some of which can be chosen: details, reports, help and lists that are short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.text import Part, Row, paint, plain
from console.theme import style
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events
    from textual.geometry import Size

WHEEL = 3
"""Lines a notch of the wheel moves."""


@frozen
class Line:
    """One line of a page.

    Args:
        parts: Its pieces.
        key: Identity of the thing on it; empty for a line that cannot be chosen.
        subject: The thing itself, for actions.
    """

    parts: Row = ()
    key: str = ""
    subject: object = None


def heading(text: str, note: str = "") -> Line:
    """A section's heading, with a remark beside it."""
    parts: list[Part] = [(text, "head")]
    return Line([*parts, (f"  {note}", "dim")] if note else parts)


def blank() -> Line:
    """An empty line."""
    return Line()


def fields(pairs: Sequence[tuple[str, Part]]) -> list[Line]:
    """Names and values, lined up."""
    wide = max((len(name) for name, _ in pairs), default=0)
    return [Line([(f"  {name:<{wide}}  ", "dim"), value]) for name, value in pairs]


Build = Callable[[int], Sequence[Line]]
"""Makes the lines for a width in cells."""


class Document(Widget, can_focus=True):
    """Shows lines, scrolls through them, and keeps a cursor on those that can be chosen.

    Args:
        build: Makes the lines; called again when the width changes.
        id: Widget id.
    """

    DEFAULT_CSS = "Document { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False
    KEYS: ClassVar[Mapping[str, str]] = {
        "up": "up",
        "k": "up",
        "down": "down",
        "j": "down",
        "pageup": "page_up",
        "ctrl+b": "page_up",
        "pagedown": "page_down",
        "ctrl+f": "page_down",
        "home": "first",
        "g": "first",
        "end": "last",
        "G": "last",
        "enter": "choose",
    }
    """Keys and what each does; the help page lists them from here."""

    class AboutLine(Message):
        """Something about one line.

        Args:
            document: Where.
            line: The line.
        """

        def __init__(self, document: Document, line: Line) -> None:
            super().__init__()
            self.document = document
            self.line = line

        @property
        def control(self) -> Document:
            """The document, for `@on` selectors."""
            return self.document

    class Chosen(AboutLine):
        """Enter was pressed, or a line clicked."""

    class Moved(AboutLine):
        """The cursor is on another line."""

    def __init__(self, build: Build | None = None, *, id: str | None = None) -> None:  # noqa: A002 Textual's word
        super().__init__(id=id)
        self._build: Build = build or (lambda _width: ())
        self._lines: Sequence[Line] = ()
        self._keys: list[int] = []
        self._cursor = 0
        self._top = 0

    @property
    def line(self) -> Line | None:
        """The line under the cursor; `None` when no line can be chosen."""
        return self._lines[self._keys[self._cursor]] if self._keys else None

    @property
    def lines(self) -> Sequence[Line]:
        """The lines shown."""
        return self._lines

    def show(self, build: Build) -> None:
        """Show other lines; the cursor stays on the thing it was on, or at its place."""
        self._build = build
        self._rebuild()

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show lines that do not depend on the width."""
        self.show(lambda _width: lines)

    def go_to(self, index: int) -> None:
        """Scroll until a line stands in view, a third from the top where there is room.

        Args:
            index: Its place among the lines.
        """
        if not self._in_view(index):
            self._scroll(index - self.size.height // 3 - self._top)

    def choose(self, key: str) -> None:
        """Put the cursor on the thing with this key, if it is there."""
        for place, index in enumerate(self._keys):
            if self._lines[index].key == key:
                self._set_cursor(place)

    def text(self) -> str:
        """All lines as plain text."""
        return "\n".join(plain(line.parts).rstrip() for line in self._lines)

    def _rebuild(self) -> None:
        here = self.line.key if self.line else ""
        self._lines = self._build(max(self.size.width, 1))
        self._keys = [index for index, line in enumerate(self._lines) if line.key]
        self._cursor = max(0, min(self._cursor, len(self._keys) - 1))
        if here:
            self.choose(here)
        self._scroll(0)
        self.refresh()

    def _set_cursor(self, place: int) -> None:
        place = max(0, min(place, len(self._keys) - 1))
        moved, self._cursor = place != self._cursor, place
        index = self._keys[place]
        if place == 0 and index < self.size.height:
            self._top = 0
        self._top = min(self._top, index)
        self._top = max(self._top, index - self.size.height + 1)
        self._scroll(0)
        self.refresh()
        if moved and self.line is not None:
            self.post_message(self.Moved(self, self.line))

    def _scroll(self, by: int) -> None:
        top = max(0, min(self._top + by, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()

    def move(self, movement: str) -> None:
        """Make a movement of `KEYS`; without lines to choose, the page scrolls."""
        page = max(self.size.height - 1, 1)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -(10**9), "last": 10**9}
        step = steps.get(movement, 0)
        if movement == "choose":
            if self.line is not None:
                self.post_message(self.Chosen(self, self.line))
        elif not self._keys:
            self._scroll(step)
        else:
            self._step(step)

    def _step(self, step: int) -> None:
        """Move among what can be chosen; where the next such line is out of reach, scroll towards it."""
        before = self._cursor
        if abs(step) == 1:
            target = before + step
            at_end = not 0 <= target < len(self._keys)
            far = not at_end and abs(self._keys[target] - (self._top if step < 0 else self._top + self.size.height)) > 2
            if at_end or (far and not self._in_view(self._keys[target])):
                self._scroll(step)
                return
            self._set_cursor(target)
            return
        wanted = self._keys[before] + step
        places = [place for place, index in enumerate(self._keys) if (index <= wanted if step > 0 else index < wanted)]
        self._scroll(step)
        self._set_cursor(max(places[-1] if places else 0, before) if step > 0 else (places[-1] if places else 0))

    def _in_view(self, index: int) -> bool:
        return self._top <= index < self._top + self.size.height

    def on_key(self, event: events.Key) -> None:
        """Move."""
        key = event.character if event.character == "G" else event.key
        movement = self.KEYS.get(key or "")
        if movement is None or (movement == "choose" and self.line is None):
            return
        event.stop()
        event.prevent_default()
        self.move(movement)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self._scroll(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self._scroll(-WHEEL)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; a click where it is already chooses."""
        index = self._top + event.y
        if index not in self._keys:
            return
        event.stop()
        place = self._keys.index(index)
        if place == self._cursor:
            self.move("choose")
        else:
            self._set_cursor(place)

    def on_resize(self, event: events.Resize) -> None:
        """Lines may depend on the width."""
        del event
        self._rebuild()

    def on_focus(self) -> None:
        """The cursor shows only where keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor shows only where keys go."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        index = self._top + y
        width = self.size.width
        if index >= len(self._lines):
            return Strip.blank(width)
        line = self._lines[index]
        chosen = self.has_focus and bool(self._keys) and index == self._keys[self._cursor]
        if self.has_focus and (chosen or (y == 0 and not self._keys)):
            self.app.cursor_position = self.region.offset + Offset(0, y)  # what a screen reader follows
        if chosen:
            return paint([(plain(line.parts), "")], width, style("selected"))
        return paint(line.parts, width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as its lines, for dialogs that fit their height to them."""
        del container, viewport
        return max(len(self._build(max(width, 1))), 1)
