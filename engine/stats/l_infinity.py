"""The greatest change of one share.

Source: the Chebyshev distance; for drift of categories: E. Breck and others, "Data validation for machine learning",
Proceedings of Machine Learning and Systems 1 (2019), section 3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats.counts import shares

if TYPE_CHECKING:
    from engine.stats.counts import Counts


def distance(ref_counts: Counts, cur_counts: Counts) -> float:
    """Greatest difference of the shares of one bin.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        max |p - q|, from 0 (equal shares) to 1; the same when the sides are exchanged.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    import numpy as np

    p, q = shares(ref_counts, cur_counts)
    return float(np.abs(p - q).max())
