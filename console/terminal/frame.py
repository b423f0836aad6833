"""A picture of a screen, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Grid:
    """Cells of a screen; `cells[y][x]` is the text, `looks[y][x]` the attribute's integer.

    Args:
        columns: Width in cells.
        rows: Height in cells.
    """

    columns: int
    rows: int
    cells: list[list[str]] = field(init=False)
    looks: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Make every cell a blank of the terminal's own colours."""
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.looks = [[0] * self.columns for _ in range(self.rows)]

    def scroll(self, top: int, bottom: int, count: int) -> None:
        """Shift rows top to bottom (inclusive) up by `count`, down when negative; the rows that appear are blank."""
        if count > 0:
            gone, new = slice(top, top + count), slice(bottom + 1 - count, bottom + 1 - count)
        else:
            gone, new = slice(bottom + 1 + count, bottom + 1), slice(top, top)
        del self.cells[gone], self.looks[gone]
        self.cells[new] = [[" "] * self.columns for _ in range(abs(count))]
        self.looks[new] = [[0] * self.columns for _ in range(abs(count))]

    def write(self, x: int, y: int, cells: list[str], look: int) -> None:
        """Put cells on a row. What falls outside is cut, and no half of a wide character is left anywhere.

        Args:
            x: Column of the first cell, from 0; must not be negative.
            y: Row, from 0.
            cells: Text of the cells, "" for the second half of a wide character.
            look: Their attribute.
        """
        if y >= self.rows or x >= self.columns or not cells:
            return
        row, end = self.cells[y], min(x + len(cells), self.columns)
        if row[x] == "":
            row[x - 1] = " "
        cut = end - x < len(cells) and cells[end - x] == ""
        row[x:end] = cells if end - x == len(cells) else cells[: end - x]
        self.looks[y][x:end] = [look] * (end - x)
        if cut:
            row[end - 1] = " "
        if end < self.columns and row[end] == "":
            row[end] = " "

    def resized(self, columns: int, rows: int) -> Grid:
        """A grid of another size that holds the overlapping part of this one."""
        result = Grid(columns, rows)
        for y in range(min(rows, self.rows)):
            result.write(0, y, self.cells[y], 0)
            width = min(columns, self.columns)
            result.looks[y][:width] = self.looks[y][:width]
        return result
