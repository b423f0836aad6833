"""Equally wide bars out of narrow bins, for drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.drift.model import Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.drift.counts import Counts

_BARS = 30
_TAIL = 0.005


def histogram(counts: Counts) -> Histogram | None:
    """Two shapes over the range where nearly all of both sides lies.

    Args:
        counts: Both sides.

    Returns:
        The shapes; `None` where values have no order, or all are one value.
    """
    import numpy as np

    fine = counts.fine
    if fine is None or counts.kind == "boolean":
        return None
    sides = [side for side in (fine.reference, fine.current) if side.sum()]
    if not sides:
        return None
    low = min(_quantile(side, fine.lows, _TAIL) for side in sides)
    high = max(_quantile(side, fine.highs, 1 - _TAIL) for side in sides)
    if not (np.isfinite(low) and np.isfinite(high) and high > low and np.isfinite(high - low)):
        return None
    edges = np.linspace(low, high, _BARS + 1)
    if not (np.diff(edges) > 0).all():
        return None
    reference, current = (_bars(side, fine.lows, fine.highs, edges) for side in (fine.reference, fine.current))
    return Histogram(float(low), float(high), reference, current)


def _quantile(side: NDArray[Any], ends: NDArray[Any], share: float) -> float:
    cumulative = side.cumsum()
    place = int(cumulative.searchsorted(share * cumulative[-1], side="left" if share > 0.5 else "right"))
    return float(ends[min(place, len(ends) - 1)])


def _bars(side: NDArray[Any], lows: NDArray[Any], highs: NDArray[Any], edges: NDArray[Any]) -> tuple[float, ...]:
    """Shares by bar: each narrow bin is spread evenly over its range; what lies outside goes to the ends."""
    import numpy as np

    total = side.sum()
    if not total:
        return (0.0,) * (len(edges) - 1)
    widths = np.maximum(highs - lows, np.finfo(float).tiny)
    inside = edges[1:-1, None]
    # The share of each bin at or below each inner edge; a point bin counts as soon as the edge reaches it.
    below = np.where(inside >= highs, 1.0, np.clip((inside - lows) / widths, 0.0, 1.0))
    cumulative = np.concatenate(([0.0], below @ side / total, [1.0]))
    return tuple(round(float(share), 4) for share in np.diff(cumulative))
