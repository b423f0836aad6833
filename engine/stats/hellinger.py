"""Hellinger distance of two histograms.

Source: E. Hellinger, "Neue Begruendung der Theorie quadratischer Formen von unendlichvielen Veraenderlichen", Journal
fuer die reine und angewandte Mathematik 136 (1909) 210-271; as used here: L. Le Cam and G. L. Yang, "Asymptotics in
Statistics", 2nd edition, Springer 2000, section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats.counts import shares

if TYPE_CHECKING:
    from engine.stats.counts import Counts


def distance(ref_counts: Counts, cur_counts: Counts) -> float:
    """Distance of the square roots of the shares, scaled to [0, 1].

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        sqrt(sum((sqrt(p) - sqrt(q))^2) / 2): 0 for equal shares, 1 without a bin in common; the same when the sides
        are exchanged.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    import numpy as np

    p, q = shares(ref_counts, cur_counts)
    return min(1.0, float(np.linalg.norm(np.sqrt(p) - np.sqrt(q))) / 2**0.5)
