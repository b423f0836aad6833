"""Drift detection by Hoeffding's bound on averages (HDDM-A): has the mean risen, whatever the distribution?

Source: I. Frias-Blanco, J. del Campo-Avila, G. Ramos-Jimenez, R. Morales-Bueno, A. Ortiz-Diaz and Y. Caballero-Mota,
"Online and non-parametric drift detection methods based on Hoeffding's bounds", IEEE Transactions on Knowledge and Data
Engineering 27 (2015) 810-823, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

from engine.stats import scanning

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_EMPTY = (0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class HddmA(scanning.Kept):
    """A detector of a rising mean of bounded values; it starts anew after each detection.

    Args:
        confidence: Chance of a false detection of one comparison, in (0, 1).
        state: Count, sum, and the same two at the cut: where the mean plus its bound was least.
    """

    confidence: float = 0.001
    state: tuple[float, ...] = field(default=_EMPTY, kw_only=True)

    def update(self, values: NDArray[Any]) -> tuple[int, ...]:
        """Look at further values.

        Args:
            values: Numbers in [0, 1] in the order they came, shape (n,); errors, or scores scaled so.

        Returns:
            Places in `values` at which a change was detected.

        Raises:
            ValueError: the values are not one-dimensional or do not lie in [0, 1].
        """
        import numpy as np

        given = np.asarray(values, np.float64)
        if given.size and not (given.min() >= 0 and given.max() <= 1):
            raise ValueError("this detector takes numbers in [0, 1]")
        return scanning.detections(given, self._take)

    def _take(self, part: Floats) -> tuple[int, bool]:
        import numpy as np

        count, total, cut_count, cut_total = self.state
        counts = np.concatenate(((max(1.0, cut_count),), count + np.arange(1, part.size + 1)))
        sums = np.concatenate(((cut_total,), scanning.carried(total, part)))
        bounds = sums / counts + np.sqrt(log(1 / self.confidence) / 2 / counts)
        bounds[0] = bounds[0] if cut_count else np.inf
        at = scanning.latest_least(bounds)[1:]
        n, m = counts[1:], counts[at]
        least = np.sqrt((n - m) / (m * n) / 2 * log(2 / self.confidence))
        used, hit = scanning.first_true((m < n) & (sums[1:] / n - sums[at] / m >= least))
        parts = (counts[used], sums[used], counts[at[used - 1]], sums[at[used - 1]])
        self.state = _EMPTY if hit else tuple(float(each) for each in parts)
        return used, hit
