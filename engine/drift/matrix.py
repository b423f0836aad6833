"""Both sides as rows of numbers, for what looks at all columns at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Sampled rows of both sides.

    Args:
        names: The columns, shape (columns,).
        numeric: Which of them hold numbers; the others hold places of levels, the most frequent first.
        reference: Shape (rows, columns), float64; NaN for what is missing.
        current: Rows of the same columns.
    """

    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    reference: NDArray[Any]
    current: NDArray[Any]


def above_chance(scores: NDArray[Any], firsts: int, seed: int, draws: int) -> NDArray[Any]:
    """Mean scores of the second of two groups, less those of the first, when the groups are dealt at random.

    Args:
        scores: Of all rows, shape (rows,).
        firsts: How many rows the first group has.
        seed: Makes the deals repeatable.
        draws: How many deals.

    Returns:
        Shape (draws,).
    """
    import numpy as np

    source = np.random.default_rng(seed)
    total, rows = scores.sum(), len(scores)
    found = np.empty(draws)
    for place in range(draws):
        first = scores[source.permutation(rows)[:firsts]].sum()
        found[place] = (total - first) / (rows - firsts) - first / firsts
    return found


def p_value(found: float, by_chance: NDArray[Any]) -> float:
    """Probability of at least `found` under random deals, the found one counted among them (Phipson and Smyth 2010)."""
    return float((1 + (by_chance >= found).sum()) / (1 + len(by_chance)))
