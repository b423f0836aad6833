"""Anderson-Darling test that two samples come from the same distribution; it looks at the tails as much as the middle.

Source: F. W. Scholz and M. A. Stephens, "K-sample Anderson-Darling tests", Journal of the American Statistical
Association 82 (1987) 918-924: statistic by equation 7 (ties at their mid-ranks), variance by equation 4, p by table 2.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING

from engine.stats.result import TestResult
from engine.stats.samples import sorted_sample

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_LEVELS = (0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001)
_CRITICAL = (0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546)
"""Table 2 of the source for two samples: the sums of its three columns."""


def k_sample(ref: NDArray[Any], cur: NDArray[Any]) -> TestResult:
    """Test of two samples; ties are allowed.

    Args:
        ref: Finite numbers, shape (n_ref,), not empty.
        cur: Finite numbers, shape (n_cur,), not empty; together at least 4 rows.

    Returns:
        The standardised statistic (about 0 without, growing with a difference) and its p-value, read from the table
        and therefore never below 0.001 nor above 0.25; of one single value statistic 0 and p 1.

    Raises:
        ValueError: a sample is empty, not one-dimensional, or holds something that is not finite; or fewer than 4 rows.
    """
    import numpy as np

    first, second = sorted_sample(ref, "reference"), sorted_sample(cur, "current data")
    both = np.sort(np.concatenate((first, second)), kind="stable")
    if both.size < 4:
        raise ValueError("the Anderson-Darling test needs 4 rows together")
    if both[0] == both[-1]:
        return TestResult(0.0, 1.0)
    values = both[np.concatenate(([True], both[1:] > both[:-1]))]
    below = np.searchsorted(both, values, side="left")
    ties = np.searchsorted(both, values, side="right") - below
    total = sum(_part(sample, values, below, ties) for sample in (first, second))
    statistic = (total * (both.size - 1) / both.size - 1) / sqrt(_variance(first.size, second.size))
    return TestResult(statistic, _p(statistic))


def _part(sample: Floats, values: Floats, below: NDArray[np.int64], ties: NDArray[np.int64]) -> float:
    """One sample's share of the statistic."""
    import numpy as np

    rows = int(ties.sum())
    middle = below + ties / 2
    own = (np.searchsorted(sample, values, side="right") + np.searchsorted(sample, values, side="left")) / 2
    weights = ties / rows / (middle * (rows - middle) - rows * ties / 4)
    return float(weights @ (rows * own - middle * sample.size) ** 2) / sample.size


def _variance(n: int, m: int) -> float:
    import numpy as np

    rows, k = n + m, 2
    inverse = 1.0 / n + 1.0 / m
    sums = np.cumsum(1.0 / np.arange(rows - 1, 1, -1))
    h = float(sums[-1]) + 1
    g = float((sums / np.arange(2, rows)).sum())
    a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * k**2 + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * k**2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * k**2 - 4 * h * k
    return (a * rows**3 + b * rows**2 + c * rows + d) / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0))


def _p(statistic: float) -> float:
    """A parabola through the logarithms of the levels, as the source proposes."""
    import numpy as np

    if statistic < _CRITICAL[0]:
        return _LEVELS[0]
    if statistic > _CRITICAL[-1]:
        return _LEVELS[-1]
    parabola = np.polyfit(_CRITICAL, [log(level) for level in _LEVELS], 2)
    return exp(float(np.polyval(parabola, statistic)))
