"""The one thing decisions look at: what both sides of a column hold, counted over the same bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_FINE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Fine:
    """Both sides over many narrow bins of finite numbers: for quantities of ordered values.

    Args:
        reference: Counts, shape (bins,), integers.
        current: Counts over the same bins.
        lows: Where each bin begins, ascending, shape (bins,).
        highs: Where it ends; equal to its low where the bin holds one value.
        scale: Standard deviation of the reference; 0 where it is constant.
        mean_ref: Mean of the reference.
        mean_cur: Mean of the current data.
        offset: What has been taken off every number, for numbers that a float64 would round; 0 for others.
    """

    reference: NDArray[Any]
    current: NDArray[Any]
    lows: NDArray[Any]
    highs: NDArray[Any]
    scale: float
    mean_ref: float
    mean_cur: float
    offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Both sides' finite values themselves, for the exact path.

    Args:
        reference: Numbers, shape (rows,).
        current: Numbers, shape (rows,).
    """

    reference: NDArray[Any]
    current: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Counts:
    """Both sides of one column.

    Args:
        name: The column.
        kind: What its values are, a word of `FeatureKind`.
        labels: What each bin holds, in words; logged text among them.
        reference: Counts by bin, shape (bins,), integers; missing and odd values are bins like any other.
        current: Counts over the same bins.
        lows: Where bins of numbers begin; NaN for others.
        highs: Where they end.
        in_order: How many of the bins, from the first, are neighbours in an order.
        n_ref: Rows of the reference.
        n_cur: Rows of the current data.
        nulls_ref: Missing values of the reference.
        nulls_cur: Missing values of the current data.
        values: The values, on the exact path.
        new_levels: Levels that the reference does not have, the most frequent first.
        exact: Whether the counts are exact; those of very many levels are not.
        narrow: Gives at most so many narrow bins, where values are ordered.
        quantity: Gives a quantity of order by its name, with its greatest error, where values are ordered.
        retyped: How values are stored now, and how they were, where these have nothing in common.
        aspect: Which side of its values is counted, where they have several: `length`, `words`, `characters`.
        aspects: The other sides.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    reference: NDArray[Any]
    current: NDArray[Any]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    in_order: int
    n_ref: int
    n_cur: int
    nulls_ref: int = 0
    nulls_cur: int = 0
    values: Values | None = None
    new_levels: tuple[str, ...] = ()
    exact: bool = True
    narrow: Callable[[int], Fine] | None = None
    quantity: Callable[[str], tuple[float, float]] | None = None
    retyped: tuple[str, str] | None = None
    aspect: str = ""
    aspects: tuple[Counts, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether quantities of ordered values can be told."""
        return self.narrow is not None

    @cached_property
    def fine(self) -> Fine | None:
        """Narrow bins for a look at the shape; `None` where values have no order."""
        return None if self.narrow is None else self.narrow(_FINE)
