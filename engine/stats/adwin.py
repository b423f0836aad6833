"""ADWIN: a window that grows while nothing changes and drops its past when two of its parts have different means.

Where the window may be cut is laid out on a grid that does not depend on the values: every multiple of 16 values among
the latest, of 32 before these, of 64 before these, and so on, as in an exponential histogram. So a whole batch can be
compared with all cuts at once, in array operations, and memory grows with the logarithm of the window.

Source: A. Bifet and R. Gavalda, "Learning from time-changing data with adaptive windowing", Proceedings of the 7th SIAM
International Conference on Data Mining (2007) 443-448: the cut of theorem 3.2 in its form with the variance (section
4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.stats import scanning

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_BLOCK = 16
"""Values that are put together before anything is compared."""

_LEVELS = 26
"""Grids of cuts; a window of 2^33 values is compared over its whole length."""

_CUTS = 12
"""Cuts kept of each grid; the earlier half of them lies beyond those of the finer grid."""

_NEAR, _FAR = tuple(range(_CUTS + 1)), tuple(range(_CUTS // 2, _CUTS + 1))
"""How many multiples back the cuts of the finest grid lie, and those of the others."""

_AT_ONCE = 512
"""Blocks compared together, so that what is made fits the cache."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The whole window after each of some blocks; every part has shape (blocks,).

    Args:
        after: Number of the block.
        values: How many values it holds.
        mean: Of the values.
        variance: Of the values, times twice the logarithm of the bound.
        chance: The logarithm of the bound, times two thirds of the span.
    """

    after: NDArray[np.int64]
    values: Floats
    mean: Floats
    variance: Floats
    chance: Floats


@dataclass(slots=True)
class Adwin:
    """A detector of any change of the mean that is too great for chance.

    Args:
        delta: Chance of a false detection at one look, in (0, 1), by a bound that is seldom reached.
        span: How far apart two values can be, above 0: 1 for errors and scores.
    """

    delta: float = 0.002
    span: float = 1.0
    _start: int = 0
    _count: int = 0
    _offset: float = 0.0
    _at_start: tuple[float, float] = (0.0, 0.0)
    _grids: list[NDArray[np.float64]] = field(default_factory=list)
    _rest: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """How many values the window holds."""
        return (self._count - self._start) * _BLOCK + len(self._rest)

    def update(self, values: NDArray[Any]) -> tuple[int, ...]:
        """Look at further values.

        Args:
            values: Finite numbers in the order they came, shape (n,).

        Returns:
            Places in `values` at which a change was detected; each is the last value of a block of 16.

        Raises:
            ValueError: the values are not one-dimensional or not finite.
        """
        import numpy as np

        given = np.asarray(values, np.float64)
        if given.ndim != 1 or not np.isfinite(given).all():
            raise ValueError("a detector takes one column of finite numbers")
        if given.size and not self._grids:
            self._offset = float(given[0])
            self._grids = [np.zeros((1, 2)) for _ in range(_LEVELS)]
        held = len(self._rest)
        whole = np.concatenate((self._rest, given)) if held else given
        blocks = (whole[: whole.size // _BLOCK * _BLOCK] - self._offset).reshape(-1, _BLOCK)
        self._rest = tuple(whole[blocks.size :].tolist())
        sums = np.column_stack((blocks.sum(axis=1), (blocks * blocks).sum(axis=1)))
        return tuple((place + 1) * _BLOCK - 1 - held for place in self._scanned(sums))

    def _scanned(self, sums: Floats) -> list[int]:
        found, start, size = [], 0, _AT_ONCE
        while start < len(sums):
            used, hit = self._take(sums[start : start + size])
            start += used
            size = 32 if hit else min(_AT_ONCE, 2 * size)
            if hit:
                found.append(start - 1)
        return found

    def _take(self, sums: Floats) -> tuple[int, bool]:
        """Compare after each block; use the blocks up to and with the first after which a cut is found."""
        import numpy as np

        totals = np.cumsum(np.concatenate((self._grids[0][-1:], sums)), axis=0)
        after = self._count + np.arange(1, len(sums) + 1)
        window = self._window(totals[1:], after)
        grids = [self._grid(level, totals, len(sums)) for level in range(_LEVELS)]
        best, cuts = np.zeros(len(sums)), np.zeros(len(sums), np.int64)
        for level in range(min(_LEVELS, int(after[-1] - self._start).bit_length())):
            self._compare(level, grids[level], window, (best, cuts))
        used, hit = scanning.first_true(best > 1.0)
        if hit:
            self._cut(int(cuts[used - 1]), grids)
        self._count += used
        for level, (first, grid) in enumerate(grids):
            last = (self._count >> level) - first + 1
            self._grids[level] = grid[max(0, last - _CUTS - 1) : last].copy()
        return used, hit

    def _window(self, totals: Floats, after: NDArray[np.int64]) -> _Window:
        import numpy as np

        values = (after - self._start).astype(np.float64) * _BLOCK
        mean = (totals[:, 0] - self._at_start[0]) / values
        variance = np.maximum((totals[:, 1] - self._at_start[1]) / values - mean * mean, 0.0)
        chance = np.log(2 * np.log(values) / self.delta)
        return _Window(after, values, mean, 2 * variance * chance, 2 / 3 * self.span * chance)

    def _grid(self, level: int, totals: Floats, blocks: int) -> tuple[int, Floats]:
        """The number of the first multiple kept of this grid, and the totals at each from there to the last block."""
        import numpy as np

        kept, last = self._grids[level], self._count >> level
        places = np.arange(last + 1, ((self._count + blocks) >> level) + 1) * (1 << level) - self._count
        return last - len(kept) + 1, np.concatenate((kept, totals[places]))

    def _compare(self, level: int, grid: tuple[int, Floats], window: _Window, result: tuple[Any, Any]) -> None:
        """Hold the means on both sides of each cut of one grid against each other; note the clearest after each block.

        A coarse grid is looked at less often: what that delays is small beside the distance of its cuts.
        """
        import numpy as np

        stride = max(1, (1 << level) >> 2)
        rows = slice(int(-window.after[0] % stride), None, stride)
        after = window.after[rows, None]
        if not after.size:
            return
        numbers = (after >> level) - (_NEAR if level == 0 else _FAR)
        cuts = numbers << level
        old = (cuts - self._start) * float(_BLOCK)
        inside = (old > 0) & (cuts < after)
        before = grid[1][:, 0][np.maximum(numbers - grid[0], 0)] - self._at_start[0]
        share = np.where(inside, window.values[rows, None] / (old * (window.values[rows, None] - old) + ~inside), 0.0)
        reach = np.sqrt(window.variance[rows, None] * share) + window.chance[rows, None] * share
        ratio = np.abs(before - old * window.mean[rows, None]) * share / (reach + ~inside)
        place = ratio.argmax(axis=1)
        greatest = np.take_along_axis(ratio, place[:, None], axis=1)[:, 0]
        best, chosen = result
        better = greatest > best[rows]
        best[rows] = np.where(better, greatest, best[rows])
        chosen[rows] = np.where(better, np.take_along_axis(cuts, place[:, None], axis=1)[:, 0], chosen[rows])

    def _cut(self, cut: int, grids: list[tuple[int, Floats]]) -> None:
        """Start the window at a cut."""
        for level, (first, grid) in enumerate(grids):
            place = (cut >> level) - first
            if (place + first) << level == cut and 0 <= place < len(grid):
                self._start, self._at_start = cut, (float(grid[place, 0]), float(grid[place, 1]))
                return

    def to_bytes(self) -> bytes:
        """The state, bit for bit; the settings are the caller's."""
        import numpy as np

        head = (float(self._start), float(self._count), self._offset, *self._at_start, float(len(self._rest)))
        sizes = [float(len(grid)) for grid in self._grids]
        body = np.concatenate([*self._grids, np.empty((0, 2))]).ravel().tolist()
        return scanning.packed((*head, *self._rest, *sizes, *body))

    def restore(self, data: bytes) -> Adwin:
        """A detector with these settings and a stored state.

        Args:
            data: What `to_bytes` wrote.

        Returns:
            The detector.

        Raises:
            ValueError: the bytes are no state of this detector.
        """
        import numpy as np

        numbers = scanning.unpacked(data, len(data) // 8)
        head, numbers = numbers[:6], numbers[6:]
        if len(head) < 6 or not 0 <= head[5] < _BLOCK:
            raise ValueError("these bytes are no state of this detector")
        rest, numbers = numbers[: int(head[5])], numbers[int(head[5]) :]
        grids, at = [], _LEVELS
        for size in numbers[:_LEVELS]:
            grids.append(np.array(numbers[at : at + 2 * int(size)], np.float64).reshape(-1, 2))
            at += 2 * int(size)
        if len(numbers) not in {0, at}:
            raise ValueError("these bytes are no state of this detector")
        return Adwin(self.delta, self.span, int(head[0]), int(head[1]), head[2], (head[3], head[4]), grids, rest)
