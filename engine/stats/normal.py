"""Quantiles of the standard normal distribution without loading `statistics`.

Source: M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37
(1988) 477-484, the form of 7 digits; one step of Halley's method makes it exact.
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, log, pi, sqrt

_MIDDLE = ((3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1.0, 17.895169469, 78.757757664, 67.187563600))
_NEAR = ((1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975))
_FAR = ((6.6579051150, 3.0812263860, 0.42868294337, 0.017337203997), (1.0, 0.24197894225, 0.012258202635))


@lru_cache(maxsize=64)
def quantile(probability: float) -> float:
    """The value below which a standard normal variable lies with this probability.

    Args:
        probability: In (0, 1).

    Returns:
        The quantile; 0 for a half.

    Raises:
        ValueError: the probability is not in (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise ValueError("a quantile needs a probability in (0, 1)")
    half = probability - 0.5
    if abs(half) <= 0.425:
        value = half * _ratio(_MIDDLE, 0.180625 - half * half)
    else:
        r = sqrt(-log(min(probability, 1.0 - probability)))
        value = _ratio(_NEAR, r - 1.6) if r <= 5.0 else _ratio(_FAR, r - 5.0)
        value = value if half > 0 else -value
    error = (erfc(-value / sqrt(2)) / 2 - probability) * sqrt(2 * pi) * exp(value * value / 2)
    return value - error / (1 + value * error / 2)


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    above, below = (sum(each * x**power for power, each in enumerate(part)) for part in polynomials)
    return above / below
