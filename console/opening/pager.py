"""A pager: a text as large as the screen allows, with search."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.cells import chop_cells
from textual.containers import Vertical

from console.screens.dialogs import Dialog
from console.typing import PlainInput
from console.widgets.bar import Bar
from console.widgets.document import Document, Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.widgets import Input

    from console.app import ConsoleApp
    from console.opening.reading import Text
    from console.text import Part


class Found:
    """Where a text stands in lines. A text in lower case minds no case.

    Args:
        lines: Where to look.
        text: What for; empty for nothing.
    """

    def __init__(self, lines: Sequence[str], text: str) -> None:
        self.text = text
        self._folded = text == text.lower()
        self.places = [place for place, line in enumerate(lines) if self._in(line)] if text else []

    def _in(self, line: str) -> bool:
        return self.text in (line.lower() if self._folded else line)

    def after(self, place: int) -> int | None:
        """The next line that holds it; after the last the first."""
        return next((each for each in self.places if each > place), self.places[0] if self.places else None)

    def before(self, place: int) -> int | None:
        """The line before that holds it; before the first the last."""
        return next((each for each in reversed(self.places) if each < place), self.places[-1] if self.places else None)

    def parts(self, line: str) -> list[Part]:
        """A line with every occurrence marked."""
        where = line.lower() if self._folded else line
        if not self.text or self.text not in where or len(where) != len(line):
            return [(line, "")]
        parts: list[Part] = []
        at = 0
        while (found := where.find(self.text, at)) >= 0:
            parts += [(line[at:found], ""), (line[found : found + len(self.text)], "selected")]
            at = found + len(self.text)
        return [*parts, (line[at:], "")]


class Pager(Dialog[None]):
    """Shows a text; `/` searches, `n` and `N` go on, Esc leaves the search and then the text.

    Args:
        title: What it is; any text.
        text: The text.
    """

    DEFAULT_CSS = """
    Pager > Vertical { width: 98%; max-width: 98%; height: 94%; max-height: 94%; }
    Pager Document { height: 1fr; max-height: 100%; }
    Pager PlainInput { display: none; height: 1; border: none; padding: 0; }
    Pager.searching PlainInput { display: block; }
    Pager.searching #told { display: none; }
    """

    keys = (("/", "search"), ("n N", "the next place, the one before"))

    def __init__(self, title: str, text: Text) -> None:
        noun = "line" if len(text.lines) == 1 else "lines"
        super().__init__(f"{title}  {len(text.lines):,} {noun}{', ' + text.note if text.note else ''}")
        self._text = text.lines
        self._from_end = bool(text.note)
        self._found = Found((), "")
        self._at = -1
        self._rows: list[int] = []
        self._document = Document(self._build)
        self._typed = PlainInput(placeholder="search", name="search")
        self._told = Bar(id="told")

    def compose(self) -> ComposeResult:
        """Title, text, and a line for what is told or typed."""
        with Vertical():
            yield self._heading
            yield self._document
            yield self._told
            yield self._typed

    def on_mount(self) -> None:
        """The text has the keyboard; of one whose beginning is left out the end is shown first."""
        self._tell()
        self._document.focus()
        if self._from_end:
            self.call_after_refresh(self._document.move, "last")

    def _build(self, width: int) -> list[Line]:
        """Rows of the text, long lines broken; the row where each line begins is kept."""
        rows: list[Line] = []
        self._rows = []
        for line in self._text:
            self._rows.append(len(rows))
            rows += [Line(self._found.parts(piece)) for piece in _pieces(line, width)]
        return rows

    def _tell(self) -> None:
        told: list[Part] = []
        if self._found.text:
            count = len(self._found.places)
            place = f"{self._found.places.index(self._at) + 1} of {count}" if count else "nothing found"
            told = [(f"{self._found.text}  ", "strong"), (f"{place}  ", "" if count else "warn")]
        for key, what in (("/", "search"), ("n N", "next, before"), ("c", "copy"), ("Esc", "close")):
            told += [(key, "key"), (f" {what}  ", "dim")]
        self._told.show(told)

    def _go(self, place: int | None) -> None:
        if place is not None:
            self._at = place
            self._document.go_to(self._rows[place])
        self._tell()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Search from here on."""
        message.stop()
        self._found = Found(self._text, message.value)
        self._document.show(self._build)
        self._stop_typing()
        self._go(self._found.after(self._at if self._at >= 0 else -1))

    def _stop_typing(self) -> None:
        self.remove_class("searching")
        self._document.focus()

    async def on_key(self, event: events.Key) -> None:
        """Search, go on, copy or close."""
        if self.has_class("searching"):
            if event.key == "escape":
                event.stop()
                event.prevent_default()
                self._stop_typing()
            return
        key = event.character or event.key
        if key == "/":
            self.add_class("searching")
            self._typed.value = ""
            self._typed.focus()
        elif key == "n":
            self._go(self._found.after(self._at))
        elif key == "N":
            self._go(self._found.before(self._at))
        elif key == "c":
            cast("ConsoleApp", self.app).copy("\n".join(self._text))
        elif key in ("q", "\r", "enter"):
            self.give_up()
        else:
            await super().on_key(event)
            return
        event.stop()
        event.prevent_default()


def _pieces(line: str, width: int) -> Iterator[str]:
    """A line in pieces of at most so many cells."""
    if len(line) <= width and line.isascii():
        yield line
    elif line.isascii():
        yield from (line[start : start + width] for start in range(0, len(line), width))
    else:
        yield from chop_cells(line, width)
