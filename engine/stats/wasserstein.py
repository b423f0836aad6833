"""First Wasserstein distance: how far, on average, a row has to be moved, in standard deviations of the reference.

Sources: S. S. Vallender, "Calculation of the Wasserstein distance between probability distributions on the line",
Theory of Probability and its Applications 18 (1974) 784-786 (the area between the distribution functions, which is that
between the quantile functions).
"""

from __future__ import annotations

from math import frexp
from typing import TYPE_CHECKING

from engine.stats.counts import checked

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Counts, Floats


def exact(ref: NDArray[Any], cur: NDArray[Any], *, scale: float | None = None) -> float:
    """Distance of two samples, divided by the standard deviation of the reference.

    Args:
        ref: Finite numbers, shape (n_ref,), not empty.
        cur: Finite numbers, shape (n_cur,), not empty.
        scale: What to divide by instead; 1 gives the distance in the unit of the values.

    Returns:
        From 0, without an upper bound. A constant reference has no scale: 0 if the current data is the same constant,
        else infinity.

    Raises:
        ValueError: a sample is empty, not one-dimensional, or holds something that is not finite; or the scale is not
            above 0.
    """
    import numpy as np

    from engine.stats.samples import sorted_sample

    first, second = sorted_sample(ref, "reference"), sorted_sample(cur, "current data")
    if scale is not None and not 0 < scale < np.inf:
        raise ValueError("the scale is a finite number above 0")
    # A power of two changes no digit, and keeps squares of very large and very small values apart from 0 and infinity.
    power = -_exponent(first, second)
    first, second = np.ldexp(first, power), np.ldexp(second, power)
    between = _between_sorted if first.size == second.size else _between_quantiles
    distance = between(first, second)
    if scale is not None:
        return float(np.ldexp(distance / scale, -power)) if power else distance / scale
    return _scaled(distance, float(first.std()) if first[0] < first[-1] else 0.0)


def _exponent(first: Floats, second: Floats) -> int:
    """The power of two of the greatest value where it is an unusual one; else 0."""
    greatest = max(abs(float(end)) for each in (first, second) for end in (each[0], each[-1]))
    exponent = frexp(greatest)[1]
    return exponent if abs(exponent) > _USUAL else 0


_USUAL = 300
"""Powers of two within which squares neither overflow nor vanish."""


def _between_sorted(first: Floats, second: Floats) -> float:
    import numpy as np

    return float(np.abs(first - second).mean())


def _between_quantiles(first: Floats, second: Floats) -> float:
    """The area between two quantile functions; their steps lie at i/n and j/m, so that nothing need be searched."""
    import numpy as np

    if first.size < second.size:
        first, second = second, first
    n, m = first.size, second.size
    total = 0.0
    for start in range(0, n, _CHUNK):
        mine = first[start : start + _CHUNK]
        begins = np.arange(start, start + mine.size, dtype=np.int64) * m  # of each step, in units of 1 / (n m)
        left = begins // n
        # A step of the longer sample may be cut in two by the end of a step of the shorter.
        part = np.minimum((left + 1) * n - begins, m)
        total += float(np.abs(mine - second[left]) @ part)
        total += float(np.abs(mine - second[np.minimum(left + 1, m - 1)]) @ (m - part))
    return total / n / m


_CHUNK = 1 << 15
"""Steps that are looked at together: they fit the cache."""


def _scaled(distance: float, scale: float) -> float:
    if scale > 0:
        return distance / scale
    return 0.0 if distance == 0 else float("inf")


def binned(
    ref_counts: Counts, cur_counts: Counts, lows: Counts, highs: Counts, *, scale: float | None = None
) -> tuple[float, float]:
    """Distance of two histograms whose bins have widths.

    Within a bin rows may lie anywhere. The value puts them so that the two distribution functions are straight lines;
    the bound covers every other way to put them.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).
        lows: Least value of each bin, ascending, finite, shape (bins,); equal to its high for a bin of one value.
        highs: Greatest value of each bin, at most the next low.
        scale: What to divide by; the standard deviation of the reference's bin middles without.

    Returns:
        The distance and how far from it the distance of the samples may be, both divided by the scale; a scale of 0
        gives 0 for no distance and infinity for any.

    Raises:
        ValueError: the histograms do not match, one is empty, or the bins are not in order.
    """
    import numpy as np

    ref, cur = checked(ref_counts, cur_counts)
    low, high = np.asarray(lows, np.float64), np.asarray(highs, np.float64)
    edges = np.column_stack((low, high)).ravel() if low.shape == high.shape == ref.shape else np.empty(0)
    if not edges.size or not np.isfinite(edges).all() or (edges[1:] < edges[:-1]).any():
        raise ValueError("each bin needs a low and a high, ascending and finite")
    p, q = ref / ref.sum(), cur / cur.sum()
    after = np.cumsum(p - q)
    before = after - (p - q)
    power = -_exponent(edges, edges)  # as in `exact`
    if power:
        low, high = np.ldexp(low, power), np.ldexp(high, power)
    width = high - low
    distance = float(_area(before, after) @ width + np.abs(after[:-1]) @ (low[1:] - high[:-1]))
    bound = float(_reach(before, after, p, q) @ width)
    if scale is None:
        middle = (low + high) / 2
        scale, power = float(np.sqrt(max(0.0, float(p @ (middle - p @ middle) ** 2)))), 0
    with np.errstate(over="ignore"):  # two values may be further apart than the greatest number
        found = np.ldexp([_scaled(distance, scale), _scaled(bound, scale)], -power)
    return float(found[0]), float(found[1])


def _area(before: Floats, after: Floats) -> Floats:
    """Mean of |line| from `before` to `after` over a bin, which may cross zero."""
    import numpy as np

    size = np.abs(before) + np.abs(after)
    crossing = before * after < 0
    squares = before**2 + after**2
    return np.where(crossing, squares / np.where(size > 0, size, 1.0), size) / 2


def _reach(before: Floats, after: Floats, p: Floats, q: Floats) -> Floats:
    """How far the mean of |F - G| over a bin may be from that of the straight line."""
    import numpy as np

    greatest = np.maximum(np.abs(before + p), np.abs(before - q))
    inside = (before + p) * (before - q) <= 0
    least = np.where(inside, 0.0, np.minimum(np.abs(before + p), np.abs(before - q)))
    line = _area(before, after)
    return np.maximum(greatest - line, line - least)
