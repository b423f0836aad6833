"""Where numbers are counted: cells of one width around the reference's median, found by one addition each.

Adding a constant `shift` moves every number of the grid between 2^power and 2^power + 2^(power - 6), where a float64
has steps of 2^(power - 52). So the bits of the result *are* the number in whole steps: summed over any rows they are a
sum of integers, exact in any order, and 14 of them are the cell. Rounding is monotone, so each border between two cells
is one float64: the least number that falls above it. Counts against it are exact, not nearly so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_BITS = 14

CELLS = 1 << CELL_BITS
"""How many cells a grid has."""

STEP_BITS = 32
"""Binary digits of the steps of a cell."""

_HEADROOM = 6  # bits of the mantissa above the cells, all zero within the grid
_LEAST, _MOST = -900, 1017  # powers: a step is a normal number, and a sum no infinity
_FARTHEST = 2.0**1023


@dataclass(frozen=True)
class Grid:
    """Cells of one width; immutable.

    Args:
        power: The binary exponent that numbers of the grid are moved to.
        shift: What moves them there.
        lattice: Whether numbers are expected on the lower borders of cells alone, as integers are: a cell then stands
            for that number.
    """

    power: int
    shift: float
    lattice: bool

    @property
    def step(self) -> Fraction:
        """The unit of sums."""
        return Fraction(2) ** (self.power - 52)

    @property
    def width(self) -> float:
        """The width of a cell."""
        return math.ldexp(1.0, self.power - 52 + STEP_BITS)

    @property
    def origin(self) -> Fraction:
        """The number whose steps are 0."""
        return Fraction(2) ** self.power - Fraction(self.shift)

    @cached_property
    def low(self) -> float:
        """The least number of the grid."""
        return self.border(0)

    @cached_property
    def end(self) -> float:
        """The least number above the grid."""
        return self.border(CELLS)

    @property
    def centre(self) -> float:
        """The middle of the grid; numbers beyond it are counted by their distance from here."""
        return self.border(CELLS // 2)

    def border(self, cell: int) -> float:
        """The least number that falls into a cell or above it.

        Args:
            cell: From 0 to `CELLS`.
        """
        target = math.ldexp(1.0, self.power) + math.ldexp(float(cell), self.power - 52 + STEP_BITS)
        found = (target - self.shift) - math.ldexp(0.5, self.power - 52)
        while found + self.shift < target:
            found = math.nextafter(found, math.inf)
        while (below := math.nextafter(found, -math.inf)) + self.shift >= target:
            found = below
        return found

    def cell(self, number: float) -> int:
        """The cell of a number; -1 below the grid and `CELLS` above.

        Args:
            number: Finite.
        """
        if number < self.low:
            return -1
        if number >= self.end:
            return CELLS
        steps = math.ldexp((number + self.shift) - math.ldexp(1.0, self.power), 52 - self.power)
        return int(steps) >> STEP_BITS

    def place(self, cell: int) -> float:
        """The number that a cell stands for: on a lattice its lower border, else its middle.

        Args:
            cell: From 0 to `CELLS` - 1.
        """
        return float(self.origin + self.step * (2 * cell + (not self.lattice)) * (1 << (STEP_BITS - 1)))

    def places(self) -> NDArray[Any]:
        """The numbers that all cells stand for, shape (CELLS,)."""
        import numpy as np

        middle = 0.0 if self.lattice else 0.5
        return float(self.origin) + (np.arange(CELLS, dtype=np.float64) + middle) * self.width

    def borders(self) -> NDArray[Any]:
        """The borders of all cells as they lie evenly, shape (CELLS + 1,); each within half a step of `border`."""
        import numpy as np

        return float(self.origin) + np.arange(CELLS + 1, dtype=np.float64) * self.width


def around(centre: float, spread: float) -> Grid:
    """A grid of 8 to 16 times the spread.

    Args:
        centre: Its middle.
        spread: Such as the distance between the quartiles; above 0.
    """
    power = max(_LEAST, min(_MOST, math.ceil(math.log2(spread)) + 3 + _HEADROOM))
    middle = max(-_FARTHEST, min(_FARTHEST, centre))  # what moves numbers there must be one, too
    return _placed(power, Fraction(middle), lattice=False)


def lattice(middle: float, gap_bits: int) -> Grid:
    """A grid with a cell for each multiple of a power of two.

    Args:
        middle: Its middle.
        gap_bits: Numbers are multiples of 2 to the power of this.
    """
    power = gap_bits + 52 - STEP_BITS
    return _placed(power, Fraction(middle), lattice=True)


def _placed(power: int, middle: Fraction, *, lattice: bool) -> Grid:
    cell = Fraction(2) ** (power - 52 + STEP_BITS)
    first = (middle // cell - CELLS // 2) * cell
    return Grid(power, float(Fraction(2) ** power - first), lattice)
