"""Tail and confidence limits of the noncentral chi-square distribution, in plain Python.

Source: D. Benton and K. Krishnamoorthy, "Computing discrete mixtures of continuous distributions", Computational
Statistics & Data Analysis 43 (2003) 249-267 (the sum); M. Sankaran, "Approximations to the non-central chi-square
distribution", Biometrika 50 (1963) 199-204 (the normal approximation).
"""

from __future__ import annotations

from math import erfc, exp, lgamma, log, sqrt

from engine.stats.gamma import upper

_SUM_UP_TO = 20_000.0
"""Noncentrality from which the normal approximation is used; it is off by less than 1e-6 there."""

_SMALL = 1e-17


def tail(statistic: float, df: int, shift: float) -> float:
    """Probability that a noncentral chi-square variable is greater.

    Args:
        statistic: From 0.
        df: Degrees of freedom, from 1.
        shift: Noncentrality, from 0.

    Returns:
        In [0, 1]; to 12 digits up to a noncentrality of 20,000, to 6 decimals above.
    """
    if statistic <= 0.0:
        return 1.0
    if df == 1:
        far, near = sqrt(statistic) + sqrt(shift), sqrt(statistic) - sqrt(shift)
        return min(1.0, (erfc(near / sqrt(2)) + erfc(far / sqrt(2))) / 2)
    if shift > _SUM_UP_TO:
        return erfc(_deviate(statistic, df, shift) / sqrt(2)) / 2
    return min(1.0, _mixture(statistic / 2, df / 2, shift / 2))


def _mixture(y: float, half: float, mean: float) -> float:
    """Sum of central tails weighted by Poisson probabilities; only additions, so that small tails keep their digits."""
    if not mean:
        return upper(half, y)
    number = max(0, int(mean - 9.0 * sqrt(mean) - 9.0))
    weight = exp(number * log(mean) - mean - lgamma(number + 1))
    a = half + number
    central = upper(a, y)
    step = exp(a * log(y) - y - lgamma(a + 1))
    total = 0.0
    while True:
        term = weight * central
        total += term
        number += 1
        weight *= mean / number
        if number > mean and weight * 2 * number <= total * _SMALL * (number - mean):
            return total
        if weight == 0.0 and number > mean:
            return total
        central += step
        a += 1.0
        step *= y / a


def _deviate(statistic: float, df: int, shift: float) -> float:
    """The standard normal deviate of a noncentral chi-square value."""
    scale, h, mean, deviation = _transformed(df, shift)
    return float(((statistic / scale) ** h - mean) / deviation)


def _transformed(df: int, shift: float) -> tuple[float, float, float, float]:
    """Scale and power that make a value about normal, with the mean and the standard deviation it then has."""
    one, two, three = df + shift, df + 2 * shift, df + 3 * shift
    h = 1 - 2 * one * three / (3 * two * two)
    p = two / (one * one)
    m = (h - 1) * (1 - 3 * h)
    return one, h, 1 + h * p * (h - 1 - (2 - h) * m * p / 2), h * sqrt(2 * p) * (1 + m * p / 2)


def critical(deviate: float, df: int, shift: float) -> float:
    """The value that a noncentral chi-square variable exceeds as often as a normal one its deviate; approximately.

    Args:
        deviate: Of the standard normal distribution.
        df: Degrees of freedom, from 1.
        shift: Noncentrality, from 0.

    Returns:
        The value, from 0.
    """
    scale, h, mean, deviation = _transformed(df, shift)
    return float(scale * max(0.0, mean + deviate * deviation) ** (1 / h))


def roughly(statistic: float, df: int, shift: float) -> float:
    """`tail` by the normal approximation alone, in a hundredth of the time.

    Args:
        statistic: From 0.
        df: Degrees of freedom, from 1.
        shift: Noncentrality, from 0.

    Returns:
        In [0, 1], to about 2 decimals.
    """
    return erfc(_deviate(statistic, df, shift) / sqrt(2)) / 2


def limits(statistic: float, df: int, deviate: float = 1.959963984540054) -> tuple[float, float]:
    """Confidence limits of the noncentrality behind one observed value, by the normal approximation.

    Args:
        statistic: From 0.
        df: Degrees of freedom, from 1.
        deviate: Standard normal quantile of the confidence; 1.96 means 95 %.

    Returns:
        The lower and the upper limit, each from 0.
    """
    return _where(statistic, df, deviate), _where(statistic, df, -deviate)


def _where(statistic: float, df: int, deviate: float) -> float:
    """The noncentrality at which `statistic` has this deviate, by secants of its root; 0 when even 0 is too much."""
    if _deviate(statistic, df, 0.0) <= deviate:
        return 0.0
    old, new = 0.0, max(0.5, sqrt(statistic) - deviate)
    before, now = _deviate(statistic, df, 0.0) - deviate, _deviate(statistic, df, new * new) - deviate
    for _ in range(30):
        if before == now or abs(new - old) <= 1e-9 * new:
            break
        old, new, before = new, max(0.0, new - now * (new - old) / (now - before)), now
        now = _deviate(statistic, df, new * new) - deviate
    return new * new
