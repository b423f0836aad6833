"""The margin test: has a feature moved *further than matters*, "the population stability index exceeds delta"?

A test of "nothing has changed" finds any change once there are rows enough, and a fixed threshold finds noise while
there are few. Here the hypothesis is that the index is at most delta, so that more rows make the answer surer, not
louder.

The statistic is T = 4 n sum((sqrt(p) - sqrt(q))^2) over the shares of the bins, n = n_ref n_cur / (n_ref + n_cur). The
square root makes the variance of a count the same for large and small bins (a quarter is added to each count), so that
T is noncentral chi-square already with ten rows a bin. Its noncentrality is at most n PSI, because
(p - q) ln(p / q) >= 4 (sqrt(p) - sqrt(q))^2 for all p and q: under the hypothesis it is at most n delta, and the
p-value holds for every way to be different, not only for small changes.

Bins that have an order (deciles of a number) are also asked for their linear component alone: the projection of T on
the scores of the mid-ranks. Its noncentrality is a part of T's, so the same bound holds; it has one degree of freedom
instead of nine and finds a shift with half the rows. The two p-values are joined by Bonferroni with the weights 3/4 and
1/4.

Sources: B. Yurdakul and J. Naranjo, "Statistical properties of the population stability index", Journal of Risk Model
Validation 14 (2020) 89-100 (n PSI is chi-square); J. L. Hodges and E. L. Lehmann, "Testing the approximate validity of
statistical hypotheses", Journal of the Royal Statistical Society B 16 (1954) 261-268 (hypotheses with a margin);
F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35 (1948) 246-254, with
the constant of L. Brown, T. Cai and H. Zhou, "The root-unroot algorithm for density estimation", Probability Theory and
Related Fields 146 (2010) 401-433; V. N. Nair, "Chi-squared-type tests for ordered alternatives in contingency tables",
Journal of the American Statistical Association 82 (1987) 283-291 (linear component).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.frozen import frozen
from engine.stats import normal, pooling
from engine.stats.counts import checked
from engine.stats.noncentral import critical, limits, roughly, tail
from engine.stats.psi import psi

if TYPE_CHECKING:
    from engine.stats.counts import Counts, Floats

DELTA = 0.0025
"""The index up to which a change does not matter: a shift of a twentieth of a standard deviation."""

DETECTABLE = 0.25
"""The index that is to be found with the stated power; by convention "a major change"."""

LEVEL = 0.005
"""Level at which one feature is tested when its power is computed: 5 % over ten features."""

_LEAST = 8.0
"""Rows a bin needs; with fewer the square root does not make the variance constant."""

_LINEAR, _WHOLE = 4 / 3, 4.0
"""Inverse Bonferroni weights of the two parts."""


@frozen
class Sought:
    """What a test should be able to find; the power is computed for it.

    Args:
        psi: Population stability index, above delta.
        level: Level of the test of one feature, in (0, 1).
    """

    psi: float = DETECTABLE
    level: float = LEVEL


@frozen
class MarginResult:
    """Whether the population stability index exceeds a margin.

    Args:
        psi: The index of the counts as they are; chance alone makes it about (bins - 1) / n.
        effect: The index less what chance explains, from 0; in [low, high].
        low: Lower 95 % limit of the true index, from 0.
        high: Upper 95 % limit of the true index.
        p: Probability of such counts if the true index were delta, at most; in [0, 1].
        power: Probability at least that an index as sought is found, in [0, 1].
        statistic: T.
        df: Degrees of freedom of T; 0 when all rows fall into one bin.
        rows: The effective number of rows, n.
    """

    psi: float
    effect: float
    low: float
    high: float
    p: float
    power: float
    statistic: float
    df: int
    rows: float


def psi_exceeds(
    ref_counts: Counts,
    cur_counts: Counts,
    delta: float = DELTA,
    *,
    ordered: int = 0,
    inflation: float = 1.0,
    sought: Sought | None = None,
) -> MarginResult:
    """Test the hypothesis that the population stability index is at most `delta`.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).
        delta: The margin, an index from 0.
        ordered: How many of the bins, from the first, are neighbours in an order; 0 for categories. The others (nulls,
            infinities) have none.
        inflation: Factor, from 1, by which rows that depend on each other inflate the variance of a share.
        sought: What the power is computed for; the defaults of `Sought` without.

    Returns:
        The index with its interval, the p-value and the power. Everything in one bin: index 0, p 1, power 0.

    Raises:
        ValueError: the histograms do not match or one is empty, or delta, ordered or inflation is out of its range.
    """
    ref, cur = checked(ref_counts, cur_counts)
    if not 0 <= delta < float("inf") or not 0 <= ordered <= ref.size or not 1 <= inflation < float("inf"):
        raise ValueError("the margin test needs delta >= 0, 0 <= ordered <= bins and inflation >= 1")
    totals = (float(ref.sum()), float(cur.sum()))
    rows = totals[0] * totals[1] / (totals[0] + totals[1]) / inflation
    index = psi(ref, cur)
    ref, cur, in_order = _pooled(ref, cur, ordered)
    df = ref.size - 1
    if df < 1:
        return MarginResult(index, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0, rows)
    roots = _roots(ref, cur, totals, rows)
    statistic = float(roots @ roots)
    linear = _linear(ref, cur, roots, in_order) if in_order > 2 else None
    low, high = limits(statistic, df)
    scale = index / statistic if statistic else 1.0 / rows
    power = _power(rows, df, delta, linear is not None, sought or Sought())
    p = _joined(statistic, linear, df, rows * delta)
    effect = max(0.0, statistic - df)
    return MarginResult(index, effect * scale, low * scale, high * scale, p, power, statistic, df, rows)


def _pooled(ref: Floats, cur: Floats, ordered: int) -> tuple[Floats, Floats, int]:
    """Bins with rows enough; and how many of them, from the first, are in an order."""
    import numpy as np

    if not ordered:
        return *pooling.unordered(ref, cur, _LEAST), 0
    if ordered == ref.size:
        ref, cur = pooling.ordered(ref, cur, _LEAST)
        return ref, cur, ref.size
    head = pooling.ordered(ref[:ordered], cur[:ordered], _LEAST, of=(ref.sum(), cur.sum()))
    rest = pooling.unordered(ref[ordered:], cur[ordered:], _LEAST, of=(ref.sum(), cur.sum()))
    return np.append(head[0], rest[0]), np.append(head[1], rest[1]), head[0].size


def _roots(ref: Floats, cur: Floats, totals: tuple[float, float], rows: float) -> Floats:
    """Differences of the square roots, each about normal with variance 1; their squares sum to T."""
    import numpy as np

    roots: Floats = np.sqrt((cur + 0.25) / totals[1])
    roots -= np.sqrt((ref + 0.25) / totals[0])
    roots *= 2 * rows**0.5
    return roots


def _linear(ref: Floats, cur: Floats, roots: Floats, ordered: int) -> float:
    """Square of the projection on the scores of the mid-ranks."""
    import numpy as np

    both = (ref + cur)[:ordered]
    scores = np.cumsum(both) - both / 2
    scores -= scores @ both / both.sum()
    weights = np.sqrt(both) * scores
    return float(weights @ roots[:ordered]) ** 2 / float(weights @ weights)


def _joined(statistic: float, linear: float | None, df: int, shift: float) -> float:
    if linear is None or df == 1:
        return tail(statistic, df, shift)
    # A value below the mean has a tail of more than a quarter, and four times that is no evidence.
    whole = 1.0 if statistic <= df + shift else _WHOLE * tail(statistic, df, shift)
    return min(1.0, _LINEAR * tail(linear, 1, shift), whole)


def _power(rows: float, df: int, delta: float, linear: bool, sought: Sought) -> float:
    """Power of the part that sees every change; a shift in one direction is found with more."""
    level = sought.level / _WHOLE if linear and df > 1 else sought.level
    return roughly(critical(normal.quantile(1 - level), df, rows * delta), df, rows * sought.psi)
