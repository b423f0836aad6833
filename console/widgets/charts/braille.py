"""A canvas of dots: 2 x 4 in a braille cell, or 1 x 2 in an ASCII cell; several layers, one for each curve."""

from __future__ import annotations

from typing import NamedTuple

_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)


def _braille(pattern: int) -> str:
    """The braille character of eight dots: bits 0-3 the left column from the top, bits 4-7 the right one."""
    left = sum(dot for row, dot in enumerate(_LEFT) if pattern >> row & 1)
    right = sum(dot for row, dot in enumerate(_RIGHT) if pattern >> (row + 4) & 1)
    return chr(0x2800 + left + right)


_BRAILLE = tuple(map(_braille, range(256)))
_ASCII = (" ", "'", ".", ":")


class Cell(NamedTuple):
    """One inked cell: where it stands (cells from the top left), its character and the layer which owns it."""

    row: int
    column: int
    glyph: str
    layer: int


class Canvas:
    """Dots over a rectangle of cells.

    A column of dots is one integer, bit 0 at the top: a vertical stroke of any length costs one operation, so a noisy
    curve is as cheap as a smooth one.

    Args:
        width: cells, at least 1.
        height: cells, at least 1.
        unicode: braille dots; else ASCII.
        letters: ASCII only: the character of each layer instead of dots, so that curves differ without colour.
    """

    def __init__(self, width: int, height: int, *, unicode: bool = True, letters: str = "") -> None:
        self.width = width
        self.height = height
        self._across, self._down = (2, 4) if unicode else (1, 2)
        self._letters = "" if unicode else letters
        self._unicode = unicode
        self._layers: list[list[int]] = []
        self._behind: list[bool] = []

    @property
    def dots(self) -> tuple[int, int]:
        """Dots from left to right and from top to bottom."""
        return self.width * self._across, self.height * self._down

    def layer(self, *, behind: bool = False) -> int:
        """Begin a new layer.

        Args:
            behind: leave its ink out of every cell that a layer before it has ink in.

        Returns:
            Its number, from 0.
        """
        self._behind.append(behind)
        self._layers.append([0] * (self.width * self._across))
        return len(self._layers) - 1

    def stroke(self, layer: int, x: int, top: int, bottom: int) -> None:
        """Ink a vertical stroke.

        Args:
            layer: number of the layer.
            x: column of dots, 0 at the left.
            top: one end, row of dots, 0 at the top.
            bottom: the other end; the two may come in any order, both are inked.
        """
        if top > bottom:
            top, bottom = bottom, top
        self._layers[layer][x] |= ((1 << (bottom - top + 1)) - 1) << top

    def line(self, layer: int, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Ink a straight line, both ends included, one dot wide.

        Args:
            layer: number of the layer.
            start: (x, y) in dots.
            end: (x, y) in dots.
        """
        (x0, y0), (x1, y1) = (start, end) if start[0] <= end[0] else (end, start)
        if x0 == x1:
            self.stroke(layer, x0, y0, y1)
            return
        slope = (y1 - y0) / (x1 - x0)
        if abs(slope) <= 1:
            for x in range(x0, x1 + 1):
                self._layers[layer][x] |= 1 << round(y0 + slope * (x - x0))
            return
        step, here = (1 if y1 > y0 else -1), y0
        for x in range(x0, x1):
            after = round(y0 + slope * (x - x0 + 0.5))
            self.stroke(layer, x, here, after - step if after != here else here)
            here = after
        self.stroke(layer, x1, here, y1)

    def cells(self) -> list[Cell]:
        """The inked cells. A cell belongs to the layer with most dots in it, the earlier one when equal; never behind.

        Returns:
            The cells, in no particular order.
        """
        return [cell for column in range(self.width) for cell in self._column(column)]

    def _column(self, column: int) -> list[Cell]:
        """The inked cells of one column of cells."""
        if len(self._layers) == 1:
            return self._lone(column)
        patterns: dict[int, int] = {}
        owners: dict[int, tuple[int, int]] = {}
        mask, down = (1 << self._down) - 1, self._down
        first = column * self._across
        for number in sorted(range(len(self._layers)), key=self._behind.__getitem__):
            layer, behind = self._layers[number], self._behind[number]
            left = layer[first]
            right = layer[first + self._across - 1] if self._across == 2 else 0
            union = left | right
            if not union:
                continue
            for row in range(((union & -union).bit_length() - 1) // down, (union.bit_length() - 1) // down + 1):
                shift = row * down
                pattern = (left >> shift & mask) | (right >> shift & mask) << down
                if pattern and not (behind and row in owners and not self._behind[-owners[row][1]]):
                    patterns[row] = patterns.get(row, 0) | pattern
                    owners[row] = max(owners.get(row, (0, 0)), (pattern.bit_count(), -number))
        return [Cell(row, column, self._glyph(ink, -owners[row][1]), -owners[row][1]) for row, ink in patterns.items()]

    def _lone(self, column: int) -> list[Cell]:
        """The inked cells of one column of cells where there is one layer: no owner need be found."""
        layer, mask, down = self._layers[0], (1 << self._down) - 1, self._down
        first = column * self._across
        left = layer[first]
        right = layer[first + self._across - 1] if self._across == 2 else 0
        union, cells = left | right, []
        if union:
            for row in range(((union & -union).bit_length() - 1) // down, (union.bit_length() - 1) // down + 1):
                shift = row * down
                pattern = (left >> shift & mask) | (right >> shift & mask) << down
                if pattern:
                    cells.append(Cell(row, column, self._glyph(pattern, 0), 0))
        return cells

    def _glyph(self, pattern: int, owner: int) -> str:
        """The character of a cell."""
        if self._unicode:
            return _BRAILLE[pattern]
        return self._letters[owner] if self._letters else _ASCII[pattern]
