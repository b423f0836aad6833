"""What a terminal shows, in a form two terminals can be compared by."""

from __future__ import annotations

import pyte

from console.terminal.painter import Painter

NO_WRAP = "\x1b[?7l"


class Terminal:
    """An emulated terminal in the console's mode: no automatic wrap."""

    def __init__(self, columns: int, rows: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed(NO_WRAP)

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def picture(self) -> list[list[tuple[object, ...]]]:
        """Every cell's text and visible look; what does not show on a blank is left out."""
        return [[_cell(self.screen.buffer[y][x]) for x in range(self.screen.columns)] for y in range(self.screen.lines)]


def fresh_picture(painter: Painter) -> list[list[tuple[object, ...]]]:
    """What a cleared terminal shows after one full repaint of the painter's wanted picture."""
    columns, rows = painter.size
    terminal = Terminal(columns, rows)
    painter.invalidate()
    terminal.feed(painter.frame((0, 0)))
    return terminal.picture()


def _cell(char: pyte.screens.Char) -> tuple[object, ...]:
    marked = char.reverse or char.underscore or char.strikethrough
    lines = (char.bg, char.reverse, char.underscore, char.strikethrough)
    if char.data == " ":
        return (" ", *lines, char.fg if marked else "")
    return (char.data, *lines, char.fg, char.bold, char.italics)
