"""By what factor rows that depend on the rows before them inflate the variance of a mean or a share.

Rows of a season, a campaign or one customer come together, so that ten thousand of them say as much as a few hundred
independent ones. The stationary bootstrap draws blocks of random length; the variance it gives a mean has a closed
form, so that nothing need be drawn.

Sources: D. N. Politis and J. P. Romano, "The stationary bootstrap", Journal of the American Statistical Association 89
(1994) 1303-1313, lemma 1 (closed form); D. N. Politis and H. White, "Automatic block-length selection for the dependent
bootstrap", Econometric Reviews 23 (2004) 53-70, corrected by A. Patton, D. Politis and H. White, the same 28 (2009)
372-375 (length of a block); J. N. K. Rao and A. J. Scott, "The analysis of categorical data from complex sample
surveys", Journal of the American Statistical Association 76 (1981) 221-230 (the mean inflation of the shares of the
bins corrects a chi-square statistic).
"""

from __future__ import annotations

from math import ceil, log10, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_BINS = 10


def inflation(series: NDArray[Any]) -> float:
    """How much rarer independent rows are than rows: divide an effective number of rows by it.

    Args:
        series: Finite numbers in the order of time, shape (n,).

    Returns:
        From 1 (independent, constant, or fewer than 20 rows) to n: the greater of the inflation of the mean rank and
        of the mean inflation of the shares of ten bins of equal content.

    Raises:
        ValueError: the series is not one-dimensional or holds something that is not finite.
    """
    import numpy as np

    values = np.asarray(series, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("a series is one column of finite numbers")
    if values.size < 20 or values.min() == values.max():
        return 1.0
    ordered = np.sort(values)
    ranks = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    bins = np.minimum(ranks * _BINS // (2 * values.size), _BINS - 1)
    factors, weights = [], []
    for each in np.unique(bins):
        inside = (bins == each).astype(np.float64)
        factors.append(_of_mean(inside))
        weights.append(1.0 - float(inside.mean()))
    shares = float(np.average(factors, weights=weights))
    return min(float(values.size), max(1.0, shares, _of_mean(ranks.astype(np.float64))))


def _of_mean(values: Floats) -> float:
    """Inflation of the variance of a mean."""
    import numpy as np

    n = values.size
    covariances = _autocovariances(values, min(n - 1, ceil(10 * sqrt(n))))
    lags = np.arange(1, covariances.size)
    block, whole = _block_length(covariances, n)
    weights = (1 - lags / n) * (1 - 1 / block) ** lags + lags / n * (1 - 1 / block) ** (n - lags)
    # Blocks cut what reaches from one to the next: with few rows the tapered sum they are chosen by comes closer.
    return max(float(1 + 2 * (weights @ covariances[1:]) / covariances[0]), whole)


def _autocovariances(values: Floats, most: int) -> Floats:
    import numpy as np

    centred = values - values.mean()
    size = 1 << (2 * values.size - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    found: NDArray[np.float64] = np.fft.irfft(np.abs(spectrum) ** 2, size)[: most + 1] / values.size
    return found


def _block_length(covariances: Floats, n: int) -> tuple[float, float]:
    """The mean length of a block with the least error of the variance; and the inflation by the tapered sum."""
    import numpy as np

    quiet = np.abs(covariances[1:]) < 2 * sqrt(log10(n) / n) * covariances[0]
    run = max(5, ceil(sqrt(log10(n))))
    still = np.flatnonzero(np.convolve(quiet, np.ones(run), "valid") >= run) if quiet.size >= run else np.empty(0)
    last = int(still[0]) if still.size else quiet.size
    reach = min(2 * max(1, last), quiet.size)
    lags = np.arange(1, reach + 1)
    taper = np.clip(2 * (1 - lags / reach), 0.0, 1.0) if reach > 1 else np.ones(1)
    weighted = taper * covariances[1 : reach + 1]
    slope, height = 2 * float(lags @ weighted), float(covariances[0] + 2 * weighted.sum())
    if height <= 0:
        return 1.0, 1.0
    longest = ceil(min(3 * sqrt(n), n / 3))
    length = min(longest, max(1.0, (n * slope**2 / height**2) ** (1 / 3)))
    return float(length), height / float(covariances[0])
