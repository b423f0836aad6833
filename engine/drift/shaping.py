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
    """Shares by bar: the distribution function of either side, straight within each narrow bin, at the edges."""
    import numpy as np

    total = int(side.sum())
    if not total:
        return (0.0,) * (len(edges) - 1)
    after = side.cumsum() / total
    before = np.concatenate(([0.0], after[:-1]))
    # Two points a bin; those of one number are a step, which an edge on that number has behind it.
    at = np.column_stack((lows, highs)).ravel()
    held = np.column_stack((before, after)).ravel()
    inner = np.interp(edges[1:-1], at, held)
    cumulative = np.concatenate(([0.0], inner, [1.0]))
    return tuple(round(float(share), 4) for share in np.diff(cumulative))
