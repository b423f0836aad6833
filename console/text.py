"""Styled text: pieces with a look, cleaned and fitted where they become cells; the one outlet of our own widgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from console.theme import style
from engine.core.text import clean

if TYPE_CHECKING:
    from rich.style import Style

Part: TypeAlias = tuple[str, str]
"""A piece of text and the name of its look; the text may be anything anybody logged."""

Row: TypeAlias = Sequence[Part]
"""A line, left to right."""

ELLIPSIS = "…"
_LONGEST_PIECE = 2_000


def plain(row: Row) -> str:
    """The text of a line, cleaned, without its looks."""
    return "".join(clean(text, limit=_LONGEST_PIECE) for text, _look in row)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Clean a text and bring it to a width.

    Args:
        text: Any text.
        width: Cells, 0 or more.
        right: Pad on the left instead (numbers).

    Returns:
        Exactly `width` cells; a text that was cut ends in an ellipsis.
    """
    text = clean(text, limit=_LONGEST_PIECE)
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + ELLIPSIS if width else ""
    space = " " * (width - size)
    return space + text if right else text + space


def wrap(text: str, width: int) -> Iterator[str]:
    """Break a text into lines between words; a word longer than a line is cut into pieces.

    Args:
        text: Any text; its line feeds stay breaks.
        width: Cells of a line, at least 1.

    Yields:
        Lines of at most `width` cells; one empty line for an empty text.
    """
    for paragraph in clean(text, limit=20_000, newlines=True).split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cell_len(joined) <= width:
                line = joined
                continue
            if line:
                yield line
            *full, line = _pieces(word, width)
            yield from full
        yield line


def _pieces(word: str, width: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and cell_len(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def paint(row: Row, width: int, base: Style | None = None) -> Strip:
    """Turn a line into cells.

    Args:
        row: Its pieces.
        width: Cells to fill.
        base: Style under every piece, such as the cursor's.

    Returns:
        A strip of exactly `width` cells.
    """
    segments: list[Segment] = []
    room = width
    for text, look in row:
        if room <= 0:
            break
        shown, size = _cut(clean(text, limit=_LONGEST_PIECE), room)
        segments.append(Segment(shown, _under(base, look)))
        room -= size
    if room > 0:
        segments.append(Segment(" " * room, base))
    return Strip(segments, width)


def _cut(text: str, room: int) -> tuple[str, int]:
    """A text in at most `room` cells, and how many it takes; blanks that do not fit go without a sign."""
    size = cell_len(text)
    if size <= room:
        return text, size
    if cell_len(text.rstrip(" ")) <= room:
        return set_cell_size(text, room), room
    return set_cell_size(text, room - 1) + ELLIPSIS, room


def _under(base: Style | None, look: str) -> Style:
    return style(look) if base is None else style(look) + base


def edges(left: Row, right: Row, width: int) -> list[Part]:
    """Put one line at the left edge and one at the right; the left one is cut where both do not fit.

    Args:
        left: What may be cut.
        right: What is always shown, if the line is long enough.
        width: Cells of the whole line.

    Returns:
        Pieces that fill the line.
    """
    room = width - measure(right)
    if room < 1 or not right:
        return list(left)
    kept = crop(left, room - 1)
    return [*kept, (" " * (room - measure(kept)), ""), *right]


def measure(row: Row) -> int:
    """Cells a line takes."""
    return sum(cell_len(clean(text, limit=_LONGEST_PIECE)) for text, _look in row)


def crop(row: Row, width: int) -> list[Part]:
    """The pieces that fit in `width` cells; the last one is cut with an ellipsis."""
    kept: list[Part] = []
    room = max(width, 0)
    for text, look in row:
        if room <= 0:
            break
        shown, size = _cut(clean(text, limit=_LONGEST_PIECE), room)
        kept.append((shown, look))
        room -= size
    return kept


def table(rows: Iterable[Sequence[Part]], *, gap: int = 2, right: frozenset[int] = frozenset()) -> list[list[Part]]:
    """Line up short tables inside a page: every column as wide as its widest piece.

    Args:
        rows: The cells; all rows have the same number.
        gap: Blanks between columns.
        right: Columns, from 0, that align right.

    Returns:
        One line a row.
    """
    cells = [[(clean(text, limit=_LONGEST_PIECE), look) for text, look in row] for row in rows]
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*cells, strict=True)] if cells else []
    last = len(widths) - 1
    return [
        [
            (fit(text, wide, right=place in right) + ("" if place == last else " " * gap), look)
            for place, ((text, look), wide) in enumerate(zip(row, widths, strict=True))
        ]
        for row in cells
    ]
