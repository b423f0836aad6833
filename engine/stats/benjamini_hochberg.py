"""Control of the false discovery rate over many tests that are looked at together.

Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate: a practical and powerful approach to
multiple testing", Journal of the Royal Statistical Society B 57 (1995) 289-300.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def adjusted(p: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """Adjusted p-values: rejecting where q <= level keeps the false discovery rate at that level.

    Args:
        p: One p-value a test, each in [0, 1], shape (tests,); of tests that are independent or positively dependent.

    Returns:
        q, shape (tests,), in the order of `p`; empty for no test.

    Raises:
        ValueError: a value lies outside [0, 1] or is no number.
    """
    import numpy as np

    given = np.asarray(p, np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise ValueError("p-values are a list of numbers in [0, 1]")
    order = np.argsort(-given, kind="stable")
    ranks = np.arange(given.size, 0, -1)
    q = np.empty(given.size)
    q[order] = np.minimum.accumulate(given[order] * (given.size / ranks)).clip(max=1.0)
    return q
