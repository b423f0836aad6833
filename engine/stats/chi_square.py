"""Pearson's chi-square test that two samples of categories have the same shares.

Source: K. Pearson, "On the probability that two independent distributions of frequency are really samples from the same
population", Biometrika 8 (1911) 250-254; sparse levels are pooled after W. G. Cochran, "Some methods for strengthening
the common chi-square tests", Biometrics 10 (1954) 417-451.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats import pooling
from engine.stats.counts import checked
from engine.stats.gamma import chi_square_tail
from engine.stats.result import TestResult

if TYPE_CHECKING:
    from engine.stats.counts import Counts


def pooled(ref_counts: Counts, cur_counts: Counts, *, least: float = 5.0) -> TestResult:
    """Chi-square test of a table of two rows, without a continuity correction.

    Args:
        ref_counts: Rows of the reference in each level, shape (levels,).
        cur_counts: Rows of the current data in the same levels, shape (levels,).
        least: Rows that a level needs, at the greater of its two shares, on the smaller side; levels with fewer are
            pooled. 0 pools nothing but levels that nobody has.

    Returns:
        The statistic, its p-value and the degrees of freedom; p 1 with 0 degrees when one level remains.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    ref, cur = checked(ref_counts, cur_counts)
    used = (ref + cur) > 0
    ref, cur = pooling.unordered(ref[used], cur[used], least)
    if ref.size < 2:
        return TestResult(0.0, 1.0, 0)
    share = (ref + cur) / (ref.sum() + cur.sum())
    expected, awaited = share * ref.sum(), share * cur.sum()
    statistic = float(((ref - expected) ** 2 / expected).sum() + ((cur - awaited) ** 2 / awaited).sum())
    return TestResult(statistic, chi_square_tail(statistic, ref.size - 1), ref.size - 1)
