"""Jensen-Shannon distance of two histograms.

Source: J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory 37 (1991)
145-151, equation 4.1; its square root is a metric: D. M. Endres and J. E. Schindelin, "A new metric for probability
distributions", IEEE Transactions on Information Theory 49 (2003) 1858-1860.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats.counts import shares

if TYPE_CHECKING:
    from engine.stats.counts import Counts, Floats


def distance(ref_counts: Counts, cur_counts: Counts) -> float:
    """Square root of the Jensen-Shannon divergence with logarithms to the base 2.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        From 0 (equal shares) to 1 (no bin in common); the same when the sides are exchanged.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    from math import sqrt

    p, q = shares(ref_counts, cur_counts)
    middle = (p + q) / 2
    return sqrt(min(1.0, max(0.0, (_bits(p, middle) + _bits(q, middle)) / 2)))


def _bits(part: Floats, middle: Floats) -> float:
    import numpy as np

    used = part > 0
    return float((part[used] * np.log2(part[used] / middle[used])).sum())
