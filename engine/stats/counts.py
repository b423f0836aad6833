"""Two histograms over the same bins: what every comparison of counts asks of them first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    Counts: TypeAlias = Sequence[int] | Sequence[float] | NDArray[Any]
    Floats: TypeAlias = NDArray[np.float64]


def checked(ref_counts: Counts, cur_counts: Counts) -> tuple[Floats, Floats]:
    """Two histograms as arrays of doubles.

    Args:
        ref_counts: Rows of the reference in each bin, shape (bins,).
        cur_counts: Rows of the current data in the same bins, shape (bins,).

    Returns:
        Both, shape (bins,).

    Raises:
        ValueError: the two are not lists of equally many finite counts from 0, or one has no row at all.
    """
    import numpy as np

    ref, cur = np.asarray(ref_counts, np.float64), np.asarray(cur_counts, np.float64)
    if ref.ndim != 1 or ref.shape != cur.shape:
        raise ValueError(f"two histograms need the same bins, not shapes {ref.shape} and {cur.shape}")
    for name, counts in (("reference", ref), ("current data", cur)):
        total = counts.sum() if counts.size else 0.0
        if not total < np.inf or (counts.size and counts.min() < 0):
            raise ValueError(f"the {name}: a count is a finite number from 0")
        if not total:
            raise ValueError(f"the {name} has no rows in any bin")
    return ref, cur


def shares(ref_counts: Counts, cur_counts: Counts) -> tuple[Floats, Floats]:
    """Two histograms as shares of their totals.

    Args:
        ref_counts: As in `checked`.
        cur_counts: As in `checked`.

    Returns:
        Both, shape (bins,), each summing to 1.

    Raises:
        ValueError: as `checked`.
    """
    ref, cur = checked(ref_counts, cur_counts)
    return ref / ref.sum(), cur / cur.sum()


def filled(ref_counts: Counts, cur_counts: Counts) -> tuple[Floats, Floats]:
    """Shares for a logarithm: a bin that only one side has counts as half a row of the other.

    The shares of a side sum to a little over 1 then. A bin that neither side has is left out. So equal shares stay
    equal, whatever the numbers of rows, and the two sides may be exchanged.

    Args:
        ref_counts: As in `checked`.
        cur_counts: As in `checked`.

    Returns:
        Both, of the bins that some side has; every share above 0.

    Raises:
        ValueError: as `checked`.
    """
    import numpy as np

    ref, cur = checked(ref_counts, cur_counts)
    used = (ref + cur) > 0
    ref, cur = ref[used], cur[used]
    return np.where(ref > 0, ref, 0.5) / ref.sum(), np.where(cur > 0, cur, 0.5) / cur.sum()
