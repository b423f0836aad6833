"""What many numbers come to: how many there are, the least, the mean, the greatest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable


@frozen
class Aggregate:
    """What the numbers of one column come to.

    Args:
        column: The column, as it was asked for.
        count: How many things have a number there.
        missing: How many have none: nothing at all, a text, or NaN.
        least: The least number; `None` without any.
        mean: The arithmetic mean; `None` without any, or when both infinities are among them.
        greatest: The greatest number; `None` without any.
    """

    column: str
    count: int
    missing: int
    least: float | None = None
    mean: float | None = None
    greatest: float | None = None


@frozen
class Aggregates:
    """What the columns of a list come to.

    Args:
        things: How many things there are.
        columns: The columns, in the order they were asked for.
    """

    things: int
    columns: tuple[Aggregate, ...]


def aggregate(column: str, values: Iterable[float | None]) -> Aggregate:
    """What values come to, one by one.

    Args:
        column: Their column.
        values: One for each thing; `None` or NaN for none.
    """
    every = list(values)
    numbers = [value for value in every if value is not None and not math.isnan(value)]
    if not numbers:
        return Aggregate(column, 0, len(every))
    return Aggregate(
        column, len(numbers), len(every) - len(numbers), min(numbers), mean(sum(numbers), len(numbers)), max(numbers)
    )


def mean(total: float | None, count: int) -> float | None:
    """A mean from a sum; `None` when there is none."""
    if total is None or not count or math.isnan(total):
        return None
    return total / count
