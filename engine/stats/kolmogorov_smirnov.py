"""Kolmogorov-Smirnov test that two samples of numbers come from the same distribution.

Source: N. V. Smirnov, "On the estimation of the discrepancy between empirical curves of distribution for two
independent samples", Bulletin of Moscow University 2 (1939) 3-16; p-values by `engine.stats.kolmogorov`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats import kolmogorov
from engine.stats.counts import checked
from engine.stats.result import TestResult
from engine.stats.samples import sorted_sample

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Counts

_EXACT_UP_TO = 10_000
"""Rows of the larger sample up to which the p-value is exact; beyond, the limit for many rows."""


def exact(ref: NDArray[Any], cur: NDArray[Any]) -> TestResult:
    """Two-sided test of two samples; ties are allowed and make it cautious.

    Args:
        ref: Finite numbers, shape (n_ref,), not empty.
        cur: Finite numbers, shape (n_cur,), not empty.

    Returns:
        The greatest difference of the two empirical distribution functions, in [0, 1], and its p-value.

    Raises:
        ValueError: a sample is empty, not one-dimensional, or holds something that is not finite.
    """
    from math import lcm

    import numpy as np

    first, second = sorted_sample(ref, "reference"), sorted_sample(cur, "current data")
    n, m = first.size, second.size
    # A difference is greatest just at a value of one of them; whole numbers keep it exact.
    common = lcm(n, m)
    at_first = np.searchsorted(first, first, side="right") * (common // n)
    at_first -= np.searchsorted(second, first, side="right") * (common // m)
    at_second = np.searchsorted(first, second, side="right") * (common // n)
    at_second -= np.searchsorted(second, second, side="right") * (common // m)
    steps = max(int(np.abs(at_first).max()), int(np.abs(at_second).max()))
    distance = steps / common
    if max(n, m) <= _EXACT_UP_TO:
        return TestResult(distance, kolmogorov.two_samples(n, m, steps))
    return TestResult(distance, kolmogorov.tail(round(n * m / (n + m)), distance))


def binned(ref_counts: Counts, cur_counts: Counts) -> tuple[float, float]:
    """Greatest difference of two distribution functions of which only the values at the ends of bins are known.

    Args:
        ref_counts: Rows of the reference in each bin, from the lowest bin to the highest, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        The greatest difference at the ends, in [0, 1], and how much greater the difference of the samples may be.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    import numpy as np

    ref, cur = checked(ref_counts, cur_counts)
    p, q = ref / ref.sum(), cur / cur.sum()
    before = np.concatenate(([0.0], np.cumsum(p - q)[:-1]))
    value = min(1.0, float(np.abs(before).max(initial=0.0)))
    # Inside a bin all rows of one side may come before any of the other.
    greatest = float(np.maximum(np.abs(before + p), np.abs(before - q)).max())
    return value, max(0.0, min(1.0, greatest) - value)
