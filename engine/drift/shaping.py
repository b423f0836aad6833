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
    # From 0 to 1, so that neither tiny nor huge numbers are lost in the arithmetic.
    lows, highs = (np.clip((ends - low) / (high - low), -1.0, 2.0) for ends in (fine.lows, fine.highs))
    reference, current = (_bars(side, lows, highs) for side in (fine.reference, fine.current))
    return Histogram(float(low) + fine.offset, float(high) + fine.offset, reference, current)


def _quantile(side: NDArray[Any], ends: NDArray[Any], share: float) -> float:
    cumulative = side.cumsum()
    place = int(cumulative.searchsorted(share * cumulative[-1], side="left" if share > 0.5 else "right"))
    return float(ends[min(place, len(ends) - 1)])


def _bars(side: NDArray[Any], lows: NDArray[Any], highs: NDArray[Any]) -> tuple[float, ...]:
    """Shares by bar from 0 to 1: the distribution function of a side, straight within each narrow bin, at the edges."""
    import numpy as np

    total = int(side.sum())
    if not total:
        return (0.0,) * _BARS
    after = side.cumsum() / total
    before = np.concatenate(([0.0], after[:-1]))
    # Two points a bin; those of one number are a step, which an edge on that number has behind it.
    at = np.column_stack((lows, highs)).ravel()
    held = np.column_stack((before, after)).ravel()
    inner = np.interp(np.arange(1, _BARS) / _BARS, at, held)
    return tuple(round(float(share), 4) for share in np.diff(np.concatenate(([0.0], inner, [1.0]))))
