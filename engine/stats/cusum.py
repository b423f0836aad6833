"""CUSUM chart: has the mean moved from a known or learned level by a stated number of standard deviations?

Sources: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100-115; allowance and decision limit as in
D. C. Montgomery, "Introduction to Statistical Quality Control", 8th edition, Wiley 2019, section 9.1: k 0.5 and h 5
detect a shift of one standard deviation after about 10 values, with one false alarm in about 465.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

from engine.stats import scanning

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_EMPTY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Cusum(scanning.Kept):
    """A detector of a change of the mean, up or down; after each detection it learns its level anew.

    Args:
        allowance: Change that does not matter, in standard deviations, from 0; half of the one to find.
        limit: Sum of the excess, in standard deviations, that is a detection; above 0.
        learn: Values from which mean and standard deviation are learned, from 2.
        state: Count, sum and squares of what was learned from, rising sum and its least, falling sum and its least.
    """

    allowance: float = 0.5
    limit: float = 12.0
    learn: int = 300
    state: tuple[float, ...] = field(default=_EMPTY, kw_only=True)

    def update(self, values: NDArray[Any]) -> tuple[int, ...]:
        """Look at further values.

        Args:
            values: Finite numbers in the order they came, shape (n,).

        Returns:
            Places in `values` at which a change was detected.

        Raises:
            ValueError: the values are not one-dimensional or not finite.
        """
        return scanning.detections(values, self._take)

    def _take(self, part: Floats) -> tuple[int, bool]:
        import numpy as np

        count, mean, squares, rising, low, falling, least = self.state
        if count < self.learn:
            return self._learn(part[: self.learn - int(count)])
        # A level that never varied: the least difference is a change of any number of standard deviations.
        deviation = sqrt(squares / (count - 1)) or np.finfo(np.float64).tiny
        with np.errstate(over="ignore"):
            off = np.clip((part - mean) / deviation, -1e6, 1e6)
        rises = scanning.carried(rising, off - self.allowance)
        falls = scanning.carried(falling, -off - self.allowance)
        lows = np.minimum(np.minimum.accumulate(rises), low)
        lowest = np.minimum(np.minimum.accumulate(falls), least)
        used, hit = scanning.first_true(np.maximum(rises - lows, falls - lowest) > self.limit)
        last = used - 1
        parts = (count, mean, squares, rises[last], lows[last], falls[last], lowest[last])
        self.state = _EMPTY if hit else tuple(float(each) for each in parts)
        return used, hit

    def _learn(self, part: Floats) -> tuple[int, bool]:
        """Mean and sum of squares, value by value: there are few, and large levels lose no digits."""
        count, mean, squares = self.state[:3]
        for value in part.tolist():
            count += 1
            off = value - mean
            mean += off / count
            squares += off * (value - mean)
        self.state = (count, mean, squares, 0.0, 0.0, 0.0, 0.0)
        return part.size, False
