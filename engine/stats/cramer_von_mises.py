"""Cramer-von Mises test that two samples come from the same distribution: the mean square of the difference.

Sources: T. W. Anderson, "On the distribution of the two-sample Cramer-von Mises criterion", Annals of Mathematical
Statistics 33 (1962) 1148-1159 (statistic, mean, variance); S. Csoergoe and J. J. Faraway, "The exact and asymptotic
distributions of Cramer-von Mises statistics", Journal of the Royal Statistical Society B 58 (1996) 221-234, equation
1.2 (limit); Y. Xiao, A. Gordon and A. Yakovlev, "A C++ program for the Cramer-von Mises two-sample test", Journal of
Statistical Software 17 (2006), issue 8 (few rows, exactly).
"""

from __future__ import annotations

from math import comb, cosh, exp, lcm, lgamma, pi, sqrt
from typing import TYPE_CHECKING

from engine.stats.result import TestResult
from engine.stats.samples import sorted_sample

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_EXACT_UP_TO = 20


def two_sample(ref: NDArray[Any], cur: NDArray[Any]) -> TestResult:
    """Test of two samples; ties count at their mid-ranks.

    Args:
        ref: Finite numbers, shape (n_ref,), at least 2.
        cur: Finite numbers, shape (n_cur,), at least 2.

    Returns:
        The statistic T and its p-value: exact up to 20 rows a side, by the limit beyond.

    Raises:
        ValueError: a sample has fewer than two rows, is not one-dimensional, or holds something that is not finite.
    """
    first, second = sorted_sample(ref, "reference"), sorted_sample(cur, "current data")
    n, m = first.size, second.size
    if min(n, m) < 2:
        raise ValueError("the Cramer-von Mises test needs 2 rows on each side")
    u = n * _squares(first, second) + m * _squares(second, first)
    statistic = u / (n * m * (n + m)) - (4 * n * m - 1) / (6 * (n + m))
    p = _paths(u, n, m) if max(n, m) <= _EXACT_UP_TO else _limit(statistic, n, m)
    return TestResult(statistic, p)


def _squares(sample: Floats, other: Floats) -> float:
    """Sum of squares of the ranks in both samples less the ranks in this one."""
    import numpy as np

    own, rows = np.arange(1, sample.size + 1), np.zeros(sample.size)
    for each in (sample, other):
        rows += np.searchsorted(each, sample, side="left")
        rows += np.searchsorted(each, sample, side="right")
    return float(((rows + 1) / 2 - own) @ ((rows + 1) / 2 - own))


def _limit(statistic: float, n: int, m: int) -> float:
    rows, product = n + m, n * m
    mean = (1 + 1 / rows) / 6
    variance = (rows + 1) * (4 * product * rows - 3 * (n * n + m * m) - 2 * product) / (180 * rows * rows * product)
    return 1.0 - _distribution(1 / 6 + (statistic - mean) / sqrt(45 * variance))


def _distribution(x: float) -> float:
    """Distribution function of the limit; the terms fall fast."""
    if x < 0.003:
        return 0.0
    total, k, term = 0.0, 0, 1.0
    while term > 1e-12:
        odd = 4 * k + 1
        factor = exp(lgamma(k + 0.5) - lgamma(k + 1)) * sqrt(odd) / (pi**1.5 * sqrt(x))
        term = factor * _bessel(odd * odd / (16 * x))
        total += term
        k += 1
    return min(1.0, total)


def _bessel(q: float) -> float:
    """exp(-q) times the modified Bessel function of the second kind of order 1/4, by the trapezoidal rule.

    The integral of exp(-q (1 + cosh t)) cosh(t / 4) over t from 0: the rule converges faster than any power.
    """
    step, total, t = 0.05, exp(-2 * q) / 2, 0.05
    while (exponent := -q * (1 + cosh(t)) + t / 4) > -60 - 2 * q:
        total += exp(exponent - t / 4) * cosh(t / 4)
        t += step
    return total * step


def _paths(u: float, n: int, m: int) -> float:
    """Share of the orders of two samples with so great a statistic: the squares are summed along lattice paths."""
    import numpy as np

    common = lcm(n, m)
    a, b = common // n, common // m
    least = common**2 * (n + m) * (6 * u - n * m * (4 * n * m - 1)) // (6 * n**2 * m**2)
    empty = (np.empty(0, np.int64), np.empty(0, np.int64))
    column = [(np.zeros(1, np.int64), np.ones(1, np.int64))] + [empty] * n
    for second in range(m + 1):
        before = empty
        for first in range(n + 1):
            sums, ways = _merged(before, column[first])
            before = column[first] = (sums + (a * first - b * second) ** 2, ways)
    sums, ways = column[n]
    return float(ways[sums >= least].sum()) / comb(n + m, n)


def _merged(
    one: tuple[NDArray[np.int64], NDArray[np.int64]], other: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two tables of sums and the number of ways to each, as one."""
    import numpy as np

    sums, where = np.unique(np.concatenate((one[0], other[0])), return_inverse=True)
    ways = np.zeros(sums.size, np.int64)
    np.add.at(ways, where, np.concatenate((one[1], other[1])))
    return sums, ways
