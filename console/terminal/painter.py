"""The output stage: turns what the screen should show into the fewest bytes that make it so.

It keeps two pictures: what should be shown and what the terminal shows. A frame is their difference, sent with the
shortest cursor moves and colour changes; rows that moved are scrolled by the terminal. Equal pictures send nothing.
The terminal's own behaviour is trusted only where all terminals agree: after a character of doubtful width the cursor
is placed anew, erasing is done in the default colours only, and a row with such characters is sent whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING

from console.terminal.attributes import AttributeTable
from console.terminal.capabilities import Capabilities
from console.terminal.frame import Grid
from console.terminal.glyphs import Glyphs, is_odd

if TYPE_CHECKING:
    from rich.segment import Segment

MAX_GAP = 5  # unchanged cells sent again rather than jumped over: a jump costs four bytes
MIN_ERASE = 4  # blanks at the end of a row from which erasing is shorter
MIN_SCROLLED = 4  # rows that must reappear elsewhere before the terminal is asked to scroll


class Painter:
    """Draws frames on one terminal.

    Args:
        capabilities: What may be sent.
        columns: Width of the terminal in cells.
        rows: Height of the terminal in cells.
    """

    def __init__(self, capabilities: Capabilities, columns: int, rows: int) -> None:
        self._colours = capabilities.colours
        self._table = AttributeTable(capabilities.colours)
        self._glyphs = Glyphs(unicode=capabilities.unicode)
        self._wanted = Grid(columns, rows)
        self._shown = Grid(columns, rows)
        self._touched: set[int] = set()
        self._known = False
        self._pen = _Pen(self._table, columns)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in cells."""
        return self._wanted.columns, self._wanted.rows

    def resize(self, columns: int, rows: int) -> None:
        """The terminal changed its size: the next frame clears it and draws everything."""
        self._wanted = self._wanted.resized(columns, rows)
        self._pen = _Pen(self._table, columns)
        self.invalidate()

    def recolour(self, palette: Mapping[int, tuple[int, int, int]], *, coloured: bool = True) -> None:
        """Draw in other colours from now on; everything must be written anew, and the next frame draws everything.

        Args:
            palette: What the sixteen colours are, by number; empty for the terminal's own.
            coloured: False sends no colour at all, whatever the terminal can do.
        """
        columns, rows = self.size
        self._table = AttributeTable(self._colours if coloured else 0, palette)
        self._wanted = Grid(columns, rows)  # what it holds are numbers of the old table
        self._pen = _Pen(self._table, columns)
        self.invalidate()

    def invalidate(self) -> None:
        """Nothing is known about what the terminal shows: the next frame clears it and draws everything."""
        self._known = False

    def write(self, x: int, y: int, segments: Iterable[Segment], stop: int) -> None:
        """Put styled text into the wanted picture.

        Args:
            x: Column of its first cell, from 0.
            y: Row, from 0.
            segments: Text and styles, left to right.
            stop: Column where the room ends (exclusive).
        """
        wanted, index, split = self._wanted, self._table.index, self._glyphs.cells
        self._touched.add(y)
        for text, style, control in segments:
            if control:
                continue
            cells = split(text)
            if x + len(cells) >= stop:
                wanted.write(x, y, _cut(cells, stop - x), index(style))
                return
            wanted.write(x, y, cells, index(style))
            x += len(cells)

    def say(self, lines: Sequence[str]) -> None:
        """Want nothing but these lines, in the middle, as far as there is room."""
        wanted = self._wanted
        wanted.clear()
        top = max((wanted.rows - len(lines)) // 2, 0)
        for y, line in enumerate(lines, top):
            cells = self._glyphs.cells(line)[: wanted.columns]
            wanted.write((wanted.columns - len(cells)) // 2, y, cells, 0)
        self._touched.update(range(wanted.rows))

    def frame(self, cursor: tuple[int, int]) -> str:
        """The bytes, as text, that bring the terminal to the wanted picture; "" when it shows it.

        Args:
            cursor: Column and row where the terminal's cursor shall rest.
        """
        pen, wanted = self._pen, self._wanted
        if not self._known:
            self._known = True
            self._shown = Grid(wanted.columns, wanted.rows)
            self._touched.update(range(wanted.rows))
            pen.clear()
        changed = self._differing(sorted(self._touched))
        self._touched.clear()
        if len(changed) >= MIN_SCROLLED:
            changed = self._scroll(changed)
        for y in changed:
            self._row(y)
        pen.move(min(cursor[0], wanted.columns - 1), min(cursor[1], wanted.rows - 1))
        return pen.take()

    def _scroll(self, changed: list[int]) -> list[int]:
        """Let the terminal scroll when rows only moved; returns the rows that still differ."""
        move = _movement(self._shown, self._wanted, changed)
        if move is None:
            return changed
        top, bottom, count = move
        self._pen.scroll(top, bottom, count)
        self._shown.scroll(top, bottom, count)
        return self._differing(sorted({*changed, *range(top, bottom + 1)}))

    def _differing(self, rows: Iterable[int]) -> list[int]:
        """The rows whose pictures differ; a blank's look is brought to what can be seen of it first."""
        shown, wanted, space = self._shown, self._wanted, self._table.space
        result = []
        for y in rows:
            if y < wanted.rows:
                cells = wanted.cells[y]
                looks = wanted.looks[y] = [
                    space[look] if cell == " " else look for cell, look in zip(cells, wanted.looks[y], strict=True)
                ]
                if shown.looks[y] != looks or shown.cells[y] != cells:
                    result.append(y)
        return result

    def _row(self, y: int) -> None:
        shown, new, pen = self._shown, self._wanted.cells[y], self._pen
        old, old_looks = shown.cells[y], shown.looks[y]
        looks = self._wanted.looks[y]
        odd = is_odd(new) or is_odd(old)
        end = _content_end(new, looks)
        erase = odd or _content_end(old, old_looks) - end >= MIN_ERASE
        stop = end if erase else len(new)
        if odd:
            spans = [(0, stop)] if stop else []
        else:
            differs = map(ne, zip(new, looks, strict=True), zip(old, old_looks, strict=True))
            spans = _spans(list(compress(range(stop), differs)))
        for start, last in spans:
            behind = last + 1 if last < len(new) and new[last] == "" else last  # never half of a wide character
            pen.write(start, y, new[start:behind], looks[start:behind], odd=odd)
        if erase and end < len(new):
            pen.erase(end, y)
        shown.cells[y], shown.looks[y] = new[:], looks[:]


class _Pen:
    """The terminal's cursor and colour as we know them, and the bytes of the frame in the making."""

    def __init__(self, table: AttributeTable, columns: int) -> None:
        self._table = table
        self._columns = columns
        self._out: list[str] = []
        self._x = -1  # -1: not known
        self._y = -1
        self._look = 0

    def take(self) -> str:
        """The bytes collected so far; the next frame starts empty."""
        text = "".join(self._out)
        self._out.clear()
        return text

    def clear(self) -> None:
        """Erase the terminal in its default colours."""
        self._out.append("\x1b[m\x1b[H\x1b[2J")
        self._x, self._y, self._look = 0, 0, 0

    def colour(self, look: int) -> None:
        """Use an attribute from here on."""
        self._out.append(self._table.transition(self._look, look))
        self._look = look

    def move(self, x: int, y: int) -> None:
        """Put the cursor at a cell by the shortest sequence."""
        if x == self._x and y == self._y:
            return
        self._out.append(_shortest_move(self._x, self._y, x, y))
        self._x, self._y = x, y

    def erase(self, x: int, y: int) -> None:
        """Blank a row from column `x` on, in the default colours."""
        self.move(x, y)
        self.colour(0)
        self._out.append("\x1b[K")

    def scroll(self, top: int, bottom: int, count: int) -> None:
        """Scroll rows top to bottom (inclusive) up by `count`, down when negative; new rows are default blanks."""
        self.colour(0)
        edge, step = (bottom, "\n") if count > 0 else (top, "\x1bM")
        self._out.append(f"\x1b[{top + 1};{bottom + 1}r\x1b[{edge + 1}H{step * abs(count)}\x1b[r")
        self._x = self._y = -1  # setting the margins homes the cursor, but not everywhere

    def write(self, x: int, y: int, cells: list[str], looks: list[int], *, odd: bool) -> None:
        """Send neighbouring cells.

        Args:
            x: Column of the first.
            y: Row.
            cells: Their texts.
            looks: Their attributes.
            odd: Trust no width: place the cursor for each cell.
        """
        self.move(x, y)
        at, total = 0, len(cells)
        while at < total:
            look, end = looks[at], at + 1
            while end < total and looks[end] == look:
                end += 1
            text = "".join(cells[at:end])
            if look != self._look and (text.strip(" ") or self._table.space[self._look] != look):
                self.colour(look)
            if odd:
                self._send_odd(x + at, cells[at:end])
            else:
                self._out.append(text)
                self._x += end - at
            at = end
        if self._x >= self._columns:
            self._x = -1  # at the right edge terminals differ in where the cursor rests

    def _send_odd(self, x: int, cells: list[str]) -> None:
        """Send cells of doubtful width, each where it belongs."""
        for at, cell in enumerate(cells, x):
            if cell == "":
                continue
            self.move(at, self._y)
            if at - x + 1 < len(cells) and cells[at - x + 1] == "":
                self._out.append("  ")  # a terminal that draws it narrow would leave the second cell as it was
                self._x = -1
                self.move(at, self._y)
            self._out.append(cell)
            self._x = at + 1 if cell.isascii() else -1


def _cut(cells: list[str], room: int) -> list[str]:
    """The cells that fit; a wide character that would stick out becomes a blank."""
    if len(cells) <= room:
        return cells
    if room <= 0:
        return []
    return [*cells[: room - 1], " "] if cells[room] == "" else cells[:room]


def _content_end(cells: list[str], looks: list[int]) -> int:
    """Column after the last cell that differs from a default blank."""
    end = len(cells)
    while end and cells[end - 1] == " " and not looks[end - 1]:
        end -= 1
    return end


def _spans(changes: list[int]) -> list[tuple[int, int]]:
    """Changed columns as spans (end exclusive); a gap too short for a jump becomes part of one."""
    spans: list[tuple[int, int]] = []
    if not changes:
        return spans
    start = last = changes[0]
    for x in changes:
        if x - last > MAX_GAP:
            spans.append((start, last + 1))
            start = x
        last = x
    spans.append((start, last + 1))
    return spans


def _shortest_move(from_x: int, from_y: int, x: int, y: int) -> str:
    absolute = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H" if y else "\x1b[H"
    if from_y < 0 or not 0 <= y - from_y <= 3:
        return absolute
    return min("\n" * (y - from_y) + _column_move(from_x, x), absolute, key=len)


def _column_move(from_x: int, x: int) -> str:
    if x == from_x:
        return ""
    if x == 0:
        return "\r"
    options = [f"\x1b[{x + 1}G"]
    if 0 <= from_x < x:
        options.append(f"\x1b[{x - from_x}C" if x - from_x > 1 else "\x1b[C")
    elif from_x > x:
        options.append("\b" * (from_x - x))
    return min(options, key=len)


def _movement(shown: Grid, wanted: Grid, changed: list[int]) -> tuple[int, int, int] | None:
    """Find a block of rows that only moved.

    Returns:
        Top row, bottom row (inclusive) and how many rows it goes up (negative: down), or None.
    """
    places = {text: y for y, row in enumerate(shown.cells) if (text := "".join(row)).strip()}
    moves = {y: place - y for y in changed if (place := places.get("".join(wanted.cells[y]))) is not None}
    votes = Counter(move for move in moves.values() if move)
    if not votes:
        return None
    count, support = votes.most_common(1)[0]
    if support < MIN_SCROLLED or support * 2 < len(changed):
        return None
    rows = [y for y, move in moves.items() if move == count]
    return (min(rows), max(rows) + count, count) if count > 0 else (min(rows) + count, max(rows), count)
