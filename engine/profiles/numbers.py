"""Counts numbers on a feature's grid: a few passes over blocks that stay in the processor's cache."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.profiles.grid import CELLS
from engine.profiles.registers import no_registers, note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout

BLOCK = 1 << 15
"""Numbers that are counted at once."""

TAIL_BITS = 5
"""Beyond the grid, doublings of the distance from its centre are cut into 2^5 parts."""

_TAIL_SHIFT = 52 - TAIL_BITS
_FEW_POINTS = 3
_INT64_MOST = (1 << 63) - 1
_LARGEST_POWER = 1023


class Scratch:
    """Memory that the features of a table share, so that it stays in the processor's cache."""

    def __init__(self) -> None:
        import numpy as np

        self.shifted = np.empty(BLOCK, np.float64)
        self.floats = np.empty(BLOCK, np.float64)
        self.steps = self.shifted.view(np.int64)
        self.fields = self.shifted.view(np.uint16)[2::4]
        self.codes = np.empty(BLOCK, np.intp)


class NumberCounting:
    """Counts the numbers of one feature.

    Args:
        feature: How.
        scratch: Memory to work in, of one thread.
        distinct: Whether different numbers are told apart.

    Raises:
        TypeError: the feature is of words, and has no grid.
    """

    def __init__(self, feature: FeatureLayout, scratch: Scratch, *, distinct: bool = False) -> None:
        import numpy as np

        if feature.grid is None:
            raise TypeError(f"{feature.kind} is not counted on a grid")
        self._grid = feature.grid
        self._offset = feature.offset
        self._low, self._end, self._centre = feature.grid.low, feature.grid.end, feature.grid.centre
        self._base = int(np.float64(2.0**feature.grid.power).view(np.int64))
        self._points = np.array(feature.points, np.float64)
        self._near = np.flatnonzero((self._points >= self._low) & (self._points < self._end))
        """Which points are on the grid."""
        self._scratch = scratch
        self._pointed: NDArray[np.bool_] | None = None
        self.cells: NDArray[np.int64] = np.zeros(CELLS, np.int64)
        self.point_counts: NDArray[np.int64] = np.zeros(len(self._points), np.int64)
        self.tails: Counter[int] = Counter()
        self.inner = 0
        """The sum of the numbers on the grid, in steps from its origin."""
        self.outer = 0
        """That of those beyond it."""
        self.missing = self.above = self.below = 0
        """NaN, +inf and -inf."""
        self.minimum: float | None = None
        """Of float64, from the offset on."""
        self.maximum: float | None = None
        self.least: int | None = None
        """Of int64, as they are: float64 may not hold them."""
        self.most: int | None = None
        self.registers: NDArray[Any] | None = no_registers() if distinct else None
        self._aside: list[NDArray[np.float64]] = []
        self._aside_rows = 0

    def floats(self, values: NDArray[np.float64]) -> None:
        """Count float64.

        Args:
            values: Shape (rows,); NaN is missing.
        """
        import numpy as np

        for start in range(0, len(values), BLOCK):
            part = self._from_offset(values[start : start + BLOCK])
            least, most = float(np.minimum.reduce(part)), float(np.maximum.reduce(part))
            if least != least:  # noqa: PLR0124 only NaN is not itself, and it is the least wherever there is one
                known = part == part  # noqa: PLR0124
                part = part[known]
                self.missing += len(known) - len(part)
                if not len(part):
                    continue
                least, most = float(np.minimum.reduce(part)), float(np.maximum.reduce(part))
            self._block(part, least, most)

    def integers(self, values: NDArray[np.int64]) -> None:
        """Count int64.

        Args:
            values: Shape (rows,).
        """
        import numpy as np

        for start in range(0, len(values), BLOCK):
            part: NDArray[Any] = values[start : start + BLOCK]
            least, most = int(np.minimum.reduce(part)), int(np.maximum.reduce(part))
            self.least = least if self.least is None else min(self.least, least)
            self.most = most if self.most is None else max(self.most, most)
            found = self._scratch.floats[: len(part)]
            np.copyto(found, self._integers_from_offset(part, least, most))
            self._block(found, float(np.minimum.reduce(found)), float(np.maximum.reduce(found)), whole=True)

    def finish(self) -> None:
        """Count what was put aside."""
        import numpy as np

        if self._aside:
            values = np.concatenate(self._aside)
            self._aside, self._aside_rows = [], 0
            self._beyond(values)

    def _from_offset(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._offset:
            return values
        near = float(self._offset)
        return (values - near) + float(int(near) - self._offset)

    def _integers_from_offset(self, values: NDArray[Any], least: int, most: int) -> NDArray[Any]:
        """Exact where the distance is an int64, which is asked of each number alone: whatever stands beside it."""
        import numpy as np

        if not self._offset:
            return values
        first, last = self._offset - _INT64_MOST, self._offset + _INT64_MOST
        if first <= least and most <= last:
            return values - self._offset
        near = np.ones(len(values), bool)
        if least < first:
            near &= values >= first
        if most > last:
            near &= values <= last
        found = self._from_offset(values.astype(np.float64))
        found[near] = values[near] - self._offset
        return found

    def _block(self, values: NDArray[np.float64], least: float, most: float, *, whole: bool = False) -> None:
        """Count numbers, none of them NaN, between a least and a most; those of integers are known already."""
        import numpy as np

        if not (math.isfinite(least) and math.isfinite(most)):
            values = self._finite(values)
            if not len(values):
                return
            least, most = float(values.min()), float(values.max())
        if not whole:
            self.minimum = least if self.minimum is None or least < self.minimum else self.minimum
            self.maximum = most if self.maximum is None or most > self.maximum else self.maximum
        if self.registers is not None:
            note(self.registers, values)
        if not (least >= self._low and most < self._end):
            values = self._inside(values)
        rows, scratch = len(values), self._scratch
        np.add(values, self._grid.shift, out=scratch.shifted[:rows])
        total = int(np.add.reduce(scratch.steps[:rows]))
        self.inner += (total - rows * self._base) % 2**64
        codes = scratch.codes[:rows]
        np.copyto(codes, scratch.fields[:rows])
        self.cells += np.bincount(codes, minlength=CELLS)
        if len(self._near):
            self._tied(values, codes)

    def _finite(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        self.above += int(np.count_nonzero(values == math.inf))
        self.below += int(np.count_nonzero(values == -math.inf))
        return values[np.isfinite(values)]

    def _inside(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is on the grid; the rest is put aside, to be counted many at once."""
        inside = (values >= self._low) & (values < self._end)
        self._aside.append(values[~inside])
        self._aside_rows += len(self._aside[-1])
        if self._aside_rows >= BLOCK:
            self.finish()
        return values[inside]

    def _beyond(self, values: NDArray[np.float64]) -> None:
        import numpy as np

        codes = tail_codes(values, self._centre)
        first = int(codes.min())
        counts = np.bincount(codes - first)
        for place in np.flatnonzero(counts).tolist():
            self.tails[place + first] += int(counts[place])
        power = self._grid.power - 52
        if len(self._near) < len(self._points):
            self._match(values)
        self.outer += _in_steps(values, power) - len(values) * int(self._grid.origin / self._grid.step)

    def _tied(self, values: NDArray[np.float64], codes: NDArray[np.intp]) -> None:
        """Count the points: by comparing with each when they are few, else where their cells are."""
        import numpy as np

        if len(self._near) <= _FEW_POINTS:
            for place in self._near:
                self.point_counts[place] += np.count_nonzero(values == self._points[place])
            return
        if self._pointed is None:
            self._pointed = np.zeros(CELLS, bool)
            self._pointed[[self._grid.cell(each) for each in self._points[self._near].tolist()]] = True
        self._match(values[self._pointed[codes]])

    def _match(self, values: NDArray[np.float64]) -> None:
        """Count the points among numbers."""
        import numpy as np

        places = np.minimum(np.searchsorted(self._points, values), len(self._points) - 1)
        found = places[self._points[places] == values]
        self.point_counts += np.bincount(found, minlength=len(self._points))


def tail_codes(values: NDArray[np.float64], centre: float) -> NDArray[np.int64]:
    """Codes of numbers beyond the grid; they rise with the numbers.

    Args:
        values: Finite.
        centre: Of the grid.

    Returns:
        Above 0 for numbers above the centre and below 0 for those below it.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        distance = np.minimum(np.abs(values - centre), np.finfo(np.float64).max)
    codes = (distance.view(np.int64) >> _TAIL_SHIFT) + 1
    return np.where(values < centre, -codes, codes)


def tail_borders(code: int, centre: float) -> tuple[float, float]:
    """Between which numbers those of a code lie.

    Args:
        code: Of `tail_codes`.
        centre: Of the grid.
    """
    near, far = (_distance((abs(code) - 1 + each) << _TAIL_SHIFT) for each in (0, 1))
    return (centre - far, centre - near) if code < 0 else (centre + near, centre + far)


def _distance(bits: int) -> float:
    import struct

    found: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return found if math.isfinite(found) else math.nextafter(math.inf, 0)


def _in_steps(values: NDArray[np.float64], power: int) -> int:
    """The sum of numbers, each rounded to a multiple of 2^power, in these multiples; exact however large they are."""
    import numpy as np

    scale = math.ldexp(1.0, -power) if -power < _LARGEST_POWER else math.inf
    if math.isfinite(scale) and float(np.abs(values).max()) < _INT64_MOST / 2 / scale:
        return _sum(np.rint(values * scale).astype(np.int64))
    mantissas, exponents = np.frexp(values)
    exponents -= 53 + power
    small = exponents < 0
    total = 0
    if small.any():
        near = np.rint(np.ldexp(values[small], -power)).astype(np.int64)
        total += _sum(near)
    whole = (mantissas[~small] * 2.0**53).astype(np.int64)
    left = exponents[~small]
    for exponent in np.unique(left, return_counts=True)[0].tolist():  # without counts numpy loads numpy.ma first
        total += _sum(whole[left == exponent]) << exponent
    return total


def _sum(values: NDArray[Any]) -> int:
    """The sum of int64, which itself may need more bits."""
    return (int((values >> 26).sum()) << 26) + int((values & ((1 << 26) - 1)).sum())


if TYPE_CHECKING:
    import numpy as np
