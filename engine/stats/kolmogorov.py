"""Distribution of Kolmogorov's statistic for one and for two samples of finite size.

Sources: R. Simard and P. L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov distribution", Journal of Statistical
Software 39 (2011), issue 11 (which formula where); G. Marsaglia, W. W. Tsang and J. Wang, "Evaluating Kolmogorov's
distribution", Journal of Statistical Software 8 (2003), issue 18 (powers of a matrix); W. Pelz and I. J. Good,
"Approximating the lower tail-areas of the Kolmogorov-Smirnov one-sample statistic", Journal of the Royal Statistical
Society B 38 (1976) 152-156; U. R. Maag and G. Dicaire, "On Kolmogorov-Smirnov type one-sample statistics", Biometrika
58 (1971) 653-656 (far tail of many rows); J. L. Hodges, "The significance probability of the Smirnov two-sample test",
Arkiv foer Matematik 3 (1958) 469-486 (two samples: lattice paths).
"""

from __future__ import annotations

from math import ceil, exp, gcd, lgamma, log, pi, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.stats.counts import Floats

_SUM_UP_TO = 5_000
"""Rows up to which the far tail is summed term by term."""


def two_samples(n: int, m: int, steps: int) -> float:
    """Probability that the greatest difference of two empirical distribution functions is as great or greater.

    Args:
        n: Rows of one sample, from 1.
        m: Rows of the other, from 1.
        steps: The difference in units of 1 / lcm(n, m), from 0.

    Returns:
        Exact for continuous values, to 12 digits however small; an upper bound when values are tied. In [0, 1].
    """
    if steps <= 0:
        return 1.0
    found = _square(n, steps) if n == m else _paths(n, m, steps)
    return min(1.0, max(0.0, found))  # what is added up may round to just beyond either end


def _square(n: int, steps: int) -> float:
    """Reflections of the paths of a square, from the last (innermost) to the first."""
    total = 0.0
    for k in range(n // steps, -1, -1):
        factor = 1.0
        for j in range(steps):
            factor *= (n - k * steps - j) / (n + k * steps + j + 1)
        total = factor * (1.0 - total)
    return 2 * total


def _paths(n: int, m: int, steps: int) -> float:
    """Share of the paths from (0, 0) to (n, m) that touch the boundary: what leaves the band at each draw, added up."""
    import numpy as np

    common = gcd(n, m)
    down, up = n // common, m // common
    both = down + up
    low, inside, lost = 0, np.ones(1), 0.0
    for drawn in range(n + m):
        left = n + m - drawn
        ours = inside * ((n - low) - np.arange(inside.size)) / left
        after = np.zeros(inside.size + 1)
        after[:-1] = inside - ours
        after[1:] += ours
        least = max((((drawn + 1) * down - steps) // both) + 1, 0, drawn + 1 - m)
        most = min(-((-(drawn + 1) * down - steps) // both) - 1, n, drawn + 1)
        first, end = max(least - low, 0), max(most - low + 1, 0)
        lost += float(after[:first].sum() + after[end:].sum())
        inside, low = after[first:end], low + first
        if not inside.size:
            return 1.0
    return lost


def tail(n: int, distance: float) -> float:
    """Probability that Kolmogorov's statistic of n rows exceeds a distance.

    Args:
        n: Rows, from 1.
        distance: In [0, 1].

    Returns:
        In [0, 1].
    """
    t = n * distance
    square = t * distance
    if t <= 0.5 or distance >= 1.0:
        return 1.0 if t <= 0.5 else 0.0
    if t <= 1.0:
        return 1.0 - exp(lgamma(n + 1) + n * (log(2 * t - 1) - log(n))) if t > 0.5 else 1.0
    if distance >= 0.5 or square >= (4.0 if n <= 140 else 2.2):
        return min(1.0, 2 * _one_sided(n, distance))
    if n <= 140 or (n <= 100_000 and t * sqrt(distance) <= 1.4):
        return min(1.0, max(0.0, 1.0 - _matrix(n, distance)))
    return min(1.0, max(0.0, 1.0 - _pelz_good(n, distance)))


def _one_sided(n: int, distance: float) -> float:
    """Probability that the greatest excess of the empirical distribution function is greater."""
    import numpy as np

    if n > _SUM_UP_TO:
        square = n * distance * distance
        if square < 8.0:
            return (1.0 - _pelz_good(n, distance)) / 2 + exp(-8 * square)  # two sides counted twice what leaves both
        return exp(-((6 * n * distance + 1) ** 2) / (18 * n))
    j = np.arange(int(n * (1 - distance)) + 1)
    rest = 1.0 - distance - j / n
    j, rest = j[rest > 0], rest[rest > 0]
    choose = np.concatenate(([0.0], np.cumsum(np.log(n - j[:-1]) - np.log(j[1:]))))
    terms = choose + (j - 1) * np.log(distance + j / n) + (n - j) * np.log(rest)
    return distance * float(np.exp(terms).sum())


def _matrix(n: int, distance: float) -> float:
    """The distribution function by the n-th power of a matrix of 2 k - 1 rows, k = ceil(n distance)."""
    import numpy as np

    k = ceil(n * distance)
    h, size = k - n * distance, 2 * k - 1
    factorials = np.cumprod(np.concatenate(([1.0], 1.0 / np.arange(1, size + 1))))
    lags = np.subtract.outer(np.arange(size), np.arange(size)) + 1
    step = np.where(lags >= 0, factorials[np.maximum(lags, 0)], 0.0)
    edge = (1 - h ** np.arange(1, size + 1)) * factorials[1:]
    edge[-1] = (1 - 2 * h**size + max(2 * h - 1, 0.0) ** size) * factorials[size]
    step[:, 0] = edge
    step[-1] = edge[::-1]
    power, scale, step_scale, left = np.eye(size), 0.0, 0.0, n
    while left:
        if left & 1:
            power, scale = _scaled(power @ step, scale + step_scale)
        step, step_scale = _scaled(step @ step, 2 * step_scale)
        left >>= 1
    return float(power[k - 1, k - 1]) * exp(scale + lgamma(n + 1) - n * log(n))


def _scaled(matrix: Floats, scale: float) -> tuple[Floats, float]:
    """A matrix divided by its greatest entry, whose logarithm goes to the scale."""
    greatest = float(matrix.max())
    return matrix / greatest, scale + log(greatest)


def _pelz_good(n: int, distance: float) -> float:
    """The distribution function by four terms in powers of 1 / sqrt(n)."""
    import numpy as np

    z = sqrt(n) * distance
    if pi**2 / 8 / z**2 > 700:
        return 0.0
    odd = 2.0 * np.arange(1, ceil(16 * z / pi) + 1) - 1
    square = odd**2 * pi**2 / 4
    weights = np.exp(-square / (2 * z**2))
    whole = pi**2 * np.arange(1, odd.size + 1.0) ** 2
    others = np.exp(-whole / (2 * z**2))
    z2, z4, z6 = z**2, z**4, z**6
    first = (square - z2) / (6 * z4)
    second = (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * square + (1 - 2 * z2) * square**2) / (72 * z**7)
    third = (
        -30 * z6
        - 90 * z**8
        + (135 * z4 - 96 * z6) * square
        + (212 * z4 - 60 * z2) * square**2
        + (5 - 30 * z2) * square**3
    ) / (6480 * z**10)
    root = sqrt(n)
    series = weights @ (1 / z + first / root + second / n + third / (n * root))
    series -= float(whole @ others) / (36 * z**3 * n)
    series += float(((3 * z2 - whole) * whole) @ others) / (216 * z6 * n * root)
    return sqrt(2 * pi) * float(series)
