"""Trees as arrays of numbers over the inputs themselves: the preprocessing is folded into the thresholds, exactly.

A tree compares what a scaler made of an input, rounded to single precision, with a threshold. Both the scaler and the
rounding keep order, so there is one greatest input in double precision that still passes: comparing with that gives the
same branch for every number there is, and the scaler need not run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.core.errors import NotServable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.columns import Column

_GREATEST = 0x7FEF_FFFF_FFFF_FFFF  # the bits of the greatest double
_HALVINGS = 64


class Link(StrEnum):
    """What becomes of the sums of a model; stored with these words."""

    NUMBER = "number"
    """The sum is the answer."""
    EXPONENTIAL = "exponential"
    """e to the sum is the answer."""
    SHARES = "shares"
    """The sums are probabilities; the greatest wins, the first of equals."""
    SIGN = "sign"
    """The second class wins above 0; no probabilities."""
    GREATEST = "greatest"
    """The greatest wins; no probabilities."""
    LOGISTIC = "logistic"
    """The probability of the second class is the logistic of the sum; it wins above 0."""
    LOGISTIC_UP = "logistic-up"
    """The same, but the second class wins at 0 too."""
    SOFTMAX = "softmax"
    """Probabilities by softmax; the greatest wins."""
    LOGISTIC_EACH = "logistic-each"
    """The logistic of each sum, scaled to sum to 1; the greatest sum wins."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees, all nodes in one set of arrays.

    Args:
        feature: Which column of the inputs a node looks at, shape (nodes,).
        threshold: A value that is not greater goes left, shape (nodes,).
        unequal: Where set, a value that is not the threshold goes left instead, shape (nodes,).
        missing_left: Whether NaN goes left, shape (nodes,).
        left: The node to the left, shape (nodes,); a leaf names itself.
        right: The node to the right, shape (nodes,); a leaf names itself.
        values: What a leaf adds, shape (nodes, width).
        roots: Each tree's first node, shape (trees,).
        targets: The first sum that a tree adds to, shape (trees,); the next `width - 1` follow.
        start: What the sums begin with, shape (sums,).
        divisor: What the sums are divided by.
        link: What becomes of them.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    unequal: NDArray[np.bool_]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: NDArray[np.float64]
    roots: NDArray[np.int32]
    targets: NDArray[np.int32]
    start: NDArray[np.float64]
    divisor: float
    link: Link

    @property
    def leaves(self) -> NDArray[np.bool_]:
        """Which nodes are leaves, shape (nodes,)."""
        import numpy as np

        return np.asarray(self.left == np.arange(len(self.left)))

    @property
    def depth(self) -> int:
        """The most steps from a root to a leaf."""
        import numpy as np

        steps, at = 0, np.unique(self.roots)
        while True:
            below = np.unique(np.concatenate([self.left[at], self.right[at]]))
            if np.array_equal(below, at) or self.leaves[at].all():
                return steps
            steps, at = steps + 1, below


def greatest_passing(column: Column, thresholds: NDArray[np.float64], *, single_precision: bool) -> NDArray[np.float64]:
    """The greatest input that is not above a threshold once it went through a column's steps.

    Args:
        column: The column; its steps keep order.
        thresholds: What a node compares with, shape (nodes,).
        single_precision: Whether the estimator rounds what it sees to float32 before it compares.

    Returns:
        Shape (nodes,); `-inf` where no finite number passes, `inf` where all do.
    """
    import numpy as np

    def passes(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        seen = column.apply(_numbers(keys))
        return np.asarray((seen.astype(np.float32).astype(np.float64) if single_precision else seen) <= thresholds)

    # Doubles, taken as integers, are in order; halving that range finds the last one that passes.
    low = np.full(len(thresholds), -_GREATEST, np.int64)
    high = np.full(len(thresholds), _GREATEST, np.int64)
    with np.errstate(over="ignore"):
        none, every = ~passes(low), passes(high)
        for _ in range(_HALVINGS):
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            passed = passes(middle)
            low, high = np.where(passed, middle, low), np.where(passed, high, middle)
    found = _numbers(low)
    return np.where(none, -np.inf, np.where(every, np.inf, found))


def _numbers(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    import numpy as np

    bits = np.where(keys >= 0, keys, np.bitwise_or(-keys, np.int64(-(2**63))))
    return bits.view(np.float64)


def fold(
    feature: NDArray[np.int32],
    threshold: NDArray[np.float64],
    missing_left: NDArray[np.bool_],
    columns: tuple[Column, ...],
    *,
    single_precision: bool,
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], list[str | float | None]]:
    """Let splits on preprocessed columns be splits on the inputs.

    Args:
        feature: The column each node looks at, shape (nodes,); -1 at leaves.
        threshold: What it compares with, shape (nodes,).
        missing_left: Whether NaN goes left, shape (nodes,).
        columns: What the preprocessing makes of the inputs.
        single_precision: Whether the estimator rounds to float32 before it compares.

    Returns:
        Input, threshold, whether it asks for inequality, whether NaN goes left, each of shape (nodes,), and the
        category that a node asks for, where that is a text.

    Raises:
        NotServable: a missing number is filled in before it is taken for a category.
    """
    import numpy as np

    source = np.zeros(len(feature), np.int32)
    folded, unequal, missing = threshold.copy(), np.zeros(len(feature), bool), missing_left.copy()
    asked: list[str | float | None] = [None] * len(feature)
    for place in np.unique(feature[feature >= 0]).tolist():
        column, here = columns[place], np.flatnonzero(feature == place)
        source[here] = column.source
        if column.category is None:
            folded[here] = greatest_passing(column, threshold[here], single_precision=single_precision)
            if column.fill is not None:
                missing[here] = column.fill <= folded[here]
            continue
        if column.fill is not None:
            raise NotServable("A number that is filled in and then taken for a category cannot be folded.")
        marks = column.apply(np.array([0.0, 1.0]))
        seen = (marks.astype(np.float32) if single_precision else marks).astype(np.float64)
        with_it, without = seen[1] <= threshold[here], seen[0] <= threshold[here]
        # A split that both marks pass, or neither, is no question of the category any more.
        folded[here] = np.where(with_it, np.inf, -np.inf)
        missing[here] = with_it
        for node in here[without & ~with_it].tolist():
            unequal[node] = True
            asked[node] = column.category
    return source, folded, unequal, missing, asked
