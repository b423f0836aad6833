"""Kullback-Leibler divergence of the current data from the reference.

Source: S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22 (1951)
79-86, equation 2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats.counts import filled

if TYPE_CHECKING:
    from engine.stats.counts import Counts


def divergence(ref_counts: Counts, cur_counts: Counts) -> float:
    """Mean surprise, in nats, at the current data for one who believes the reference.

    A bin that is empty on one side only counts as half a row there; the shares are then scaled to sum to 1 again.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        sum(q * ln(q / p)) of the shares p of the reference and q of the current data; 0 for equal shares, never
        below, without an upper bound, not symmetric.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    import numpy as np

    p, q = filled(ref_counts, cur_counts)
    p, q = p / p.sum(), q / q.sum()
    return max(0.0, float((q * np.log(q / p)).sum()))
