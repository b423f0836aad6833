"""A terminal emulator that also knows faint text, which pyte leaves out; it becomes grey, as most terminals draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyte

FAINT, NORMAL, RESET, EXTENDED = 2, 22, 0, (38, 48)
GREY = "brightblack"


class FaintScreen(pyte.Screen):
    """A screen on which faint default-coloured text is grey."""

    def reset(self) -> None:
        """Begin anew."""
        self._faint = False
        super().reset()

    def select_graphic_rendition(self, *attributes: int) -> None:
        """Take the style of what is written next."""
        for attribute in _simple(attributes or (RESET,)):
            if attribute == FAINT:
                self._faint = True
            elif attribute in (NORMAL, RESET):
                self._faint = False
        super().select_graphic_rendition(*attributes)
        if self._faint and self.cursor.attrs.fg == "default":
            self.cursor.attrs = self.cursor.attrs._replace(fg=GREY)
        elif not self._faint and self.cursor.attrs.fg == GREY:
            self.cursor.attrs = self.cursor.attrs._replace(fg="default")


def _simple(attributes: Sequence[int]) -> Iterator[int]:
    """The attributes without the numbers that belong to a 256- or 24-bit colour."""
    place = 0
    while place < len(attributes):
        if attributes[place] in EXTENDED and place + 1 < len(attributes):
            place += 3 if attributes[place + 1] == 5 else 5
            continue
        yield attributes[place]
        place += 1


def replay(output: bytes, columns: int, rows: int) -> FaintScreen:
    """What a terminal of that size shows after receiving `output`."""
    screen = FaintScreen(columns, rows)
    pyte.ByteStream(screen).feed(output)
    return screen
