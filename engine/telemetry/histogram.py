"""Latencies counted in logarithmic buckets: any percentile within 5 %, and merging is addition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOWEST_US = 10
"""Shorter latencies share one bucket and are told as this, in microseconds."""

HIGHEST_US = 60_000_000
"""Longer ones share one too."""

GROWTH = 1.105
"""How much longer the latencies of a bucket are than those of the one before."""

RELATIVE_ERROR = (GROWTH - 1) / (GROWTH + 1)
"""The most by which a percentile between the two limits can be wrong, as a share of it: 0.0499."""

_SCALE = 1 / math.log(GROWTH)
_SHIFT = 1 - math.log(LOWEST_US) * _SCALE
_OVER = math.ceil(math.log(HIGHEST_US / LOWEST_US) * _SCALE) + 1

BUCKETS = _OVER + 1
"""How many buckets there are, the first and last being the two that share: 159."""

LatencyCounts = dict[int, int]
"""Requests by bucket; buckets without requests are left out."""


def bucket_of(latency_us: float) -> int:
    """The bucket that counts a latency.

    Args:
        latency_us: In microseconds.

    Returns:
        A number in [0, `BUCKETS`).
    """
    if latency_us < LOWEST_US:
        return 0
    if latency_us >= HIGHEST_US:
        return _OVER
    return int(math.log(latency_us) * _SCALE + _SHIFT)


def bounds_us(bucket: int) -> tuple[float, float]:
    """The latencies that a bucket counts: from the first, which is inside, to the second, which is not.

    Args:
        bucket: In [0, `BUCKETS`).

    Returns:
        Two numbers of microseconds; the last bucket has no end.
    """
    if bucket <= 0:
        return 0.0, float(LOWEST_US)
    if bucket >= _OVER:
        return float(HIGHEST_US), math.inf
    low = LOWEST_US * GROWTH ** (bucket - 1)
    return low, low * GROWTH


def merged(counts: Iterable[Mapping[int, int]]) -> LatencyCounts:
    """Several counts as one: their sum, in whatever order."""
    total: LatencyCounts = {}
    for each in counts:
        add(total, each)
    return total


def add(total: LatencyCounts, more: Mapping[int, int]) -> None:
    """Add counts to others in place."""
    for bucket, count in more.items():
        total[bucket] = total.get(bucket, 0) + count


def percentile_us(counts: Mapping[int, int], share: float) -> float | None:
    """A percentile: the shortest latency that at least `share` per cent of the requests do not exceed.

    Args:
        counts: Requests by bucket.
        share: In [0, 100].

    Returns:
        In microseconds, at most `RELATIVE_ERROR` from the exact one where that lies between `LOWEST_US` and
        `HIGHEST_US`, else the limit; `None` when nothing was counted.

    Source: Masson, Rim, Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
    VLDB 2019, with a fixed number of buckets.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = max(1, math.ceil(total * share / 100))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return _told_us(bucket)
    return None


def _told_us(bucket: int) -> float:
    low, high = bounds_us(bucket)
    if bucket <= 0:
        return high
    return low if bucket >= _OVER else 2 * low * high / (low + high)
