"""From "at most one false page in 30 days" to the level of each window's decision.

Source: the expected number of false alarms is the sum of their probabilities, dependent or not (C. E. Bonferroni,
"Teoria statistica delle classi e calcolo delle probabilita", Pubblicazioni del R. Istituto Superiore di Scienze
Economiche e Commerciali di Firenze 8 (1936) 3-62); k bad windows of m: the binomial bound for windows without rows in
common.
"""

from __future__ import annotations

from math import comb

GREATEST = 0.2
"""The greatest level that is given, however generous the budget: beyond it a verdict says little."""


def level(pages: float, days: float, windows_per_day: float, *, raise_k: int = 1, raise_m: int = 1) -> float:
    """Level of the decision on one window that keeps to a budget of false pages.

    Args:
        pages: Expected false pages, above 0.
        days: In so many days, above 0.
        windows_per_day: How many windows are decided a day, above 0.
        raise_k: An alert needs so many bad windows, from 1,
        raise_m: among the latest so many, at least `raise_k`; windows must have no rows in common if it is more than 1.

    Returns:
        The level, in (0, 0.2].

    Raises:
        ValueError: a number is out of its range.
    """
    if not min(pages, days, windows_per_day) > 0 or not 1 <= raise_k <= raise_m:
        raise ValueError("a budget needs pages, days and windows above 0, and 1 <= raise_k <= raise_m")
    # A page comes with a window that is bad itself, and so were k - 1 of the m - 1 before it.
    each = pages / days / windows_per_day / comb(raise_m - 1, raise_k - 1)
    return float(min(GREATEST, each ** (1 / raise_k)))
