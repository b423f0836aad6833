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


def written_apart(*values: float) -> tuple[str, ...]:
    """Numbers that a sentence compares: six significant digits, or more where the comparison shows only then.

    Args:
        values: Finite; the first is judged by `first - second + third` (the third is 0 when left out).

    Returns:
        The numbers, with as many digits as keep the sign of that difference, and equal numbers equal.
    """
    left, right, *allowance = values
    true = difference(left, right, *allowance)
    for digits in range(6, 18):
        texts = tuple(f"{value:.{digits}g}" for value in values)
        shown = difference(*map(float, texts))
        if (shown > 0) - (shown < 0) == (true > 0) - (true < 0):
            return texts
    return tuple(map(repr, values))
