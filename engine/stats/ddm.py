"""Drift detection method: has the error rate risen above the best it has been?

Source: J. Gama, P. Medas, G. Castillo and P. Rodrigues, "Learning with drift detection", Advances in Artificial
Intelligence, SBIA 2004, Lecture Notes in Computer Science 3171, 286-295.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.stats import scanning

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_EMPTY = (0.0, 0.0, float("inf"), 0.0)


@dataclass(slots=True)
class Ddm(scanning.Kept):
    """A detector of a rising error rate; it starts anew after each detection.

    Args:
        deviations: How many standard deviations above the best rate are a detection, above 0.
        least: Values before the first detection, from 1.
        state: Count, errors, the least of rate plus deviation, and the rate then.
    """

    deviations: float = 3.0
    least: int = 30
    state: tuple[float, ...] = field(default=_EMPTY, kw_only=True)

    def update(self, values: NDArray[Any]) -> tuple[int, ...]:
        """Look at further outcomes.

        Args:
            values: 1 or True for an error, 0 for none, in the order they came, shape (n,).

        Returns:
            Places in `values` at which a change was detected.

        Raises:
            ValueError: the values are not one-dimensional or do not lie in [0, 1].
        """
        import numpy as np

        given = np.asarray(values, np.float64)
        if given.size and not (given.min() >= 0 and given.max() <= 1):
            raise ValueError("this detector takes errors: numbers in [0, 1]")
        return scanning.detections(given, self._take)

    def _take(self, part: Floats) -> tuple[int, bool]:
        import numpy as np

        count, errors, best, rate = self.state
        counts = count + np.arange(1, part.size + 1)
        sums = scanning.carried(errors, part)
        rates = sums / counts
        highs = rates + np.sqrt(rates * (1 - rates) / counts)
        # The best so far may lie before this part: it stands in front of it.
        values = np.concatenate(((best,), np.where(counts > self.least, highs, np.inf)))
        at = scanning.latest_least(values)[1:]
        bests, at_best = values[at], np.concatenate(((rate,), rates))[at]
        flags = np.zeros(part.size, bool)
        ready = np.isfinite(bests)
        flags[ready] = highs[ready] > (at_best + self.deviations * (bests - at_best))[ready]
        used, hit = scanning.first_true(flags)
        last = used - 1
        parts = (counts[last], sums[last], bests[last], at_best[last])
        self.state = _EMPTY if hit else tuple(float(each) for each in parts)
        return used, hit
