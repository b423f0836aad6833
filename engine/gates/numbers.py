"""Decimal arithmetic on logged numbers: 0.91 less a margin of 0.01 is 0.90, which binary floats do not promise."""

from __future__ import annotations


def difference(left: float, right: float, allowance: float = 0.0) -> float:
    """`left - right + allowance`, exact on the numbers as they are written.

    Args:
        left: Finite.
        right: Finite.
        allowance: Finite.

    Returns:
        The difference as the nearest float; its sign is exact.
    """
    from decimal import Context, Decimal

    exact = Context(prec=1_000)
    result = exact.add(exact.subtract(Decimal(repr(left)), Decimal(repr(right))), Decimal(repr(allowance)))
    rounded = float(result)
    if rounded == 0 and result:
        return 5e-324 if result > 0 else -5e-324
    return rounded


def written(value: float) -> str:
    """A number for a sentence: at most six significant digits."""
    return f"{value:.6g}"
