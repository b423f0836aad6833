"""Bins with too few rows, put together until there is something to count.

What is kept depends on either side alone having enough, so that a level which only the current data has stays visible.

Source: W. G. Cochran, "Some methods for strengthening the common chi-square tests", Biometrics 10 (1954) 417-451.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from engine.stats.counts import Floats


def unordered(
    ref: Floats, cur: Floats, least: float, *, of: tuple[float, float] | None = None
) -> tuple[Floats, Floats]:
    """Pool the sparse levels of two histograms of categories into one rest.

    A level is sparse when, at the share of the side where it is more frequent, the smaller side would be expected to
    have fewer than `least` rows of it. A rest that is sparse itself joins the least level kept.

    Args:
        ref: Rows of the reference in each level, shape (levels,), not all 0.
        cur: Rows of the current data in the same levels, not all 0.
        least: Rows that a level needs, above 0.
        of: Rows of either side, where the levels are not all of them.

    Returns:
        Both with the levels that remain, the rest last; of one level when nothing can be told apart.
    """
    import numpy as np

    totals = of or (float(ref.sum()), float(cur.sum()))
    rows = _rows(ref, cur, totals)
    kept = rows >= least
    if kept.all():
        return ref, cur
    rest = (ref[~kept].sum(), cur[~kept].sum())
    ref, cur, rows = ref[kept], cur[kept], rows[kept]
    if not rows.size or _rows(*rest, totals) >= least:
        return np.append(ref, rest[0]), np.append(cur, rest[1])
    ref, cur, place = ref.copy(), cur.copy(), int(rows.argmin())
    ref[place] += rest[0]
    cur[place] += rest[1]
    return ref, cur


def ordered(ref: Floats, cur: Floats, least: float, *, of: tuple[float, float] | None = None) -> tuple[Floats, Floats]:
    """Pool neighbouring bins of two histograms of numbers, from the lowest to the highest, until each has enough.

    Args:
        ref: Rows of the reference in each bin, ascending, shape (bins,), not all 0.
        cur: Rows of the current data in the same bins, not all 0.
        least: As in `unordered`.
        of: As in `unordered`.

    Returns:
        Both with the bins that remain; of one bin when nothing can be told apart.
    """
    import numpy as np

    totals = of or (float(ref.sum()), float(cur.sum()))
    if (_rows(ref, cur, totals) >= least).all():
        return ref, cur
    starts, held = [0], (0.0, 0.0)
    for place, (mine, yours) in enumerate(zip(ref.tolist(), cur.tolist(), strict=True)):
        held = (held[0] + mine, held[1] + yours)
        if _rows(*held, totals) >= least:
            starts.append(place + 1)
            held = (0.0, 0.0)
    # What is left after the last full bin is too little to stand alone: the last start goes, full bin or remainder.
    starts = starts[:-1] or [0]
    return np.add.reduceat(ref, starts), np.add.reduceat(cur, starts)


@overload
def _rows(ref: float, cur: float, totals: tuple[float, float]) -> float: ...
@overload
def _rows(ref: Floats, cur: Floats, totals: tuple[float, float]) -> Floats: ...
def _rows(ref: Floats | float, cur: Floats | float, totals: tuple[float, float]) -> Floats | float:
    """Rows that the smaller side would have at the greater of the two shares."""
    import numpy as np

    return np.maximum(ref / totals[0], cur / totals[1]) * min(totals)
