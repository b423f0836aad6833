"""The incomplete gamma function in plain Python: loading SciPy for it costs more than a whole comparison.

Source: W. H. Press, S. A. Teukolsky, W. T. Vetterling and B. P. Flannery, "Numerical Recipes", 3rd edition, Cambridge
2007, section 6.2 (series below a + 1, Lentz's continued fraction above).
"""

from __future__ import annotations

from math import exp, inf, lgamma, log

_EPSILON = 1e-16
_TINY = 1e-300


def upper(a: float, x: float) -> float:
    """Regularised upper incomplete gamma function Q(a, x).

    Args:
        a: Shape, above 0.
        x: Lower limit of the integral, from 0; infinity is allowed.

    Returns:
        The integral of t^(a-1) e^-t from x to infinity over the gamma function of a, in [0, 1].
    """
    if x <= 0.0:
        return 1.0
    if x == inf:
        return 0.0
    front = exp(a * log(x) - x - lgamma(a))
    return 1.0 - front * _series(a, x) if x < a + 1.0 else front * _fraction(a, x)


def chi_square_tail(statistic: float, df: float) -> float:
    """Probability that a chi-square variable is greater.

    Args:
        statistic: From 0.
        df: Degrees of freedom, above 0.

    Returns:
        In [0, 1].
    """
    return upper(df / 2.0, statistic / 2.0)


def _series(a: float, x: float) -> float:
    term = total = 1.0 / a
    step = a
    while term > total * _EPSILON:
        step += 1.0
        term *= x / step
        total += term
    return total


def _fraction(a: float, x: float) -> float:
    b = x + 1.0 - a
    c = 1.0 / _TINY
    d = 1.0 / b
    value, number = d, 0
    while True:
        number += 1
        factor = -number * (number - a)
        b += 2.0
        d = factor * d + b
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = b + factor / c
        c = c if abs(c) > _TINY else _TINY
        change = c * d
        value *= change
        if abs(change - 1.0) < 4 * _EPSILON:
            return value
