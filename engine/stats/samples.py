"""Two samples of numbers: what every exact comparison asks of them first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats


def sorted_sample(values: NDArray[Any], name: str) -> Floats:
    """A sample in ascending order, as doubles.

    Args:
        values: Finite numbers, shape (n,), not empty; is not changed.
        name: What the sample is called in an error.

    Returns:
        Ascending, shape (n,).

    Raises:
        ValueError: the sample is empty, not one-dimensional, or holds something that is not finite.
    """
    import numpy as np

    ordered = np.sort(np.asarray(values, np.float64))
    if ordered.ndim != 1 or not ordered.size:
        raise ValueError(f"the {name} needs one column with at least one row")
    if not (np.isfinite(ordered[0]) and np.isfinite(ordered[-1])):
        raise ValueError(f"the {name} holds values that are not finite: leave them out first")
    return ordered
