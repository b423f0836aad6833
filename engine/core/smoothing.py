"""Smoothing of curves: pure arithmetic that the command line and the charts share.

What is smoothed is a whole curve, from its first point on, in at most `SAMPLES` stretches, whatever part of it is
shown and however large: a smoothed value read at a step is the same at every zoom. Between two stretches the smoothed
curve is the straight line.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from math import inf, isfinite
from operator import itemgetter
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence


SAMPLES = 1_000
"""Stretches that a whole curve is smoothed in, as many as the points that TensorBoard keeps; a shorter one in all its
points."""


def check_factor(factor: float) -> float:
    """Refuse a factor that smooths nothing in any way.

    Args:
        factor: 0 leaves a curve as it is; towards 1 it gets smoother.

    Returns:
        The same factor.

    Raises:
        InvalidInput: it is not in [0, 1).
    """
    if not 0 <= factor < 1:
        raise InvalidInput("A smoothing factor is at least 0 and below 1, such as 0.9.")
    return factor


def smoothed(
    xs: Sequence[float], values: Sequence[float], factor: float, weights: Sequence[float] | None = None
) -> list[float | None]:
    """A curve's exponential moving average, weighted by distance and without the bias of its beginning.

    With the mean distance between neighbours h = (x_n - x_1) / (n - 1) and w_k points behind the k-th value:

        share_ik = w_k * factor ** ((x_i - x_k) / h)
        smoothed_i = sum_{k <= i} share_ik * y_k / sum_{k <= i} share_ik

    Where points are evenly apart that is TensorBoard's: s_i = factor * s_{i-1} + (1 - factor) * y_i, divided by
    1 - factor ** i so that the first points are not drawn towards zero. Where they are not, a gap forgets more.

    Args:
        xs: Where the points are, in any order that does not go back (distances below zero count as none).
        values: What was logged there; what is not finite takes no part.
        factor: 0 leaves the values as they are; towards 1 it gets smoother.
        weights: How many points each one stands for; 1 each when `None`.

    Returns:
        A value for each point; `None` where its own is not finite.

    Raises:
        InvalidInput: the factor is not in [0, 1).

    Source: TensorBoard, `vz_line_chart2/line-chart.ts`, `resmoothDataset`; the weights by distance are ours.
    """
    check_factor(factor)
    spacing = _spacing(xs)
    found: list[float | None] = []
    total = share = 0.0
    before: float | None = None
    for place, (x, value) in enumerate(zip(xs, values, strict=True)):
        if not isfinite(value) or not isfinite(x):
            found.append(None)
            continue
        weight = 1.0 if weights is None else weights[place]
        distance = max((x - before) / spacing, 0.0) if before is not None and spacing else float(before is not None)
        kept = factor**distance if factor else 0.0
        total, share = total * kept + value * weight, share * kept + weight
        before = x
        average = total / share if share else value
        found.append(average if isfinite(average) else value)
    return found


def _spacing(xs: Sequence[float]) -> float:
    """The mean distance between neighbours; 0 when they all are at one place."""
    finite = [x for x in xs if isfinite(x)]
    reach = sum(after - one for one, after in pairwise(finite) if after > one)
    return reach / (len(finite) - 1) if len(finite) > 1 and reach < inf else 0.0


def between(nodes: Sequence[tuple[float, float]], x: float) -> float:
    """What a curve of straight lines says at an x.

    Args:
        nodes: Finite x, in order, and the value there; at least one.
        x: Where; before the first and behind the last node it is theirs.

    Returns:
        The value; NaN beside a node that has none.
    """
    after = bisect_right(nodes, x, key=itemgetter(0))
    if not after:
        return nodes[0][1]
    begin, low = nodes[after - 1]
    if begin == x or after == len(nodes):
        return low
    end, high = nodes[after]
    part = (x - begin) / (end - begin)
    return low * (1 - part) + high * part
