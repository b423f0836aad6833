"""Page-Hinkley test: has the mean of a stream moved from what it was since the start?

Sources: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100-115; D. V. Hinkley, "Inference about the
change-point from cumulative sum tests", Biometrika 58 (1971) 509-523; as used on streams: J. Gama, I. Zliobaite,
A. Bifet, M. Pechenizkiy and A. Bouchachia, "A survey on concept drift adaptation", ACM Computing Surveys 46 (2014),
article 44, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.stats import scanning

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_EMPTY = (0.0, 0.0, 0.0, float("inf"), 0.0, float("-inf"))


@dataclass(slots=True)
class PageHinkley(scanning.Kept):
    """A detector of a change of the mean, up or down; it starts anew after each detection.

    Args:
        tolerance: A change of the mean that does not matter, in the unit of the values, from 0.
        threshold: Sum of the excess, in the unit of the values, that is a detection; above 0.
        least: Values before the first detection, from 1.
        state: Count, sum, rising sum and its least, falling sum and its greatest.
    """

    tolerance: float = 0.005
    threshold: float = 50.0
    least: int = 30
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

        count, total, rising, lowest, falling, highest = self.state
        counts = count + np.arange(1, part.size + 1)
        totals = scanning.carried(total, part)
        off = part - totals / counts
        rises = scanning.carried(rising, off - self.tolerance)
        falls = scanning.carried(falling, off + self.tolerance)
        lows = np.minimum(np.minimum.accumulate(rises), lowest)
        highs = np.maximum(np.maximum.accumulate(falls), highest)
        moved = np.maximum(rises - lows, highs - falls) > self.threshold
        used, hit = scanning.first_true(moved & (counts >= self.least))
        last = used - 1
        parts = (counts[last], totals[last], rises[last], lows[last], falls[last], highs[last])
        self.state = _EMPTY if hit else tuple(float(each) for each in parts)
        return used, hit
