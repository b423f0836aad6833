"""Population stability index: how far the shares of bins have moved.

Source: B. Yurdakul and J. Naranjo, "Statistical properties of the population stability index", Journal of Risk Model
Validation 14 (2020) 89-100, equation 1; it is the symmetric divergence of H. Jeffreys, "An invariant form for the prior
probability in estimation problems", Proceedings of the Royal Society A 186 (1946) 453-461.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.stats.counts import filled

if TYPE_CHECKING:
    from engine.stats.counts import Counts


def psi(ref_counts: Counts, cur_counts: Counts) -> float:
    """Population stability index of two histograms over the same bins.

    A bin that is empty on one side only counts as half a row there, so that the logarithm exists.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        sum((p - q) * ln(p / q)) over the shares p and q, in nats; 0 for equal shares, without an upper bound,
        the same when the sides are exchanged.

    Raises:
        ValueError: the histograms do not match, hold something else than counts, or one is empty.
    """
    import numpy as np

    p, q = filled(ref_counts, cur_counts)
    return float(((p - q) * np.log(p / q)).sum())
